/** Calls of the last moments: the same call asked again gets the same answer, and two requests share one look-up. */
import { BoundedMap } from '../resilience/bounded-map.js';

/** A call as it is first asked about. */
export interface First<T> {
  /** Id of the event it becomes. */
  readonly eventId: string;
  readonly answered: Promise<T>;
}

/** A call that was asked about. */
export interface Remembered<T> extends First<T> {
  /** Requests so far, the first included. */
  requests: number;
}

interface Entry<T> extends Remembered<T> {
  readonly untilMs: number;
}

/** Half of them are never forgotten: at 40 s of retrying, 250 calls a second. A call that is would be looked up again. */
const mostCalls = 20_000;

/** Times are from a clock that never goes back. */
export class CallDedup<T> {
  readonly #entries = new BoundedMap<Entry<T>>(mostCalls);
  /** For how long a call is remembered, at most so far; and when it was last seen to. */
  #longestMs = 0;
  #agedAtMs = 0;

  /** The call under this key, one request more; null where it is not remembered. */
  get(key: string, nowMs: number): Remembered<T> | null {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.untilMs <= nowMs) return null;
    entry.requests += 1;
    return entry;
  }

  /** Remembers the first request about a call, also while it is still being answered. */
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
