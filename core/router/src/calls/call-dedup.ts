/** Deduplicates calls: repeated requests about one call share one answer and its look-ups. */
import { LRUCache } from 'lru-cache';
import { type ErasedThings, removeFitting } from '../system/erasing.js';
import { isErasedCall } from './call-key.js';

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

/** At 40 s of retrying, 500 calls a second. An evicted call would be looked up again. */
const mostCalls = 20_000;

/** Times are from a clock that never goes back. */
export class CallDedup<T> {
  readonly #entries = new LRUCache<string, Entry<T>>({ max: mostCalls });

  /** The call under this key, with one more request; null if it is not kept. */
  get(key: string, nowMs: number): Remembered<T> | null {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.untilMs <= nowMs) return null;
    entry.requests += 1;
    return entry;
  }

  /** Removes calls of an erased conversation, person or agent. In a dry run it only counts. */
  forget(erased: ErasedThings, isDryRun: boolean): number {
    const fits = (key: string): boolean => isErasedCall(key, erased);
    return removeFitting(this.#entries.entries(), fits, (key) => this.#entries.delete(key), isDryRun);
  }

  /** Keeps the first request about a call, also while it is still being answered. */
  put(key: string, first: First<T>, nowMs: number, forMs: number): Remembered<T> {
    const entry: Entry<T> = { ...first, requests: 1, untilMs: nowMs + forMs };
    this.#entries.set(key, entry);
    return entry;
  }
}
