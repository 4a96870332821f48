/** Calls of the last moments: the same call asked again gets the same answer, and two requests share one look-up. */

/** A call that was asked about. */
export interface Remembered<T> {
  readonly answered: Promise<T>;
  /** Requests so far, the first included. */
  asked: number;
}

interface Entry<T> extends Remembered<T> {
  readonly untilMs: number;
}

/** At 40 s of retrying, 250 calls a second. Beyond that the oldest is forgotten, and would be looked up again. */
const mostCalls = 10_000;

/** Times are from a clock that never goes back. */
export class CallMemory<T> {
  /** In the order in which they were first asked. */
  readonly #entries = new Map<string, Entry<T>>();

  /** The call under this key, one request more; null where it is not remembered. */
  recall(key: string, nowMs: number): Remembered<T> | null {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.untilMs <= nowMs) return null;
    entry.asked += 1;
    return entry;
  }

  /** Remembers the first request about a call, also while it is still being answered. */
  remember(key: string, answered: Promise<T>, nowMs: number, forMs: number): Remembered<T> {
    const entry: Entry<T> = { answered, asked: 1, untilMs: nowMs + forMs };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    for (const [oldest, { untilMs }] of this.#entries) {
      if (untilMs > nowMs && this.#entries.size <= mostCalls) break;
      this.#entries.delete(oldest);
    }
    return entry;
  }
}
