/** Removes events, or their bodies: those that are old and done, and those that are erased. A digest of source and key may stay. */
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

/** Events scanned in one step of pruning: about 10 ms. With bodies, each is looked at in its row. */
const pruneWindow = { events: 10_000, bodies: 2_000 };
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
  /** By what is removed, where pruning continues: one step scans too few events to pass all that must be kept before it. */
  readonly #pruneFrom = new Map<string, Place>();
  /** By what is removed, the place before the first event that has kept its body since the walk began. */
  readonly #needed = new Map<string, Place>();
  /** Whether digests of keys are kept, so that an append has to look for them; null = not known. */
  #anyRemoved: boolean | null = null;

  constructor(parts: RemovalParts) {
    this.#parts = parts;
    this.#sql = removalStatements(parts.db);
  }

  /** The event with this source and key that was erased, or removed by retention while its key is kept. */
  removed(source: string, key: string): Exclude<Results['append'][number], null> | null {
    this.#anyRemoved ??= this.#sql.anyErased.get()?.found === 1;
    const found = this.#anyRemoved ? this.#sql.removed.get(digestOf(source, key)) : undefined;
    return found === undefined ? null : { eventId: found.id, ...(found.erased === 1 && { erased: true }) };
  }

  /** Keeps the key of an event that retention has removed, here or in another store. */
  notePruned(digest: string, eventId: string, receivedMs: number): void {
    this.#sql.notePruned.run(digest, eventId, receivedMs);
    this.#anyRemoved = true;
  }

  /** An event is kept again. */
  forget(source: string, key: string, eventId: string): void {
    this.#sql.forget.run(digestOf(source, key), eventId);
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
    this.#anyRemoved = true;
  }

  prune(request: PruneRequest, nowMs: number): Results['prune'] {
    const { beforeMs, limit, remove = 'events', scope = {}, keysMs = 0 } = request;
    const walk = JSON.stringify([remove, scope]);
    const from = this.#pruneFrom.get(walk) ?? start;
    const end = this.#sql.pruneWindow.get(from.atMs, from.order, beforeMs, pruneWindow[remove] - 1);
    const until = end ?? { atMs: beforeMs, order: -1 };
    if (remove === 'bodies') return this.#pruneBodies(request, walk, { from, until, isLast: end === undefined });
    const found = this.#sql.prunable(from, until, beforeMs, scope, limit);
    for (const { seq, source, key, id, receivedMs } of found) {
      this.#remove(seq, source, key);
      if (keysMs > 0 && receivedMs + keysMs > nowMs) this.notePruned(digestOf(source, key), id, receivedMs);
    }
    if (found.length < limit) this.#pruneFrom.set(walk, end ?? start);
    const { changes: texts } = this.#sql.dropEndedState.run(nowMs, limit);
    const { changes: erased } = this.#sql.dropErased.run(nowMs, limit);
    const { changes: pruned } = this.#sql.dropPruned.run(nowMs - keysMs, limit);
    if (erased + pruned > 0) this.#anyRemoved = null;
    this.#giveSpaceBack();
    return { removed: found.length + texts + erased + pruned, more: end !== undefined };
  }

  /** A later walk begins at the first event whose body was still needed, or where this one ends: what was passed has no body. */
  #pruneBodies(
    { beforeMs, limit, scope = {} }: PruneRequest,
    walk: string,
    { from, until, isLast }: { readonly from: Place; readonly until: Place; readonly isLast: boolean },
  ): Results['prune'] {
    let removed = 0;
    for (const { seq, atMs, needed } of this.#sql.withBodies(from, until, beforeMs, scope)) {
      if (removed === limit) return { removed, more: true };
      if (needed === 1 && !this.#needed.has(walk)) this.#needed.set(walk, { atMs, order: seq - 1 });
      if (needed === 0) this.#sql.dropBody.run(seq);
      removed += needed === 0 ? 1 : 0;
    }
    this.#pruneFrom.set(walk, isLast ? (this.#needed.get(walk) ?? until) : until);
    if (isLast) this.#needed.delete(walk);
    this.#giveSpaceBack();
    return { removed, more: !isLast };
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

  dropBody(seq: number): void {
    this.#sql.dropBody.run(seq);
  }

  rollback(): void {
    this.#pruneFrom.clear();
    this.#needed.clear();
    this.#anyRemoved = null;
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
