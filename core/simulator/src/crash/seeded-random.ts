/** Chance that can be repeated: the same seed draws the same numbers. */
/** Numbers drawn from a seed (mulberry32: enough for a lottery, not for a secret). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** One of the options, each as likely as its weight among all weights. */
  among<T>(options: readonly (readonly [option: T, weight: number])[]): T {
    let rest = this.next() * options.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [option, weight] of options) {
      rest -= weight;
      if (rest < 0) return option;
    }
    throw new Error('there is nothing to draw from');
  }
}
