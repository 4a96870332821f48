/** Paces repetitions: so many in all, so many at a time, at a given rate. */
import type { Clock } from '@switchhook/sdk';
import type { Rate } from '@switchhook/sdk/internal';
import pMap from 'p-map';

/** How often, and how fast. */
export interface Pace {
  readonly repeat: number;
  /** At the same time. */
  readonly concurrency: number;
  /** Undefined = each as soon as it may. */
  readonly rate?: Rate | undefined;
}

/** Runs `run` for 1, 2 and so on, and resolves when all have ended. Nothing further begins once `stop` is aborted. */
export async function paced(
  { repeat, concurrency, rate }: Pace,
  run: (n: number) => Promise<void>,
  { clock, stop }: { readonly clock: Clock; readonly stop: AbortSignal },
): Promise<void> {
  const startedAtMs = clock.elapsed();
  const once = async (n: number): Promise<void> => {
    if (rate !== undefined)
      await pause(startedAtMs + ((n - 1) * rate.perMs) / rate.count - clock.elapsed(), clock, stop);
    if (!stop.aborted) await run(n);
  };
  await pMap(numbersTo(repeat), once, { concurrency });
}

function* numbersTo(last: number): Generator<number> {
  for (let n = 1; n <= last; n += 1) yield n;
}

/** Waits, but not once `stop` is aborted. */
export function pause(ms: number, clock: Clock, stop: AbortSignal): Promise<void> {
  if (ms <= 0 || stop.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      stop.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    stop.addEventListener('abort', end);
  });
}
