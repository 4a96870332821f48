/** Weekly hours and holidays, as periods in which the business is open. */
import { dayMs, type ZonedClock } from './zoned-clock.js';

/** From and to, in minutes from midnight; `to` is beyond 1,440 where it is on the next day. */
export interface Hours {
  readonly from: number;
  readonly to: number;
}

/** What is configured. */
export interface Week {
  /** Sunday first. */
  readonly days: readonly (readonly Hours[])[];
  /** `2026-12-24`, and `12-25` for every year. */
  readonly holidays: ReadonlySet<string>;
}

/** A period without a break, in milliseconds since the epoch; the end does not belong to it. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

/** Holidays and hours repeat within a year: what does not begin or end by then never does. */
const mostDays = 400;

/** The period that a moment is in, and the next one that begins after it; null where there is none. */
export function periodsAround(
  nowMs: number,
  week: Week,
  clock: ZonedClock,
): { readonly current: Period | null; readonly next: Period | null } {
  let current: Period | null = null;
  for (const period of periodsFrom(Math.floor(clock.localOf(nowMs) / dayMs) - 1, week, clock)) {
    if (period.end <= nowMs) continue;
    if (period.start > nowMs) return { current, next: period };
    current = period;
  }
  return { current, next: null };
}

/** The periods from a day on, those that touch joined. One that goes on beyond the last day has no end. */
function* periodsFrom(firstDay: number, week: Week, clock: ZonedClock): Generator<Period> {
  let open: Period | null = null;
  for (let day = firstDay; day < firstDay + mostDays; day += 1)
    for (const period of periodsOf(day, week, clock)) {
      if (open !== null && period.start <= open.end) open = { start: open.start, end: Math.max(open.end, period.end) };
      else {
        if (open !== null) yield open;
        open = period;
      }
    }
  if (open === null) return;
  const isEndless = open.end >= (firstDay + mostDays - 1) * dayMs;
  yield isEndless ? { start: open.start, end: Number.POSITIVE_INFINITY } : open;
}

/** The periods that begin on a day, days counted from 1970-01-01. */
function periodsOf(day: number, { days, holidays }: Week, clock: ZonedClock): readonly Period[] {
  // 1970-01-01 was a Thursday.
  const hours = days[(day + 4) % 7] ?? [];
  if (hours.length === 0) return [];
  const date = new Date(day * dayMs).toISOString().slice(0, 10);
  if (holidays.has(date) || holidays.has(date.slice(5))) return [];
  return hours
    .map(({ from, to }) => ({
      start: clock.momentOf(day * dayMs + from * 60_000, 'first'),
      end: clock.momentOf(day * dayMs + to * 60_000, 'last'),
    }))
    .filter(({ start, end }) => start < end)
    .sort((a, b) => a.start - b.start);
}
