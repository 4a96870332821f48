/** The real clock: the only place that reads the time or starts a timer. */
import type { Clock } from '@switchhook/sdk';

/** Node's timers fire at once for anything longer than this. */
const longestTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (ms, callback) => {
    let timer: NodeJS.Timeout;
    const wait = (restMs: number): void => {
      const stepMs = Math.min(restMs, longestTimerMs);
      timer = setTimeout(() => (restMs > stepMs ? wait(restMs - stepMs) : callback()), stepMs);
    };
    wait(Math.max(0, ms));
    return () => clearTimeout(timer);
  },
};
