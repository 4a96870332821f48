/** Removes events: those that are old and done, and those that are erased. Of the latter stays a digest of source and key. */
import { createHash } from 'node:crypto';
import type { EraseRequest, PruneRequest } from '@switchhook/sdk';
import type { BacklogCounters } from './backlog-counters.js';
import type { DuplicateIndex } from './duplicate-index.js';
import type { Gatherings } from './gatherings.js';
import type { Results } from './protocol.js';
import { deliveriesPerEvent } from './records.js';
import type { CurrentRow, Place, writeStatements } from './sql.js';
import type { Database } from './sql-connection.js';
import { removalStatements } from './sql-removals.js';
import { countedAs } from './state-codes.js';
import type { SubjectOrder } from './subject-order.js';

/** Events scanned in one step of pruning: about 10 ms. */
const pruneWindow = 10_000;
const start: Place = { atMs: -1, order: -1 };

/** What a removal has to keep up to date. */
interface RemovalParts {
  readonly db: Database;
  readonly write: Pick<ReturnType<typeof writeStatements>, 'pages' | 'deliveriesOf'>;
  readonly counters: BacklogCounters;
  readonly order: SubjectOrder;
  readonly duplicates: DuplicateIndex;
  readonly gatherings: Gatherings;
}

export class Removals {
  readonly #parts: RemovalParts;
  readonly #sql: ReturnType<typeof removalStatements>;
  /** Where pruning continues: one step scans too few events to pass all that must be kept before it. */
  #pruneFrom = start;
  /** Whether digests of erased keys are kept, so that an append has to look for them; null = not known. */
  #anyErased: boolean | null = null;

  constructor(parts: RemovalParts) {
    this.#parts = parts;
    this.#sql = removalStatements(parts.db);
  }

  /** Id of the event with this source and key that was erased. */
  erased(source: string, key: string): string | null {
    this.#anyErased ??= this.#sql.anyErased.get()?.found === 1;
    return this.#anyErased ? (this.#sql.erased.get(digestOf(source, key))?.id ?? null) : null;
  }

  erase({ eventIds, keysUntilMs }: EraseRequest): Results['erase'] {
    return [...new Set(eventIds)].filter((id) => {
      const event = this.#sql.keyed.get(id);
      if (event === undefined) return false;
      const { seq, source, key } = event;
      this.#remove(seq, source, key);
      this.noteErased(digestOf(source, key), id, keysUntilMs);
      return true;
    });
  }

  /** Keeps the key of an event that was erased, here or in another store. */
  noteErased(digest: string, eventId: string, untilMs: number): void {
    this.#sql.noteErased.run(digest, eventId, untilMs);
    this.#anyErased = true;
  }

  prune({ beforeMs, limit }: PruneRequest, nowMs: number): Results['prune'] {
    const from = this.#pruneFrom;
    const end = this.#sql.pruneWindow.get(from.atMs, from.order, beforeMs, pruneWindow - 1);
    const until = end ?? { atMs: beforeMs, order: -1 };
    const found = this.#sql.prunable.all(from.atMs, from.order, until.atMs, until.order, beforeMs, limit);
    for (const { seq, source, key } of found) this.#remove(seq, source, key);
    if (found.length < limit) this.#pruneFrom = end ?? start;
    const { changes: texts } = this.#sql.dropEndedState.run(nowMs, limit);
    const { changes: keys } = this.#sql.dropErased.run(nowMs, limit);
    if (keys > 0) this.#anyErased = null;
    this.#giveSpaceBack();
    return { removed: found.length + texts + keys, more: end !== undefined };
  }

  /** Removes an event's deliveries with their attempts. `isReplaced`: a copy brings them again. */
  clear(seq: number, isReplaced: boolean): void {
    const { write, counters, order, gatherings } = this.#parts;
    const [first, last] = [seq * deliveriesPerEvent, (seq + 1) * deliveriesPerEvent - 1];
    const removed: readonly CurrentRow[] = write.deliveriesOf.all(seq, seq);
    gatherings.remove(first, last, isReplaced);
    this.#sql.dropAttempts.run(first, last);
    this.#sql.dropDeliveries.run(first, last);
    for (const row of removed) {
      counters.move(row.destination, countedAs(row.state, row.reason), null);
      order.advance(row.destination, row.line);
    }
  }

  rollback(): void {
    this.#anyErased = null;
  }

  #remove(seq: number, source: string, key: string): void {
    this.clear(seq, false);
    this.#sql.dropEvent.run(seq);
    this.#parts.duplicates.remove(source, key, seq);
  }

  /** Shrinks the file a little while more than an eighth of it is free; new events use the rest. */
  #giveSpaceBack(): void {
    const pages = this.#parts.write.pages.get();
    if (pages !== undefined && pages.free > pages.total / 8) this.#sql.giveBack();
  }
}

/** As in a `StoredKey`. */
function digestOf(source: string, key: string): string {
  return createHash('sha256').update(`${source}\0${key}\0`).digest('hex').slice(0, 32);
}
