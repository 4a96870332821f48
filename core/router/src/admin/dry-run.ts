/** Dry runs: what a source would make of a body, and the answer of a call, without a server, a store or a record. */
import {
  type Call,
  type Clock,
  type EventRecord,
  type HttpReply,
  isRefusal,
  type JsonObject,
  type Log,
  type PhoneNormalizer,
  type Reception,
  refuse,
  type SignedRequest,
  type Source,
  stringifyJson,
} from '@switchhook/sdk';
import { isWithheld } from '@switchhook/sdk/internal';
import type { CallAnswer, InboundCall } from '../calls/answer.js';
import { acknowledgement, replyTo, traceOf } from '../calls/reply.js';
import { answeredDraft } from '../ingest/call-recorder.js';
import type { DraftMask } from '../ingest/draft-mask.js';
import { readReception } from '../ingest/reception.js';
import { recordOf } from '../routing/event-record.js';

/** What a dry run of a call works with. */
export interface CallParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Makes the answer. */
  answer(inboundCall: InboundCall, startedAtMs: number): Promise<CallAnswer>;
}

/** What the platform would be sent, and how it came about: as it would stand in `event.data.answer`. */
export interface CallDryRun {
  readonly reply: HttpReply;
  readonly trace: JsonObject;
  /** True where the reply only acknowledges the request, and the source sends the answer by one of its own. */
  readonly isSentLater: boolean;
  /** Which of its numbers is missing or no phone number, as its source found them; null where nothing is wrong. A withheld one is not wrong. */
  readonly numbers: string | null;
  readonly call: Call;
}

/** A body as if a source received it now. */
export interface DryRun {
  /** Of the source. */
  readonly name: string;
  /** Undefined = there is none of the name. */
  readonly source: Source | undefined;
  readonly body: JsonObject;
  readonly nowMs: number;
  readonly normalizePhone: PhoneNormalizer;
  /** Of the source. */
  readonly mask?: DraftMask | undefined;
}

/** What a source would make of a body. */
export interface TriedBody {
  /** With ids that no event has. That of a call has its answer, where there is one. */
  readonly events: readonly EventRecord[];
  /** Null where it is no call, or it was not to be answered. */
  readonly call: CallDryRun | null;
}

/** The answer to a call. Refuses as `MALFORMED` a body that its source does not take for one. */
export async function dryRunCall(dryRun: DryRun, parts: CallParts): Promise<CallDryRun> {
  const { call } = await triedBody(dryRun, parts);
  if (call === null) throw refuse('MALFORMED', `source ${dryRun.name} does not take the body for a call`);
  return call;
}

/**
 * The events that a source would make of a body; of a call, its answer, too, unless `parts` is null. Refuses as `MALFORMED` what the source
 * does not take.
 */
export async function triedBody(dryRun: DryRun, parts: CallParts | null): Promise<TriedBody> {
  const { name, nowMs, source, mask } = dryRun;
  const startedAtMs = parts?.clock.elapsed() ?? 0;
  const sent = await sentReception(dryRun);
  const reception = readReception(sent, dryRun.normalizePhone, source, mask);
  switch (reception.kind) {
    case 'handshake':
      return { events: [], call: null };
    case 'events':
      return {
        events: reception.events.map((draft, index) => recordOf(draft, name, nowMs, exampleId(index))),
        call: null,
      };
    case 'call': {
      const callAnswer = (await parts?.answer(reception, startedAtMs)) ?? null;
      const draft = callAnswer === null ? reception.event : answeredDraft(reception, callAnswer, mask);
      const events = [recordOf(draft, name, nowMs, exampleId(0))];
      if (callAnswer === null || parts === null) return { events, call: null };
      const numbers = sent.kind === 'call' ? numberProblems(sent.call, reception.call) : null;
      return { events, call: { ...answered(reception, callAnswer, source, parts.log), numbers } };
    }
  }
}

function numberProblems(sent: Call, read: Call): string | null {
  const problems = (['from', 'to'] as const).flatMap((name) => {
    if (sent[name] === '') return [`${name} is missing: the field that the source reads has no text`];
    return isWithheld(sent[name]) || /^\+\d/.test(read[name]) ? [] : [`${name} is not a phone number`];
  });
  return problems.length === 0 ? null : problems.join('; ');
}

function answered(inboundCall: InboundCall, callAnswer: CallAnswer, source: Source | undefined, log: Log) {
  const { call } = inboundCall;
  const trace = traceOf(call, callAnswer);
  if (source?.answer === undefined)
    return { reply: replyTo(inboundCall, callAnswer, source, log), trace, call, isSentLater: false };
  const about = { eventId: callAnswer.trace.eventId, requests: 1 };
  return { reply: acknowledgement(inboundCall, about, source, log), trace, call, isSentLater: true };
}

/** No event has it. */
export function exampleId(index: number): string {
  return `00000000-0000-0000-0000-${String(index).padStart(12, '0')}`;
}

/** What a source makes of a body that it has signed itself. Refuses as `MALFORMED` what the source does not take. */
export async function receptionOf(dryRun: DryRun): Promise<Reception> {
  return readReception(await sentReception(dryRun), dryRun.normalizePhone, dryRun.source, dryRun.mask);
}

/** With the numbers as its source has found them. */
async function sentReception({ name, source, body, nowMs }: DryRun): Promise<Reception> {
  if (source === undefined) throw refuse('MALFORMED', `there is no source ${name}`);
  const bytes = new TextEncoder().encode(stringifyJson(body));
  const signed = source.sign?.(bytes, nowMs);
  if (signed === undefined) throw refuse('MALFORMED', `source ${name} cannot sign a body itself`);
  return received(name, source, {
    ...requestParts(signed),
    body: bytes,
    remoteAddress: '127.0.0.1',
    url: `/hooks/${name}${signed.rest}`,
    receivedAtMs: nowMs,
  });
}

/** A request with what makes its body acceptable to a source. */
export function requestParts({ rest, headers }: SignedRequest) {
  const { pathname, searchParams } = new URL(`http://source.invalid${rest.startsWith('/') ? '' : '/'}${rest}`);
  return {
    method: 'POST',
    rest: decodeURIComponent(pathname.slice(1)),
    query: Object.fromEntries(searchParams),
    headers: { 'content-type': 'application/json', ...headers },
  };
}

async function received(name: string, source: Source, request: Parameters<Source['receive']>[0]) {
  try {
    return await source.receive(request);
  } catch (error) {
    if (isRefusal(error)) {
      throw refuse('MALFORMED', `source ${name} refuses the body: ${error.message}`, { cause: error });
    }
    throw error;
  }
}
