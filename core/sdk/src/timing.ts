/** Ends what takes too long: a signal for those who listen, and a rejection for those who do not. */
import type { Clock } from './contract/services.js';

/** The time that was given is over. */
export class TimeUp extends Error {
  override readonly name = 'TimeUp';

  constructor(readonly afterMs: number) {
    super(`no result after ${Math.round(afterMs)} ms`);
  }
}

/** Runs something that must end within `ms`. Rejects with `TimeUp` on time, whether or not it heeds its signal. */
export function within<T>(clock: Clock, ms: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  // A run that throws before its first await must not escape the promise.
  const running = Promise.resolve().then(() => run(controller.signal));
  return inTime(clock, ms, running, (timeUp) => controller.abort(timeUp));
}

/** What is running already, for those who cannot stop it: rejects with `TimeUp` where it has not ended in `ms`. */
export function inTime<T>(
  clock: Clock,
  ms: number,
  running: Promise<T>,
  onTimeUp?: (timeUp: TimeUp) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      const timeUp = new TimeUp(ms);
      reject(timeUp);
      onTimeUp?.(timeUp);
    });
    running.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

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

const firstPauseMs = 250;

const longestPauseMs = 30_000;

/** How long to leave a store alone that has failed so many times in a row. */
export function pauseAfter(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(10, failures - 1));
}
