/** The clock of a time zone: which moment a local time is, through every change of daylight saving time. */

export const dayMs = 86_400_000;
const mostKept = 2_000;

/** Local times are milliseconds since 1970-01-01 00:00 of the local clock. */
export class ZonedClock {
  readonly #format: Intl.DateTimeFormat;
  /** Offsets at the beginning of days in UTC: asking for one takes some microseconds. */
  readonly #offsets = new Map<number, number>();

  constructor(zone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** The local time of a moment. */
  localOf(momentMs: number): number {
    const parts = this.#format.formatToParts(momentMs);
    const read = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((part) => part.type === type)?.value);
    const seconds = Date.UTC(
      read('year'),
      read('month') - 1,
      read('day'),
      read('hour'),
      read('minute'),
      read('second'),
    );
    return seconds + (momentMs % 1_000);
  }

  /**
   * The moment of a local time. Of one that comes twice, when the clock is put back, the first or the last. One that does not come, when the
   * clock is put forward, is taken as if the clock had not been changed yet.
   */
  momentOf(localMs: number, which: 'first' | 'last'): number {
    const day = Math.floor(localMs / dayMs);
    const before = this.#offsetOfDay(day - 1);
    const after = this.#offsetOfDay(day + 2);
    if (before === after) return localMs - before;
    const right = [localMs - before, localMs - after].filter((moment) => this.localOf(moment) === localMs);
    if (right.length === 0) return localMs - before;
    return which === 'first' ? Math.min(...right) : Math.max(...right);
  }

  /** ISO 8601 with the offset of the zone: `2026-01-05T09:00:00+01:00`. */
  textOf(momentMs: number): string {
    const localMs = this.localOf(momentMs);
    const minutes = Math.round((localMs - momentMs) / 60_000);
    const size = Math.abs(minutes);
    const offset = [Math.floor(size / 60), size % 60].map((part) => String(part).padStart(2, '0')).join(':');
    return `${new Date(localMs).toISOString().slice(0, 19)}${minutes < 0 ? '-' : '+'}${offset}`;
  }

  #offsetOfDay(day: number): number {
    const known = this.#offsets.get(day);
    if (known !== undefined) return known;
    if (this.#offsets.size > mostKept) this.#offsets.clear();
    const offset = this.localOf(day * dayMs) - day * dayMs;
    this.#offsets.set(day, offset);
    return offset;
  }
}
