/** Outcomes as components return them: within their time, checked, copied and without secrets. */
import type { Clock, Outcome } from '@switchhook/sdk';
import { withTimeout } from '@switchhook/sdk/internal';
import type { Mask } from '../system/mask.js';
import { invalidReturn } from '../system/returned.js';
import type { AttemptOutcome } from './retry.js';

const responseBytes = 4_096;
/** What of a reason is kept for the operator. */
export const longestReason = 1_024;

const allowedOutcomes = "{ kind: 'delivered' }, or { kind: 'rejected' | 'unavailable', reason: <text> }";
const delivered: Outcome = { kind: 'delivered' };

/** Calls a component, and aborts its signal when the time is up. What it returns at once then still counts. */
export async function calledWithin<T>(clock: Clock, ms: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const running = call(controller.signal);
  return withTimeout(clock, ms, running).catch((error: unknown) => {
    controller.abort(error);
    // What is known by now counts: a status that has come, for example, without the end of its response.
    return Promise.race([running, new Promise<never>((_, reject) => setImmediate(reject, error))]);
  });
}

/** A copy of what a component returned as an outcome: reading it once may throw, reading it later cannot. */
export function checkedOutcome(returned: unknown, method: string, component: object): Outcome {
  try {
    const outcome = returned as Outcome;
    const { kind } = outcome;
    if (kind === 'delivered') return outcome.response === undefined ? delivered : withResponse({ kind }, outcome);
    const { reason } = outcome;
    if (kind === 'rejected' && typeof reason === 'string') return withResponse({ kind, reason }, outcome);
    if (kind === 'unavailable' && typeof reason === 'string') {
      const { retryAfterMs, needsOperator } = outcome;
      const isWish = retryAfterMs !== undefined && Number.isFinite(retryAfterMs);
      const copy: Outcome = { kind, reason, needsOperator: needsOperator === true, ...(isWish && { retryAfterMs }) };
      return withResponse(copy, outcome);
    }
  } catch {
    // It is invalid, and described as such.
  }
  return { kind: 'rejected', reason: invalidReturn(component, method, returned, allowedOutcomes).message };
}

function withResponse(copy: Outcome, { response }: Outcome): Outcome {
  return typeof response === 'string' ? { ...copy, response: responseExcerpt(response) } : copy;
}

/** Without the secrets that an error or a response contains. */
export function maskedOutcome<T extends AttemptOutcome>(outcome: T, mask: Mask): T {
  return {
    ...outcome,
    ...('reason' in outcome && { reason: mask(outcome.reason) }),
    ...('response' in outcome && outcome.response !== undefined && { response: mask(outcome.response) }),
  };
}

/** The first bytes, without a character that is cut in two. */
function responseExcerpt(response: string): string {
  if (response.length * 3 <= responseBytes) return response;
  return new TextDecoder().decode(new TextEncoder().encode(response).subarray(0, responseBytes)).replace(/\uFFFD$/, '');
}
