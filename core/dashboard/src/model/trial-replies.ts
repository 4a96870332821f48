/** What the API returns about trials: samples, the answer of a call that does not ring, and what was sent for real. */
import type { Json } from './json.js';
import type { CallAnswer, RouteExplanation } from './replies.js';

/** Bodies to try a source with. */
export interface SampleSource {
  readonly source: string;
  readonly calls: boolean;
  readonly signs: boolean;
  readonly samples: readonly { readonly name: string; readonly body: { readonly [key: string]: unknown } }[];
}

/** What a platform is replied. */
export interface HttpReply {
  readonly status: number;
  readonly body: { readonly [key: string]: unknown } | null;
  readonly text: string | null;
}

/** Why an answer matches a call, or not. */
export interface AnswerExplanation extends Pick<RouteExplanation, 'matches' | 'reason' | 'where' | 'parts'> {
  readonly answer: string;
}

/** What a caller would get. */
export interface CallDryRun {
  readonly answer: CallAnswer;
  /** In the order of the file: the first that matches answers. */
  readonly answers: readonly AnswerExplanation[];
  readonly reply: HttpReply;
  readonly sentLater: boolean;
  /** Which of its numbers is missing or no phone number; null where nothing is wrong. */
  readonly numbers: string | null;
}

/** How an answer got to a platform that takes it by a request of the source. */
export interface SentAnswer {
  readonly outcome: 'sent' | 'failed' | 'late';
  readonly ms: number;
  readonly reason: string | null;
}

/** What became of a body that was sent for real. */
export interface Sent {
  readonly reply: HttpReply;
  readonly event: string | null;
  readonly duplicate: boolean;
  readonly reason: string | null;
  /** Ids that were replaced by new ones. */
  readonly replaced: readonly { readonly old: string; readonly new: string }[];
  /** Ids that stay, because the source does not go by them. */
  readonly kept: readonly { readonly field: string; readonly value: string }[];
}

/** A body as its platform sent it: the router adds the answer to that of a call. */
export function sentBody(data: { readonly [key: string]: Json }, isCall: boolean): { readonly [key: string]: Json } {
  if (!isCall) return data;
  const { answer: _, ...body } = data;
  return body;
}
