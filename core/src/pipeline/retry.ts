/** What happens after an attempt: pure, so that the schedule can be tested as a law. */
import type { Outcome, Settlement } from '../contract/delivery.js';

/** What an attempt came to, or that a transform kept the event from this destination. */
export type Attempted = Outcome | { readonly kind: 'skipped' };

/** How a destination is tried again. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  /** Longest wait before the second attempt; doubles with each further one. */
  readonly firstMs: number;
  /** No wait is longer. */
  readonly maxMs: number;
}

/**
 * The settlement of an attempt. Waits are drawn evenly between 0 and the schedule's step ("full jitter"), so that what
 * failed together does not come back together. `chance` gives numbers from 0 to below 1.
 */
export function settlementFor(
  outcome: Attempted,
  attempt: number,
  policy: RetryPolicy,
  nowMs: number,
  chance: () => number,
): Settlement {
  switch (outcome.kind) {
    case 'delivered':
      return { state: 'delivered' };
    case 'skipped':
      return { state: 'skipped' };
    case 'rejected':
      return { state: 'dead', reason: 'rejected' };
    case 'unavailable':
      if (attempt >= policy.attempts) return { state: 'dead', reason: 'exhausted' };
      return { state: 'waiting', untilMs: nowMs + Math.round(waitMs(outcome, attempt, policy, chance)), counted: true };
  }
}

function waitMs(
  outcome: Extract<Outcome, { kind: 'unavailable' }>,
  attempt: number,
  policy: RetryPolicy,
  chance: () => number,
): number {
  if (outcome.retryAfterMs !== undefined) return Math.min(Math.max(0, outcome.retryAfterMs), policy.maxMs);
  if (outcome.needsOperator === true) return policy.maxMs * (0.5 + chance() / 2);
  return chance() * Math.min(policy.maxMs, policy.firstMs * 2 ** (attempt - 1));
}
