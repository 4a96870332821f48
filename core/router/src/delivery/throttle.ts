/** The throttle of a queue: whether an attempt may start now, or when. Circuit breaker, rate limit and `Retry-After`. */
import { Breaker, type BreakerPolicy, type BreakerState } from '../resilience/breaker.js';
import { type Rate, TokenBucket } from '../resilience/token-bucket.js';
import type { AttemptOutcome } from './retry.js';

/** What limits a queue beside its concurrency. */
export interface ThrottlePolicy {
  /** Null = no limit. Counts attempts; a batch is one. */
  readonly rateLimit: Rate | null;
  /** Null = no breaker. */
  readonly breaker: BreakerPolicy | null;
  /** A longer `Retry-After` is shortened to this. */
  readonly longestPauseMs: number;
}

/** Times are from a clock that never goes back. */
export class Throttle {
  readonly #policy: ThrottlePolicy;
  readonly #breaker: Breaker | null;
  readonly #bucket: TokenBucket | null;
  #pausedUntilMs = 0;

  constructor(policy: ThrottlePolicy, nowMs: number) {
    this.#policy = policy;
    this.#breaker = policy.breaker === null ? null : new Breaker(policy.breaker, policy.longestPauseMs);
    this.#bucket = policy.rateLimit === null ? null : new TokenBucket(policy.rateLimit, nowMs);
  }

  /** How many attempts may start now. */
  allowance(nowMs: number): number {
    if (nowMs < this.#pausedUntilMs) return 0;
    const unlimited = Number.POSITIVE_INFINITY;
    return Math.min(this.#breaker?.allowance(nowMs) ?? unlimited, this.#bucket?.allowance(nowMs) ?? unlimited);
  }

  /** When the next attempt may start; null where that depends on the end of a probe. */
  opensAtMs(nowMs: number): number | null {
    const probeAtMs = this.#breaker?.state(nowMs) === 'closed' ? nowMs : (this.#breaker?.probeAtMs() ?? null);
    if (this.#breaker !== null && probeAtMs === null) return null;
    return Math.max(this.#pausedUntilMs, probeAtMs ?? nowMs, this.#bucket?.opensAtMs(nowMs) ?? nowMs);
  }

  started(nowMs: number): void {
    this.#bucket?.take(nowMs);
    this.#breaker?.started(nowMs);
  }

  /**
   * An attempt has ended, with the outcomes of those deliveries for which the destination was called. Without any, it was
   * no attempt. A batch that went through in part shows that the destination is there.
   */
  ended(outcomes: readonly AttemptOutcome[], nowMs: number): void {
    if (outcomes.length === 0) {
      this.#bucket?.giveBack(nowMs);
      this.#breaker?.cancelled();
      return;
    }
    for (const outcome of outcomes)
      if (outcome.kind === 'unavailable' && outcome.retryAfterMs !== undefined)
        this.#pausedUntilMs = Math.max(
          this.#pausedUntilMs,
          nowMs + Math.min(outcome.retryAfterMs, this.#policy.longestPauseMs),
        );
    if (outcomes.some(({ kind }) => kind !== 'unavailable')) this.#breaker?.succeeded();
    else this.#breaker?.failed(nowMs);
  }

  /** The state of the breaker; `closed` without one. */
  breakerState(nowMs: number): BreakerState {
    return this.#breaker?.state(nowMs) ?? 'closed';
  }
}
