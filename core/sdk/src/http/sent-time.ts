/** Reads the times that senders write, in their common forms. */
import type { JsonValue } from '../contract/json.js';

const earliest = Date.UTC(2000, 0);
const latest = Date.UTC(2100, 0);
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const clock =
  /(?<hour>\d\d):?(?<minute>\d\d)(?::?(?<second>\d\d)(?<fraction>[.,]\d+)?)?(?: ?(?<zone>Z|UTC|GMT|(?<sign>[+-])(?<hours>\d\d)(?::?(?<minutes>\d\d))?))?/
    .source;
const iso = new RegExp(`^(?<year>\\d{4})(?<dash>-?)(?<month>\\d\\d)\\k<dash>(?<day>\\d\\d)(?:(?:T| +)${clock})?$`, 'i');
const rfc1123 = new RegExp(`^(?:[a-z]{3}, *)?(?<day>\\d\\d?)[ -](?<month>[a-z]{3})[ -](?<year>\\d{4}) +${clock}$`, 'i');

/** In seconds, milliseconds, microseconds and nanoseconds the years from 2000 to 2100 are numbers that do not overlap. */
const units = [1_000, 1, 1e-3, 1e-6];

/**
 * Reads a time that a sender has written, as milliseconds since the epoch; null where the value is no time between 2000 and 2100.
 * Takes ISO 8601 (`2026-01-02T03:04:05.678901+01:00`, `2026-01-02 03:04:05 UTC`, `2026-01-02`), RFC 1123
 * (`Fri, 02 Jan 2026 03:04:05 GMT`), and seconds, milliseconds, microseconds or nanoseconds since the epoch, as a number or a
 * text. A time without a zone is UTC, a date without a time its midnight. Digits beyond milliseconds are cut off.
 */
export function sentTimeMs(value: JsonValue | undefined): number | null {
  if (!['string', 'number', 'bigint'].includes(typeof value)) return null;
  const text = String(value).trim();
  const ms = /^\d+(\.\d+)?$/.test(text) && !/^\d{8}$/.test(text) ? sinceEpoch(Number(text)) : calendarMs(text);
  return ms >= earliest && ms < latest ? ms : null;
}

function sinceEpoch(count: number): number {
  const ms = units.map((unit) => Math.round(count * unit));
  return ms.find((one) => one >= earliest && one < latest) ?? Number.NaN;
}

/** NaN where it is no date of the calendar. */
function calendarMs(text: string): number {
  const found = (iso.exec(text) ?? rfc1123.exec(text))?.groups;
  if (found === undefined) return Number.NaN;
  const {
    year,
    month = '',
    day,
    hour = 0,
    minute = 0,
    second = 0,
    fraction = '',
    sign,
    hours = 0,
    minutes = 0,
  } = found;
  const monthIndex = /\d/.test(month) ? Number(month) - 1 : months.indexOf(month.toLowerCase());
  const date = Date.UTC(Number(year), monthIndex, Number(day));
  // A date that the calendar does not have is another one here.
  if (new Date(date).getUTCMonth() !== monthIndex) return Number.NaN;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60 || Number(minutes) > 59) return Number.NaN;
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  const ms = Number(fraction.slice(1, 4).padEnd(3, '0'));
  return date + ((Number(hour) * 60 + Number(minute) - offset) * 60 + Number(second)) * 1_000 + ms;
}
