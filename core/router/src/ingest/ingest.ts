/** Commits: an event is acknowledged when it is on disk together with its deliveries, or it is refused. */
import { type Appended, type Clock, deliveryId, type Entry, refuse, type Store } from '@switchhook/sdk';
import { inTime, messageOf } from '@switchhook/sdk/internal';
import type { Lane } from '../delivery/queue.js';
import type { Repeats } from './duplicates.js';
import type { Observer } from './telemetry.js';

/** What commits work with. */
export interface CommitsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly repeats: Repeats;
  /** By destination. */
  readonly lanes: ReadonlyMap<string, Lane>;
}

/** Events that may wait for a commit at the same time; further ones are told to come back. */
const pendingLimit = 2_000;
/** Bytes of their bodies: at the largest bodies a few dozens. In memory they take about three times as much. */
const pendingBytesLimit = 64 * 1_048_576;
/** No sender is known to wait for longer. A commit that comes later is kept: the sender's next try finds a duplicate. */
const patienceMs = 10_000;

export class Commits {
  readonly #parts: CommitsParts;
  #pending = 0;
  #pendingBytes = 0;

  constructor(parts: CommitsParts) {
    this.#parts = parts;
  }

  /** Events that wait for their commit. */
  get pending(): number {
    return this.#pending;
  }

  /** Resolves when the entries are on disk. Refuses with `STORE_BEHIND` or `STORE_UNAVAILABLE` otherwise. */
  async commit(entries: readonly Entry[]): Promise<readonly Appended[]> {
    const bytes = entries.reduce((sum, { event }) => sum + event.body.byteLength, 0);
    const isMuch = this.#pendingBytes > 0 && this.#pendingBytes + bytes > pendingBytesLimit;
    if (isMuch || this.#pending + entries.length > pendingLimit) {
      for (const entry of entries) this.#handOver(entry, false);
      throw refuse('STORE_BEHIND', `${this.#pending} events wait for their commit`);
    }
    try {
      return await inTime(this.#parts.clock, patienceMs, this.#append(entries, bytes));
    } catch (error) {
      throw refuse('STORE_UNAVAILABLE', messageOf(error));
    }
  }

  /** Hands over what comes of the commit, also when nobody waits for it any more. */
  async #append(entries: readonly Entry[], bytes: number): Promise<readonly Appended[]> {
    const { store, observer, repeats, clock } = this.#parts;
    this.#pending += entries.length;
    this.#pendingBytes += bytes;
    try {
      const appended = await store.append(entries);
      for (const [index, entry] of entries.entries()) {
        const { duplicate = false, eventId = entry.event.id } = appended[index] ?? {};
        this.#handOver(entry, !duplicate);
        if (duplicate) repeats.note(entry.event, eventId, clock.now());
        observer.received(entry.event, eventId, duplicate, entry.deliveries.length);
      }
      return appended;
    } catch (error) {
      for (const entry of entries) this.#handOver(entry, false);
      throw error;
    } finally {
      this.#pending -= entries.length;
      this.#pendingBytes -= bytes;
    }
  }

  /** Passes on what was admitted to memory, or frees its place where nothing was committed. */
  #handOver({ event, deliveries }: Entry, committed: boolean): void {
    for (const [index, delivery] of deliveries.entries()) {
      const lane = this.#parts.lanes.get(delivery.destination);
      if (delivery.state === 'waiting') {
        if (committed) lane?.expect(delivery.dueMs);
      } else if (committed) {
        const claimed = { ...delivery, id: deliveryId(event.id, index), attempt: 1, lease: 1, event };
        lane?.take(claimed, delivery.dueMs);
      } else lane?.forget();
    }
  }
}
