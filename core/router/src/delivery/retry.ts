/** What happens after an attempt: pure, so that the schedule can be tested as a law. */
import type { Outcome, Settlement } from '@switchhook/sdk';

/** What an attempt came to, or that a transform kept the event from this destination. */
export type AttemptOutcome = Outcome | { readonly kind: 'skipped' };

/** How a destination is tried again. */
export interface RetryPolicy {
  /** Total number of attempts, including the first. */
  readonly attempts: number;
  /** Longest wait before the second attempt; doubles with each further one. */
  readonly firstMs: number;
  /** No wait is longer. */
  readonly maxMs: number;
}

/**
 * The settlement of an attempt. Waits are drawn evenly between half of the schedule's step and all of it: what
 * failed together does not come back together, and the attempts of a policy take at least half of its schedule. `random` gives numbers from 0 to below 1.
 */
export function settlementFor(
  outcome: AttemptOutcome,
  attempt: number,
  policy: RetryPolicy,
  nowMs: number,
  random: () => number,
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
      return { state: 'waiting', untilMs: nowMs + Math.round(waitMs(outcome, attempt, policy, random)), counted: true };
  }
}

function waitMs(
  outcome: Extract<Outcome, { kind: 'unavailable' }>,
  attempt: number,
  policy: RetryPolicy,
  random: () => number,
): number {
  const { retryAfterMs: wishMs = 0, needsOperator = false } = outcome;
  const stepMs = needsOperator ? policy.maxMs : Math.min(policy.maxMs, policy.firstMs * 2 ** (attempt - 1));
  const scheduledMs = stepMs * (0.5 + random() / 2);
  // `Retry-After` is a minimum: a destination that answers "0" is not called without a pause, and the jitter spreads deliveries that failed together.
  return Math.min(policy.maxMs, Math.max(scheduledMs, wishMs + random() * Math.min(wishMs, policy.firstMs)));
}
