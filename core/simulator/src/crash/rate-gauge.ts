/** Whether attempts keep a rate limit, as their receiver sees them. */

/** What is allowed. */
export interface RateGaugeLimits {
  readonly perSecond: number;
  /** How many more may come at once. */
  readonly burst: number;
}

export class RateGauge {
  readonly #limits: RateGaugeLimits;
  #left: number;
  #atMs = 0;

  constructor(limits: RateGaugeLimits) {
    this.#limits = limits;
    this.#left = limits.burst;
  }

  /** Counts an attempt, at a time that does not go back; false where it came too soon. Attempts that came too soon are not counted against later ones. */
  arrive(nowMs: number): boolean {
    const { perSecond, burst } = this.#limits;
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#atMs) * perSecond) / 1_000);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  /** The whole burst may come once more, because routers do not know what was used before. */
  forgive(): void {
    this.#left = this.#limits.burst;
  }
}
