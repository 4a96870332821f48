/** Look-ups at an API that limits its requests. */
import type { Clock } from '../contract/services.js';
import { busy } from '../errors/typed-errors.js';
import { isOutcomeError } from './outcome.js';

/** A longer wish is tried again after this time: it may be wrong, and one more request costs little. */
const longestPauseMs = 300_000;

/**
 * Runs look-ups of one resolver. When the API refuses one and names a time until which it refuses more (429, or 503 with
 * `Retry-After`), this one and those until that time are `busy`: no further request is sent, the answer has its defaults at
 * once, and the circuit breaker does not count them. It ends after five minutes at the latest.
 */
export class LimitedLookUps {
  readonly #clock: Pick<Clock, 'elapsed'>;
  #pausedUntilMs = 0;
  #reason = '';

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
  }

  /** Rejects as `look` does, or with what `busy` makes. */
  async run<T>(look: () => Promise<T>): Promise<T> {
    const leftMs = this.#pausedUntilMs - this.#clock.elapsed();
    if (leftMs > 0) throw busy(`no request for another ${Math.ceil(leftMs / 1000)} s: ${this.#reason}`);
    try {
      return await look();
    } catch (error) {
      const outcome = isOutcomeError(error) ? error.outcome : null;
      if (outcome?.kind !== 'unavailable' || outcome.retryAfterMs === undefined) throw error;
      this.#pausedUntilMs = this.#clock.elapsed() + Math.min(outcome.retryAfterMs, longestPauseMs);
      this.#reason = outcome.reason;
      throw busy(outcome.reason);
    }
  }
}
