/** The throttle of a queue: whether an attempt may start now, or when. Pause, circuit breaker, rate limit and `Retry-After`. */
import { Breaker, type BreakerPolicy, type BreakerState, type Opening } from '../resilience/breaker.js';
import { type Failure, type Hold, holdOf, shifted } from '../resilience/hold.js';
import type { RateLimit } from '../resilience/token-bucket.js';
import type { AttemptOutcome } from './retry.js';

/** What limits a queue beside its concurrency. */
export interface ThrottlePolicy {
  /** Null = no limit. Counts attempts; a batch is one. */
  readonly bucket: RateLimit | null;
  /** Null = no breaker. */
  readonly breaker: BreakerPolicy | null;
  /** A longer `Retry-After` is shortened to this. */
  readonly longestWaitMs: number;
  /** Whether an operator has paused the destination. */
  isPaused(): boolean;
}

/** How the destination stands. Times are milliseconds since the epoch. */
export interface Standing {
  /** `closed` where there is none. */
  readonly breaker: BreakerState;
  /** Why no attempt starts, beside a pause and the rate limit. */
  readonly holds: readonly Hold[];
  /** The rate limit lets no attempt start at present. */
  readonly isRateLimited: boolean;
  /** Null where no attempt has failed since the start. */
  readonly lastFailure: Failure | null;
}

/** What attempts have shown of a destination, for other routers. */
export interface Found extends Opening {
  /** Until when the other side has asked to wait. */
  readonly askedUntilMs: number | null;
}

const closed: Opening = { openedAtMs: null, openUntilMs: null, failedProbes: 0 };

/** Times are from a clock that never goes back. */
export class Throttle {
  readonly #policy: ThrottlePolicy;
  readonly #breaker: Breaker | null;
  readonly #bucket: RateLimit | null;
  #asked: Hold | null = null;
  #lastFailure: Failure | null = null;
  /** How often this router's own attempts, or an operator, have changed what is found. */
  verdicts = 0;

  constructor(policy: ThrottlePolicy) {
    this.#policy = policy;
    this.#breaker = policy.breaker === null ? null : new Breaker(policy.breaker, policy.longestWaitMs);
    this.#bucket = policy.bucket;
  }

  /** How many attempts may start now. */
  allowance(nowMs: number): number {
    if (this.#policy.isPaused() || nowMs < this.#askedUntilMs) return 0;
    const unlimited = Number.POSITIVE_INFINITY;
    return Math.min(this.#breaker?.allowance(nowMs) ?? unlimited, this.#bucket?.allowance(nowMs) ?? unlimited);
  }

  /** Something could be attempted: a rate limit that is shared with other routers needs tokens for it. */
  want(nowMs: number): void {
    const isHeld = this.#policy.isPaused() || nowMs < this.#askedUntilMs || this.#breaker?.allowance(nowMs) === 0;
    if (!isHeld) this.#bucket?.want?.(nowMs);
  }

  /** When the next attempt may start; null where that depends on the end of a probe or of a pause. */
  opensAtMs(nowMs: number): number | null {
    if (this.#policy.isPaused()) return null;
    const probeAtMs = this.#breaker?.state(nowMs) === 'closed' ? nowMs : (this.#breaker?.probeAtMs() ?? null);
    if (this.#breaker !== null && probeAtMs === null) return null;
    return Math.max(this.#askedUntilMs, probeAtMs ?? nowMs, this.#bucket?.opensAtMs(nowMs) ?? nowMs);
  }

  /** Time until the next attempt may start; infinite where that is not known. */
  waitMs(nowMs: number): number {
    if (this.allowance(nowMs) > 0) return 0;
    return (this.opensAtMs(nowMs) ?? Number.POSITIVE_INFINITY) - nowMs;
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
      if ('reason' in outcome) this.#lastFailure = { atMs: nowMs, reason: outcome.reason };
    const before = this.found;
    for (const outcome of outcomes)
      if (outcome.kind === 'unavailable' && outcome.retryAfterMs !== undefined)
        this.#wait(nowMs, nowMs + Math.min(outcome.retryAfterMs, this.#policy.longestWaitMs));
    if (outcomes.some(({ kind }) => kind !== 'unavailable')) this.#breaker?.succeeded();
    else this.#breaker?.failed(nowMs);
    const { openUntilMs, askedUntilMs } = this.found;
    if (openUntilMs !== before.openUntilMs || askedUntilMs !== before.askedUntilMs) this.verdicts += 1;
  }

  get found(): Found {
    return { ...(this.#breaker?.opening ?? closed), askedUntilMs: this.#asked?.untilMs ?? null };
  }

  /** Another router has found this. */
  adopt({ askedUntilMs, ...opening }: Found, nowMs: number): void {
    this.#breaker?.adopt(opening);
    if (askedUntilMs === null) this.#asked = null;
    else this.#wait(nowMs, Math.min(askedUntilMs, nowMs + this.#policy.longestWaitMs));
  }

  /** Closes the breaker, and ends the wait that the other side has asked for. */
  reset(): void {
    this.#breaker?.succeeded();
    this.#asked = null;
    this.verdicts += 1;
  }

  /** Drops the last failure: its reason may quote what was sent. */
  forget(): void {
    this.#lastFailure = null;
  }

  /** `aheadMs`: by how much the time since the epoch is ahead of this clock. */
  standing(nowMs: number, aheadMs: number): Standing {
    const asked = nowMs < this.#askedUntilMs ? this.#asked : null;
    const holds = [this.#breaker?.hold ?? null, asked].filter((hold) => hold !== null);
    const failure = this.#lastFailure;
    return {
      breaker: this.#breaker?.state(nowMs) ?? 'closed',
      holds: shifted(holds, aheadMs),
      isRateLimited: this.#bucket?.isUsedUp(nowMs) ?? false,
      lastFailure: failure === null ? null : { ...failure, atMs: failure.atMs + aheadMs },
    };
  }

  get #askedUntilMs(): number {
    return this.#asked?.untilMs ?? 0;
  }

  #wait(nowMs: number, untilMs: number): void {
    const sinceMs = nowMs < this.#askedUntilMs ? (this.#asked?.sinceMs ?? nowMs) : nowMs;
    if (untilMs > this.#askedUntilMs) this.#asked = holdOf('asked-to-wait', sinceMs, untilMs);
  }
}
