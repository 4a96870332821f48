/** Deduplicates calls: repeated requests about one call share one answer and its look-ups. */
import { BoundedMap } from '../resilience/bounded-map.js';

/** The first request about a call. */
export interface First<T> {
  /** Id of the event it becomes. */
  readonly eventId: string;
  readonly answered: Promise<T>;
}

/** A call with its requests so far. */
export interface Remembered<T> extends First<T> {
  /** Requests so far, the first included. */
  requests: number;
}

interface Entry<T> extends Remembered<T> {
  readonly untilMs: number;
}

/** Half of them are never evicted: at 40 s of retrying, 250 calls a second. An evicted call would be looked up again. */
const mostCalls = 20_000;

/** Times are from a clock that never goes back. */
export class CallDedup<T> {
  readonly #entries = new BoundedMap<Entry<T>>(mostCalls);
  /** The longest time a call was to be kept so far, and the time of the last eviction. */
  #longestMs = 0;
  #agedAtMs = 0;

  /** The call under this key, with one more request; null if it is not kept. */
  get(key: string, nowMs: number): Remembered<T> | null {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.untilMs <= nowMs) return null;
    entry.requests += 1;
    return entry;
  }

  /** Keeps the first request about a call, also while it is still being answered. */
  put(key: string, first: First<T>, nowMs: number, forMs: number): Remembered<T> {
    this.#longestMs = Math.max(this.#longestMs, forMs);
    if (nowMs - this.#agedAtMs >= this.#longestMs) {
      this.#agedAtMs = nowMs;
      this.#entries.age();
    }
    const entry: Entry<T> = { ...first, requests: 1, untilMs: nowMs + forMs };
    this.#entries.set(key, entry);
    return entry;
  }
}
