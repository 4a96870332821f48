/** A rate limit: a token bucket. */
/** So many per so long. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/** How many a bucket holds at most: one second's worth, at least one. */
export function capacityOf({ count, perMs }: Rate): number {
  return Math.max(1, Math.floor((count * 1_000) / perMs));
}

/** What limits a rate. Times are from a clock that never goes back. */
export interface RateLimit {
  /** How many may start now. */
  allowance(nowMs: number): number;
  /** One starts. */
  take(nowMs: number): void;
  /** What started did not get as far as needing it. */
  giveBack(nowMs: number): void;
  /** When the next one may start. */
  opensAtMs(nowMs: number): number;
  /** Whether the rate, and not a token that has to be fetched first, keeps the next one from starting. */
  isUsedUp(nowMs: number): boolean;
  /** Something is there that could start. */
  want?(nowMs: number): void;
}

/** Holds at most one second's worth of tokens, at least one: an idle destination is not met by a burst. Times are from a clock that never goes back. */
export class TokenBucket implements RateLimit {
  readonly #perMs: number;
  readonly #capacity: number;
  #tokens: number;
  #atMs: number;

  /** `tokens`: how many it holds at first; default: all. */
  constructor({ count, perMs }: Rate, nowMs: number, tokens?: number) {
    this.#perMs = count / perMs;
    this.#capacity = capacityOf({ count, perMs });
    this.#tokens = tokens ?? this.#capacity;
    this.#atMs = nowMs;
  }

  allowance(nowMs: number): number {
    this.#refill(nowMs);
    // The sum of many small refills falls short of a whole token by less than this.
    return Math.floor(this.#tokens + 1e-9);
  }

  take(nowMs: number): void {
    this.#refill(nowMs);
    this.#tokens -= 1;
  }

  giveBack(nowMs: number): void {
    this.#refill(nowMs);
    this.#tokens = Math.min(this.#capacity, this.#tokens + 1);
  }

  opensAtMs(nowMs: number): number {
    this.#refill(nowMs);
    return nowMs + Math.max(0, Math.ceil((1 - this.#tokens) / this.#perMs));
  }

  isUsedUp(nowMs: number): boolean {
    return this.allowance(nowMs) === 0;
  }

  #refill(nowMs: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + Math.max(0, nowMs - this.#atMs) * this.#perMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}
