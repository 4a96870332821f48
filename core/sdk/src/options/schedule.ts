/** Times at which something is done again and again: a cron expression with a zone, or an interval. */
import { Cron } from 'croner';
import { z } from 'zod';
import type { Clock } from '../contract/services.js';
import { Sleep } from '../timing.js';
import { problem } from './fields.js';
import { timeZoneProblem } from './time-zones.js';
import { durationMs } from './units.js';

/** The times of a schedule. */
export interface Schedule {
  /** As written. */
  readonly text: string;
  /** Whether the first time is the start: of intervals. */
  readonly startsAtOnce: boolean;
  /** The next time after another, both in milliseconds since the epoch; null where there is none any more. */
  next(afterMs: number): number | null;
}

const shortestMs = 1_000;
const expected =
  'expected an interval such as 5m, or a cron expression of five fields such as 0 8 * * 1-5 Europe/Berlin';
const cronFields = 5;
/** A timer of Node takes 2^31 - 1 milliseconds at most; the next look is at the clock anyhow, which may have jumped. */
const longestSleepMs = 60_000;

/**
 * `5m`, `30s`: an interval of at least 1 s, from the start on. `0 8 * * 1-5 Europe/Berlin`: minute, hour, day of the month, month and
 * weekday, and a time zone; without one, UTC. Becomes a `Schedule`, to be followed with `followSchedule`. Times that a change to summer
 * time skips are done when the clock has skipped them; those it repeats, once.
 */
export function schedule(description: string) {
  return z
    .string()
    .transform((text, ctx): Schedule => {
      const read = scheduleOf(text);
      if (typeof read !== 'string') return read;
      ctx.addIssue(problem(read));
      return z.NEVER;
    })
    .meta({ description, examples: ['5m', '0 8 * * 1-5 Europe/Berlin'] });
}

/** A schedule, or what is wrong with it. */
function scheduleOf(text: string): Schedule | string {
  const interval = durationMs(text.trim());
  if (interval !== null) {
    if (interval < shortestMs) return 'an interval is at least 1s';
    return { text, startsAtOnce: true, next: (afterMs) => afterMs + interval };
  }
  const fields = text.trim().split(/\s+/);
  const [zone = 'UTC', ...others] = fields.splice(cronFields);
  if (fields.length < cronFields || others.length > 0) return expected;
  const wrongZone = timeZoneProblem(zone);
  if (wrongZone !== null) return wrongZone;
  try {
    const cron = new Cron(fields.join(' '), { timezone: zone, mode: '5-part', paused: true });
    return { text, startsAtOnce: false, next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() ?? null };
  } catch (error) {
    return `${expected}: ${error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error)}`;
  }
}

/**
 * Runs a function at each time of a schedule until the signal is aborted, then resolves. One run ends before the next begins: times that
 * pass meanwhile are left out. A number that it returns are milliseconds in which it is not run again, e.g. of a `Retry-After`. What it
 * throws is thrown on.
 */
export async function followSchedule(
  { next, startsAtOnce }: Schedule,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  run: () => Promise<number | undefined>,
): Promise<void> {
  const sleep = new Sleep(clock);
  const end = (): void => sleep.end();
  signal.addEventListener('abort', end, { once: true });
  try {
    for (let dueMs = startsAtOnce ? clock.now() : next(clock.now()); dueMs !== null && !signal.aborted; ) {
      const leftMs = dueMs - clock.now();
      if (leftMs > 0) {
        await sleep.for(Math.min(leftMs, longestSleepMs));
        continue;
      }
      const waitMs = (await run()) ?? 0;
      dueMs = next(clock.now());
      if (dueMs !== null) dueMs = Math.max(dueMs, clock.now() + waitMs);
    }
    // A cron expression may have no further time, such as February 30: nothing is left to be done.
    while (!signal.aborted) await sleep.for(longestSleepMs);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
