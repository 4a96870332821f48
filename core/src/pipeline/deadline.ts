/** Ends what takes too long: a signal for those who listen, and a rejection for those who do not. */
import type { Clock } from '../contract/tools.js';

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
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      const timeUp = new TimeUp(ms);
      reject(timeUp);
      controller.abort(timeUp);
    });
    const end =
      <V>(settle: (value: V) => void) =>
      (value: V): void => {
        cancel();
        settle(value);
      };
    // A run that throws before its first await must not escape the promise.
    Promise.resolve()
      .then(() => run(controller.signal))
      .then(end(resolve), end(reject));
  });
}
