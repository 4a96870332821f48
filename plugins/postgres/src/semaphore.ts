/** How many may be inside at once, first come, first served. */
import { busy, type Clock } from '@switchhook/sdk';

export class Slots {
  readonly #waiting = new Set<() => void>();
  readonly #count: number;
  readonly #clock: Clock;
  #taken = 0;

  constructor(count: number, clock: Clock) {
    this.#count = count;
    this.#clock = clock;
  }

  /** Waits for a slot: at most `maxWaitMs` (null = as long as it takes), and no longer than until the signal is aborted. */
  async enter(signal: AbortSignal, maxWaitMs: number | null): Promise<void> {
    if (this.#taken < this.#count) {
      this.#taken += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(enter);
        signal.removeEventListener('abort', onAbort);
        cancel();
      };
      const enter = (): void => {
        end();
        resolve();
      };
      const giveUp = (reason: unknown): void => {
        end();
        reject(reason);
      };
      const onAbort = (): void => giveUp(signal.reason);
      const full = (): void => giveUp(busy(`the pool is full: ${this.#count} in use`));
      const cancel = maxWaitMs === null ? () => {} : this.#clock.after(maxWaitMs, full);
      this.#waiting.add(enter);
      signal.addEventListener('abort', onAbort);
    });
  }

  /** Releases a slot, to the longest waiter. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}

/** Runs work in a slot, for which it waits. */
export async function inSlot<T>(slots: Slots, work: () => Promise<T>): Promise<T> {
  await slots.enter(new AbortController().signal, null);
  try {
    return await work();
  } finally {
    slots.leave();
  }
}
