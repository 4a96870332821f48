/**
 * From which due time on claims read. While any transaction of the server stays open, the index keeps what was removed since: read from the
 * beginning, each claim would take longer than the one before.
 */
import type { Clock } from '@switchhook/sdk';

/** Reading from the beginning takes at most this part of the time, and so does looking for what is due later. */
const share = 1 / 40;
/** What becomes due is committed within this time. What is committed later is found from the beginning. */
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
    const claimed = await claim(isKnown ? known.fromMs : 0);
    const endedMs = this.#clock.elapsed();
    const untilMs = isKnown ? known.untilMs : endedMs + (endedMs - startedMs) / share;
    this.#known.set(destination, { fromMs: Math.min(claimed.claimedMs, nowMs - overlapMs), untilMs });
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
    const dueMs = await read(isKnown ? known.fromMs : 0);
    const endedMs = this.#clock.elapsed();
    this.#next.set(destination, { dueMs, untilMs: endedMs + (endedMs - startedMs) / share });
    return dueMs;
  }

  /** A delivery of some destination is due at this time: what was found before is no later. */
  expect(dueMs: number): void {
    for (const [destination, next] of this.#next)
      if (next.dueMs === null || next.dueMs > dueMs) this.#next.set(destination, { ...next, dueMs });
  }
}
