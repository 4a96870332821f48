/**
 * From which due time on claims read. While any transaction of the server stays open, the index keeps what was removed since: read from the
 * beginning, each claim would take longer than the one before.
 */
import type { Clock } from '@switchhook/sdk';

/** Reading from the beginning takes at most this part of the time, and so does looking for what is due later. */
const share = 1 / 40;
/** What becomes due is committed within this time, as a rule. What is committed later is reported to `expect`, by this router or by a look for what is due. */
const overlapMs = 1_000;

interface Known {
  readonly fromMs: number;
  /** Until this time, of the monotonic clock, claims begin there. */
  readonly untilMs: number;
}

interface Next {
  readonly dueMs: number | null;
  readonly untilMs: number;
}

export class DueWindow {
  readonly #clock: Clock;
  /** By destination. */
  readonly #known = new Map<string, Known>();
  readonly #next = new Map<string, Next>();
  /** Reads under way, with the earliest due time that was reported since each began. */
  readonly #running = new Set<{ readonly destination: string; dueMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `claim` with the due time from which to read, and returns its result. `claimedMs`: the due time up to which everything was claimed. */
  async claim<T extends { readonly claimedMs: number }>(
    destination: string,
    nowMs: number,
    claim: (fromMs: number) => Promise<T>,
  ): Promise<T> {
    const startedMs = this.#clock.elapsed();
    const known = this.#known.get(destination);
    // The time of day may have been set back.
    const isKnown = known !== undefined && startedMs < known.untilMs && known.fromMs <= nowMs;
    const [claimed, lateMs] = await this.#reading(destination, () => claim(isKnown ? known.fromMs : 0));
    const endedMs = this.#clock.elapsed();
    const untilMs = isKnown ? known.untilMs : endedMs + (endedMs - startedMs) / share;
    this.#known.set(destination, { fromMs: Math.min(claimed.claimedMs, nowMs - overlapMs, lateMs), untilMs });
    return claimed;
  }

  /**
   * When the next delivery is due, as `read` finds it from a due time on. Where that takes long, what was found before is used for a while,
   * unless the claim before was full: then more may be due.
   */
  async next(
    destination: string,
    { nowMs, isFull }: { readonly nowMs: number; readonly isFull: boolean },
    read: (fromMs: number) => Promise<number | null>,
  ): Promise<number | null> {
    const startedMs = this.#clock.elapsed();
    const last = this.#next.get(destination);
    const isUsable = last !== undefined && !isFull && startedMs < last.untilMs;
    if (isUsable && (last.dueMs === null || last.dueMs > nowMs)) return last.dueMs;
    const known = this.#known.get(destination);
    const isKnown = known !== undefined && startedMs < known.untilMs;
    const [readMs, lateMs] = await this.#reading(destination, () => read(isKnown ? known.fromMs : 0));
    const dueMs = lateMs < (readMs ?? Number.POSITIVE_INFINITY) ? lateMs : readMs;
    const endedMs = this.#clock.elapsed();
    this.#next.set(destination, { dueMs, untilMs: endedMs + (endedMs - startedMs) / share });
    return dueMs;
  }

  /** A committed delivery of this destination, or of any, is due at this time: what was found before is no later, and the next claim begins no later. */
  expect(dueMs: number, destination?: string): void {
    const fits = (other: string): boolean => destination === undefined || other === destination;
    for (const [name, known] of this.#known)
      if (fits(name) && known.fromMs > dueMs) this.#known.set(name, { ...known, fromMs: dueMs });
    for (const [name, next] of this.#next)
      if (fits(name) && (next.dueMs === null || next.dueMs > dueMs)) this.#next.set(name, { ...next, dueMs });
    for (const running of this.#running) if (fits(running.destination)) running.dueMs = Math.min(running.dueMs, dueMs);
  }

  /** What is read, which may not see what is committed meanwhile; and the earliest due time of that. */
  async #reading<T>(destination: string, read: () => Promise<T>): Promise<readonly [T, number]> {
    const running = { destination, dueMs: Number.POSITIVE_INFINITY };
    this.#running.add(running);
    try {
      return [await read(), running.dueMs];
    } finally {
      this.#running.delete(running);
    }
  }
}
