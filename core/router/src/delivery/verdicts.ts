/** What the routers of a store have found out about their destinations: the last verdict holds for all of them. */
import type { Clock } from '@switchhook/sdk';
import type { Verdict } from '../cluster/report.js';
import type { Throttle } from './throttle.js';

/** The router that has opened a breaker makes the next probe; the others make it if they hear nothing within this time. */
const probeLaterMs = 1_000;

export class Verdicts {
  readonly #clock: Clock;
  /** By destination. */
  readonly #last = new Map<string, Verdict>();
  /** How many of a throttle's own verdicts are known here. */
  readonly #known = new WeakMap<Throttle, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The last verdict about a destination, whichever router found it; null where there is none. */
  of(destination: string, throttle: Throttle): Verdict | null {
    const { verdicts, found } = throttle;
    const last = this.#last.get(destination) ?? null;
    if (verdicts === (this.#known.get(throttle) ?? 0)) return last;
    this.#known.set(throttle, verdicts);
    // Later than all that are known, also where another router's clock is ahead.
    const atMs = Math.max(this.#clock.now(), (last?.atMs ?? 0) + 1);
    const verdict = { ...shifted(found, this.#aheadMs), atMs };
    this.#last.set(destination, verdict);
    return verdict;
  }

  /** Applies the verdict of another router; false where a later one is known. */
  hear(destination: string, throttle: Throttle, verdict: Verdict): boolean {
    const last = this.of(destination, throttle);
    if (last !== null && verdict.atMs <= last.atMs) return false;
    this.#last.set(destination, verdict);
    const { openUntilMs, ...rest } = shifted(verdict, -this.#aheadMs);
    const laterMs = openUntilMs === null ? null : openUntilMs + probeLaterMs;
    throttle.adopt({ ...rest, openUntilMs: laterMs }, this.#clock.elapsed());
    return true;
  }

  /** By how much the time since the epoch is ahead of the clock of throttles. */
  get #aheadMs(): number {
    return this.#clock.now() - this.#clock.elapsed();
  }
}

/** By another clock. */
function shifted<F extends Throttle['found']>(found: F, byMs: number): F {
  const shift = (ms: number | null) => (ms === null ? null : ms + byMs);
  const { openedAtMs, openUntilMs, askedUntilMs } = found;
  return {
    ...found,
    openedAtMs: shift(openedAtMs),
    openUntilMs: shift(openUntilMs),
    askedUntilMs: shift(askedUntilMs),
  };
}
