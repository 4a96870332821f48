/** Pauses that can be cut short, for whoever leaves a store alone that has failed and may have to end meanwhile. */
import type { Clock } from '../contract/tools.js';

export class Pauses {
  readonly #clock: Clock;
  readonly #ends = new Set<() => void>();
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after so long, or when pauses are over. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isOver) return resolve();
      const end = (): void => {
        cancel();
        this.#ends.delete(end);
        resolve();
      };
      const cancel = this.#clock.after(ms, end);
      this.#ends.add(end);
    });
  }

  /** Whoever pauses now goes on. */
  cut(): void {
    for (const end of this.#ends) end();
  }

  /** From now on nobody pauses. */
  end(): void {
    this.#isOver = true;
    this.cut();
  }
}
