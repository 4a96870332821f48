/**
 * From which due time on claims read. While any transaction of the server stays open, the index keeps what was removed since: read from the
 * beginning, each claim would take longer than the one before.
 */
import type { Clock } from '@switchhook/sdk';

/**
 * Each kind of reading that goes through what was removed takes at most this part of the time: claims from the beginning, looking for what
 * is due, and counting.
 */
export const readingShare = 1 / 100;
/** Where looking for what is due later takes longer than this, it is looked for this far ahead only, until looking at all of it is due. */
const costlyMs = 5;
const aheadMs = 1_000;
const always = Number.MAX_SAFE_INTEGER;
/** What becomes due is committed within this time, as a rule. What is committed later is reported to `expect`, by this router or by a look for what is due. */
const overlapMs = 1_000;

interface Known {
  readonly fromMs: number;
  /** Until this time, of the monotonic clock, claims begin there. */
  readonly untilMs: number;
  readonly isCostly: boolean;
}

interface Next {
  readonly dueMs: number | null;
  /** Until then, it is not looked through as a whole again. */
  readonly untilMs: number;
  readonly isCostly: boolean;
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

  /**
   * Calls `claim` with the due time from which to read, and the one until which to look for what is due later, and returns its result.
   * `claimedMs`: the due time up to which everything was claimed.
   */
  async claim<T extends { readonly claimedMs: number }>(
    destination: string,
    nowMs: number,
    claim: (fromMs: number, untilMs: number) => Promise<T>,
  ): Promise<T> {
    const startedMs = this.#clock.elapsed();
    const known = this.#known.get(destination);
    // The time of day may have been set back.
    const isKnown = known !== undefined && startedMs < known.untilMs && known.fromMs <= nowMs;
    const [fromMs, untilMs] = isKnown ? [known.fromMs, known.isCostly ? nowMs + aheadMs : always] : [0, always];
    const [claimed, lateMs] = await this.#reading(destination, () => claim(fromMs, untilMs));
    const next = { fromMs: Math.min(claimed.claimedMs, nowMs - overlapMs, lateMs) };
    this.#known.set(destination, { ...(isKnown ? known : this.#paid(startedMs)), ...next });
    return claimed;
  }

  /**
   * When the next delivery is due, or an earlier time, as `read` finds it from a due time on, until another one. Where that takes long, what
   * was found before is used for a while, unless the claim before was full: then more may be due. Once that time has come, it is looked for
   * a second ahead.
   */
  async next(
    destination: string,
    { nowMs, isFull }: { readonly nowMs: number; readonly isFull: boolean },
    read: (fromMs: number, untilMs: number) => Promise<number | null>,
  ): Promise<number | null> {
    const startedMs = this.#clock.elapsed();
    const last = this.#next.get(destination);
    const isKept = last !== undefined && startedMs < last.untilMs;
    if (isKept && !isFull && (last.dueMs === null || last.dueMs > nowMs)) return last.dueMs;
    const soonMs = isKept && last.isCostly ? nowMs + aheadMs : null;
    const known = this.#known.get(destination);
    const fromMs = known !== undefined && startedMs < known.untilMs ? known.fromMs : 0;
    const [readMs, lateMs] = await this.#reading(destination, () => read(fromMs, soonMs ?? always));
    const foundMs = readMs ?? soonMs;
    const dueMs = lateMs < (foundMs ?? Number.POSITIVE_INFINITY) ? lateMs : foundMs;
    this.#next.set(destination, { ...(soonMs !== null && last !== undefined ? last : this.#paid(startedMs)), dueMs });
    return dueMs;
  }

  /** After reading all of it: until when it is not read again. */
  #paid(startedMs: number): Pick<Known, 'untilMs' | 'isCostly'> {
    const endedMs = this.#clock.elapsed();
    const tookMs = endedMs - startedMs;
    return { untilMs: endedMs + tookMs / readingShare, isCostly: tookMs > costlyMs };
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
