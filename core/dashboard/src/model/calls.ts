/** How calls are answered, as text. */
import type { CallAnswer, Step } from './replies.js';
import { duration } from './wording.js';

/** What a step is, as a sentence. */
export const stepTexts: Readonly<Record<Step, string>> = {
  fresh: 'looked up during the call',
  cached: 'from facts that were kept and are still valid',
  stale: 'from facts that were kept and are past their time',
  default: 'from the defaults of the answer',
  none: 'a variable is missing',
  minimum: 'the router could only send its minimum answer',
  unanswered: 'no answer of the configuration matched',
};

/** How bad it is that a call was answered by a step. */
export const levelOfStep: Readonly<Record<Step, 'well' | 'warn' | 'bad'>> = {
  fresh: 'well',
  cached: 'well',
  stale: 'warn',
  default: 'warn',
  none: 'warn',
  minimum: 'bad',
  unanswered: 'bad',
};

/** When the platform had its reply: one that no answer of the configuration has made has no variables. */
export function repliedText({ name, ms }: Pick<CallAnswer, 'name' | 'ms'>): string {
  return `${name === null ? 'Replied without variables' : 'Answered'} after ${duration(ms)}.`;
}

/**
 * The ring time as text: from the request about the call to its answer, which is the reply, or the end of a request by which the source has
 * sent it. The overview and the history count the same.
 */
export function ringText({ ms, sent }: Pick<CallAnswer, 'ms' | 'sent'>): string {
  if (sent === undefined) return duration(ms);
  return sent.outcome === 'late' ? 'too late' : duration(sent.ms);
}

/** How long after a ring its call may be recorded, at most: a platform waits ten seconds for each of four tries. */
const recordedMs = 60_000;

/** Whether a call that is not kept may still be recorded: its id has the time of the ring, which is not far in the future either. */
export function mayBeRecorded(id: string, nowMs: number): boolean {
  const [, start, end] = /^([\da-f]{8})-([\da-f]{4})-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/i.exec(id) ?? [];
  if (start === undefined || end === undefined) return false;
  return Math.abs(nowMs - Number.parseInt(start + end, 16)) < recordedMs;
}
