/** Sources and keys of removed events, as digests: a repetition is a duplicate for a while. */
import type { Appended, EventRecord, StoredKey } from '@switchhook/sdk';
import { digestOf } from './rows.js';

/** Of an erased event: until when it is known. Of one that retention has removed: when it was received. */
type Removed = { readonly eventId: string } & ({ readonly untilMs: number } | { readonly receivedAtMs: number });

export class RemovedKeys {
  readonly #byDigest = new Map<string, Removed>();

  /** What became of an event with this source and key; null where none is known. */
  find(event: EventRecord): Appended | null {
    const found = this.#byDigest.get(digestOf(event));
    if (found === undefined) return null;
    return { eventId: found.eventId, duplicate: true, ...('untilMs' in found && { erased: true }) };
  }

  isErased(event: EventRecord): boolean {
    const found = this.find(event);
    return found?.erased === true && found.eventId === event.id;
  }

  noteErased(digest: string, eventId: string, untilMs: number): void {
    this.#byDigest.set(digest, { eventId, untilMs });
  }

  notePruned(event: EventRecord): void {
    this.#byDigest.set(digestOf(event), { eventId: event.id, receivedAtMs: event.receivedAtMs });
  }

  /** An event that is kept again. */
  forget(event: EventRecord): void {
    if (this.find(event)?.eventId === event.id) this.#byDigest.delete(digestOf(event));
  }

  restore(keys: readonly StoredKey[]): void {
    for (const { digest, eventId, untilMs, dayMs } of keys)
      if (untilMs === null) this.#byDigest.set(digest, { eventId, receivedAtMs: dayMs });
      else this.noteErased(digest, eventId, untilMs);
  }

  /** Those that have ended, at most `limit`; returns how many. */
  prune(nowMs: number, keysMs: number, limit: number): number {
    const endOf = (one: Removed): number => ('untilMs' in one ? one.untilMs : one.receivedAtMs + keysMs);
    const ended = [...this.#byDigest]
      .filter(([, one]) => endOf(one) <= nowMs)
      .sort(([, a], [, b]) => endOf(a) - endOf(b) || (a.eventId < b.eventId ? -1 : 1))
      .slice(0, limit);
    for (const [digest] of ended) this.#byDigest.delete(digest);
    return ended.length;
  }
}
