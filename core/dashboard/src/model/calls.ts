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

/**
 * The ring time as text: from the request about the call to its answer, which is the reply, or the end of a request by which the source has
 * sent it. The overview and the history count the same.
 */
export function ringText({ ms, sent }: Pick<CallAnswer, 'ms' | 'sent'>): string {
  if (sent === undefined) return duration(ms);
  return sent.outcome === 'late' ? 'too late' : duration(sent.ms);
}
