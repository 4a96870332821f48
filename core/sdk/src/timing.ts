/** Time limits and interruptible sleep, by an injected clock. */
import type { Clock } from './contract/services.js';

/** The time limit has passed. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';

  constructor(readonly afterMs: number) {
    super(`no result after ${Math.round(afterMs)} ms`);
  }
}

/**
 * Limits work to `ms`: rejects with a `TimeoutError` on time, even if the work goes on. A function gets a signal that is then
 * aborted, and may throw before its first await.
 */
export function withTimeout<T>(
  clock: Clock,
  ms: number,
  work: Promise<T> | ((signal: AbortSignal) => Promise<T>),
): Promise<T> {
  const [running, controller] = typeof work === 'function' ? started(work) : [work, null];
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      const timeout = new TimeoutError(ms);
      reject(timeout);
      controller?.abort(timeout);
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

function started<T>(work: (signal: AbortSignal) => Promise<T>): readonly [Promise<T>, AbortController] {
  const controller = new AbortController();
  return [Promise.resolve().then(() => work(controller.signal)), controller];
}

/** Sleep that can be interrupted. */
export class Sleep {
  readonly #clock: Clock;
  readonly #ends = new Set<() => void>();
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after `ms`, or earlier through `wake` or `end`. */
  for(ms: number): Promise<void> {
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

  /** Ends every sleep under way. */
  wake(): void {
    for (const end of this.#ends) end();
  }

  /** Ends every sleep, and all later ones at once. */
  end(): void {
    this.#isOver = true;
    this.wake();
  }
}

const firstPauseMs = 250;

const longestPauseMs = 30_000;

/** The wait after so many failures in a row, of the store or of a call's answer: doubles from 250 ms to 30 s. */
export function backoffMs(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(10, failures - 1));
}
