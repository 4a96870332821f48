/**
 * Finds duplicates. An index of keys is written at random places, one page per event: updating it at each append took half
 * of the store's time (measured: 12,000 against 19,000 events/s). So new keys are appended to a table and held in memory,
 * and move into the index in bulk, in the order of the index.
 */

import { duplicateStatements } from './sql.js';
import type { Database } from './sql-connection.js';

/** New keys held in memory before they go into the index: some 3 MB. */
const heldLimit = 32_768;

export class DuplicateIndex {
  readonly #sql: ReturnType<typeof duplicateStatements>;
  /** For each new key its hash and its event's number. */
  #held = new Map<number, number>();
  /** The part of them that is moving into the index, in descending order; null = none. */
  #moving: (readonly [hash: number, seq: number])[] | null = null;
  #movingUpTo = 0;
  /** Hashes that this transaction has added to `#held`. */
  #added: number[] = [];
  /** Whether this transaction has removed from `#held`: its rollback then reads the table again. */
  #taken = false;

  /** `hash` maps a source and a key to a whole number; two of them may have the same. */
  constructor(
    db: Database,
    private readonly hash: (source: string, key: string) => number = hashOf,
  ) {
    this.#sql = duplicateStatements(db);
    this.#read();
  }

  /** Id of the event that has this key. */
  find(source: string, key: string): string | null {
    const hash = this.hash(source, key);
    const held = this.#held.get(hash);
    const known = held === undefined ? undefined : this.#sql.event.get(held, source, key);
    if (known !== undefined) return known.id;
    for (const { seq } of this.#sql.indexed.all(hash)) {
      const found = this.#sql.event.get(seq, source, key);
      if (found !== undefined) return found.id;
    }
    return null;
  }

  add(source: string, key: string, seq: number): void {
    const hash = this.hash(source, key);
    // Two keys with one hash: the index can hold both, the map cannot.
    if (this.#held.has(hash)) this.#sql.index.run(hash, seq);
    else {
      this.#sql.note.run(seq, hash);
      this.#held.set(hash, seq);
      this.#added.push(hash);
    }
  }

  remove(source: string, key: string, seq: number): void {
    const hash = this.hash(source, key);
    if (this.#held.get(hash) === seq) this.#held.delete(hash);
    this.#taken = true;
    this.#sql.dropNoted.run(seq);
    this.#sql.dropIndexed.run(hash, seq);
  }

  /** Moves some keys into the index when many are held. Called after each append, so that the work is spread. */
  tidy(added: number): void {
    if (added === 0 || (this.#moving === null && this.#held.size < heldLimit)) return;
    this.#moving ??= this.#begun();
    this.#taken = true;
    for (const [hash, seq] of this.#moving.splice(-2 * added))
      if (this.#held.get(hash) === seq) this.#sql.index.run(hash, seq);
    if (this.#moving.length > 0) return;
    this.#sql.dropNotedUpTo.run(this.#movingUpTo);
    for (const [hash, seq] of this.#held) if (seq <= this.#movingUpTo) this.#held.delete(hash);
    this.#moving = null;
  }

  commit(): void {
    this.#added = [];
    this.#taken = false;
  }

  rollback(): void {
    if (this.#taken) this.#read();
    else for (const hash of this.#added) this.#held.delete(hash);
    this.commit();
  }

  #begun(): (readonly [number, number])[] {
    const all = [...this.#held];
    this.#movingUpTo = all.reduce((last, [, seq]) => Math.max(last, seq), 0);
    return all.sort(([a], [b]) => b - a);
  }

  #read(): void {
    this.#held = new Map(this.#sql.noted.all().map(({ hash, seq }) => [hash, seq]));
    this.#moving = null;
  }
}

/** 53 bits of a source and a key (cyrb53). Only speeds up the search: each match is compared in full. */
function hashOf(source: string, key: string): number {
  const text = `${source}\0${key}`;
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & low) + (high >>> 0);
}
