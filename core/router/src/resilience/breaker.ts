/** A circuit breaker: opens after repeated failures, then allows one probe at a time. */
import { type Hold, holdOf } from './hold.js';

/** When to open, and for how long. */
export interface BreakerPolicy {
  /** Number of failures without a success in between that opens it. */
  readonly failures: number;
  /** Failures further apart than this are not counted together. */
  readonly windowMs: number;
  /** How long it stays open before the first probe; doubles with each probe that fails. */
  readonly cooldownMs: number;
}

/** `closed`: all is well. `open`: no attempt is made. `half-open`: one probe may be made, or is under way. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** How a breaker stands, for another one. */
export interface Opening {
  readonly openedAtMs: number | null;
  readonly openUntilMs: number | null;
  readonly failedProbes: number;
}

/** Times are from a clock that never goes back. */
export class Breaker {
  readonly #policy: BreakerPolicy;
  readonly #longestCooldownMs: number;
  #failedProbes = 0;
  #failedAtMs: number[] = [];
  #openedAtMs: number | null = null;
  #openUntilMs: number | null = null;
  #probing = false;

  constructor(policy: BreakerPolicy, longestCooldownMs: number) {
    this.#policy = policy;
    this.#longestCooldownMs = Math.max(longestCooldownMs, policy.cooldownMs);
  }

  state(nowMs: number): BreakerState {
    if (this.#openUntilMs === null) return 'closed';
    return nowMs < this.#openUntilMs ? 'open' : 'half-open';
  }

  /** How many attempts may start now: any number, one probe, or none. */
  allowance(nowMs: number): number {
    if (this.state(nowMs) === 'closed') return Number.POSITIVE_INFINITY;
    return this.state(nowMs) === 'half-open' && !this.#probing ? 1 : 0;
  }

  /** When the next probe may start; null while it is closed, or a probe is under way. */
  probeAtMs(): number | null {
    return this.#probing ? null : this.#openUntilMs;
  }

  /** Since when it is open, and when it allows the next probe; null while it is closed. */
  get hold(): Hold | null {
    return this.#openedAtMs === null ? null : holdOf('breaker-open', this.#openedAtMs, this.probeAtMs());
  }

  /** Since when it is open, until when, and after how many failed probes; both times are null while it is closed. */
  get opening(): Opening {
    return { openedAtMs: this.#openedAtMs, openUntilMs: this.#openUntilMs, failedProbes: this.#failedProbes };
  }

  /**
   * Another router has opened or closed its own; a probe under way goes on. Where both are closed, it has found something else, such as a
   * `Retry-After`: failures that were counted here still count.
   */
  adopt({ openedAtMs, openUntilMs, failedProbes }: Opening): void {
    if (this.#openUntilMs !== null || openUntilMs !== null) this.#failedAtMs = [];
    this.#openedAtMs = openedAtMs;
    this.#openUntilMs = openUntilMs;
    this.#failedProbes = failedProbes;
  }

  /** An attempt starts; while half-open, it is the probe. */
  started(nowMs: number): void {
    if (this.state(nowMs) === 'half-open') this.#probing = true;
  }

  /** The destination answered, with whatever outcome: it is available. */
  succeeded(): void {
    this.#failedAtMs = [];
    this.#openedAtMs = null;
    this.#openUntilMs = null;
    this.#probing = false;
    this.#failedProbes = 0;
  }

  /** What was started did not get as far as the destination: nothing is known of it. */
  cancelled(): void {
    this.#probing = false;
  }

  /** The destination was unavailable. */
  failed(nowMs: number): void {
    const { failures, windowMs, cooldownMs } = this.#policy;
    if (this.#probing) this.#failedProbes += 1;
    else if (this.#openUntilMs !== null) return;
    else {
      this.#failedAtMs = [...this.#failedAtMs, nowMs].filter((atMs) => atMs > nowMs - windowMs).slice(-failures);
      if (this.#failedAtMs.length < failures) return;
    }
    this.#probing = false;
    this.#openedAtMs ??= nowMs;
    this.#openUntilMs = nowMs + Math.min(this.#longestCooldownMs, cooldownMs * 2 ** Math.min(30, this.#failedProbes));
  }
}
