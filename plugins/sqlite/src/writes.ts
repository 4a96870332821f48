/** Everything that changes the store, inside a transaction that somebody else has begun. */
import type { Claim, ClaimedDelivery, ClaimRequest, Entry, NewDelivery, PruneRequest, Settled } from '@switchhook/sdk';
import type { Database } from 'better-sqlite3';
import type { Counts } from './backlog-counters.js';
import { Keys } from './duplicate-index.js';
import { unchanged } from './failure.js';
import type { Result, Results, Write } from './protocol.js';
import { deliveriesPerEvent, eventRecord, idOf, maxDeliveries, partsOf, textOf, transformsOf } from './records.js';
import { type DueRow, type Place, type StandingRow, writeStatements } from './sql.js';
import { codeAfter, codes, countedAs } from './state-codes.js';
import { Lines } from './subject-order.js';

/** Events looked at in one step of pruning: some 10 ms. */
const pruneWindow = 10_000;
/** Part of `maxSize` that appends leave for settlements, so that a full store still delivers what it holds. */
const reserve = 1 / 16;
const start: Place = { atMs: -1, order: -1 };

export class Writes {
  readonly #sql: ReturnType<typeof writeStatements>;
  readonly #counts: Counts;
  readonly #lines: Lines;
  readonly #keys: Keys;
  readonly #limited: boolean;
  #lastSeq: number;
  /** Where pruning goes on: before it stands more that has to be kept than one step looks at. */
  #pruneFrom = start;

  constructor(db: Database, counts: Counts, limited: boolean) {
    this.#sql = writeStatements(db);
    this.#counts = counts;
    this.#lines = new Lines(db);
    this.#keys = new Keys(db);
    this.#limited = limited;
    this.#lastSeq = this.#sql.lastSeq.get()?.seq ?? 0;
  }

  perform(write: Write): Result {
    switch (write.kind) {
      case 'append':
        return this.#append(write.entries, write.nowMs);
      case 'settle':
        return this.#settle(write.settled, write.nowMs);
      case 'claim':
        return this.#claim(write.request);
      case 'replay':
        return this.#replay(write.ids, write.dueMs);
      case 'extend':
        return this.#extend(write.eventId, write.deliveries, write.nowMs);
      case 'discard':
        return this.#discard(write.ids, write.nowMs);
      case 'prune':
        return this.#prune(write.request);
    }
  }

  /** What is held in memory follows the transaction. */
  commit(): void {
    this.#counts.commit();
    this.#keys.commit();
  }

  rollback(): void {
    this.#counts.rollback();
    this.#lines.rollback();
    this.#keys.rollback();
  }

  #append(entries: readonly Entry[], nowMs: number): Results['append'] {
    for (const { event, deliveries } of entries) refuseTooMany(event.id, deliveries.length);
    this.#refuseWhenFull();
    if (entries.length === 0) this.#sql.prove.run();
    const earlier = entries.map((entry) => this.#appendOne(entry, nowMs));
    this.#keys.tidy(entries.length);
    return earlier;
  }

  #appendOne({ event, deliveries }: Entry, nowMs: number): string | null {
    const { id, source, key, type, subject, agent, party, occurredAtMs, receivedAtMs, body } = event;
    const earlier = this.#keys.find(source, key);
    if (earlier !== null) return earlier;
    const seq = this.#lastSeq + 1;
    const routed = deliveries.length > 0 ? 1 : 0;
    this.#sql.addEvent.run(
      ...[seq, id, source, key, type, subject, agent, party, occurredAtMs, receivedAtMs, routed, body],
    );
    this.#keys.add(source, key, seq);
    this.#lastSeq = seq;
    for (const [index, delivery] of deliveries.entries())
      this.#addDelivery(seq * deliveriesPerEvent + index, delivery, subject, nowMs);
    return null;
  }

  #addDelivery(id: number, delivery: NewDelivery, subject: string | null, nowMs: number): void {
    const { route, destination, transforms, state, dueMs } = delivery;
    const begun = state === 'running' ? 1 : 0;
    const line = this.#lines.lineOf(destination, subject);
    this.#sql.addDelivery.run(
      ...[id, route, destination, textOf(transforms), codes[state], begun, begun, begun, dueMs, line, nowMs],
    );
    this.#counts.move(destination, null, state);
    this.#lines.realign(destination, line);
  }

  #extend(eventId: string, deliveries: readonly NewDelivery[], nowMs: number): readonly string[] {
    const event = this.#sql.eventById.get(eventId);
    if (event === undefined) return [];
    const last = this.#sql.lastDelivery.get(event.seq, event.seq)?.id ?? null;
    const first = last === null ? event.seq * deliveriesPerEvent : last + 1;
    refuseTooMany(eventId, (first % deliveriesPerEvent) + deliveries.length);
    this.#refuseWhenFull();
    if (event.routed === 0 && deliveries.length > 0) this.#sql.markRouted.run(event.seq);
    return deliveries.map((delivery, index) => {
      this.#addDelivery(first + index, delivery, event.subject, nowMs);
      return idOf(eventId, first + index);
    });
  }

  #claim({ destination, nowMs, leaseUntilMs, limit, maxAttempts, ordered }: ClaimRequest): Claim {
    this.#lines.follow(destination, ordered);
    const due = ordered
      ? this.#sql.dueInOrder.all(destination, nowMs, nowMs, limit)
      : this.#sql.due.all(destination, nowMs, limit);
    const exhausted = due.filter((row) => row.attempts >= maxAttempts);
    for (const row of exhausted) this.#end({ ...row, destination, reason: null }, 'exhausted', nowMs);
    const taken = due.filter((row) => row.attempts < maxAttempts);
    for (const { id, state } of taken) {
      this.#sql.takeOver.run(leaseUntilMs, id);
      this.#counts.move(destination, countedAs(state, null), 'running');
    }
    return {
      deliveries: taken.map((row) => claimed(row, destination)),
      exhausted: exhausted.map((row) => idOf(row.event_id, row.id)),
      nextDueMs: ordered ? this.#nextInOrder(destination) : (this.#sql.nextDue.get(destination)?.due_at ?? null),
    };
  }

  #nextInOrder(destination: string): number | null {
    let next: number | null = null;
    for (const { due_at: dueMs, ready_at: readyMs } of this.#sql.nextInOrder.iterate(destination)) {
      if (next !== null && dueMs >= next) break;
      next = Math.min(readyMs, next ?? readyMs);
    }
    return next;
  }

  #settle(settled: readonly Settled[], nowMs: number): null {
    for (const one of settled) this.#settleOne(one, nowMs);
    return null;
  }

  #settleOne({ deliveryId, lease, settlement, attempt }: Settled, nowMs: number): void {
    const { eventId, index } = partsOf(deliveryId);
    const back = settlement.state === 'waiting' && !settlement.counted ? 1 : 0;
    const backOfTries = attempt === null ? back : 0;
    const code = codeAfter(settlement);
    const reason = settlement.state === 'dead' ? settlement.reason : null;
    const [dueMs, settledAtMs] = settlement.state === 'waiting' ? [settlement.untilMs, null] : [null, nowMs];
    const row = this.#sql.settle.get(...[code, reason, dueMs, settledAtMs, back, backOfTries, eventId, index, lease]);
    if (row === undefined) return;
    this.#counts.move(row.destination, 'running', countedAs(code, reason));
    this.#lines.realign(row.destination, row.line);
    if (attempt === null) return;
    const { startedAtMs, durationMs, outcome, reason: why, response } = attempt;
    this.#sql.addAttempt.run(row.id, row.tries, startedAtMs, durationMs, outcome, why, response);
  }

  #replay(ids: readonly string[], dueMs: number): readonly string[] {
    return this.#changed(ids, (row) => {
      if (row.state === codes.running) return false;
      const line = this.#lines.lineOf(row.destination, row.subject);
      this.#sql.wait.run(dueMs, line, row.id);
      this.#counts.move(row.destination, countedAs(row.state, row.reason), 'waiting');
      this.#lines.realign(row.destination, line);
      return true;
    });
  }

  #discard(ids: readonly string[], nowMs: number): readonly string[] {
    return this.#changed(ids, (row) => {
      const counted = countedAs(row.state, row.reason);
      if (counted !== 'waiting' && counted !== 'dead') return false;
      this.#end(row, 'discarded', nowMs);
      return true;
    });
  }

  #changed(ids: readonly string[], change: (row: StandingRow) => boolean): readonly string[] {
    return [...new Set(ids)].filter((id) => {
      const { eventId, index } = partsOf(id);
      const row = this.#sql.standing.get(eventId, index);
      return row !== undefined && change(row);
    });
  }

  #end(row: Omit<StandingRow, 'subject'>, reason: 'exhausted' | 'discarded', nowMs: number): void {
    this.#sql.end.run(reason, nowMs, row.id);
    this.#counts.move(row.destination, countedAs(row.state, row.reason), countedAs(codes.dead, reason));
    this.#lines.realign(row.destination, row.line);
  }

  #prune({ beforeMs, limit }: PruneRequest): Results['prune'] {
    const from = this.#pruneFrom;
    const end = this.#sql.pruneWindow.get(from.atMs, from.order, beforeMs, pruneWindow - 1);
    const until = end ?? { atMs: beforeMs, order: -1 };
    const found = this.#sql.prunable.all(from.atMs, from.order, until.atMs, until.order, beforeMs, limit);
    for (const { seq, source, key } of found) {
      const [first, last] = [seq * deliveriesPerEvent, (seq + 1) * deliveriesPerEvent - 1];
      this.#sql.dropAttempts.run(first, last);
      this.#sql.dropDeliveries.run(first, last);
      this.#sql.dropEvent.run(seq);
      this.#keys.remove(source, key, seq);
    }
    if (found.length < limit) this.#pruneFrom = end ?? start;
    this.#giveSpaceBack();
    return { removed: found.length, more: end !== undefined };
  }

  /** Shrinks the file a little where more than an eighth of it is free; the rest is for the next events. */
  #giveSpaceBack(): void {
    const pages = this.#sql.pages.get();
    if (pages !== undefined && pages.free > pages.total / 8) this.#sql.giveBack();
  }

  #refuseWhenFull(): void {
    if (!this.#limited) return;
    const pages = this.#sql.pages.get();
    if (pages !== undefined && pages.total - pages.free > pages.allowed * (1 - reserve))
      throw unchanged('SQLITE_FULL', 'the store has reached maxSize');
  }
}

function refuseTooMany(eventId: string, count: number): void {
  if (count > maxDeliveries)
    throw unchanged('TOO_MANY', `event ${eventId} would have more than ${maxDeliveries} deliveries`);
}

function claimed(row: DueRow, destination: string): ClaimedDelivery {
  return {
    id: idOf(row.event_id, row.id),
    route: row.route,
    destination,
    transforms: transformsOf(row.transforms),
    attempt: row.attempts + 1,
    lease: row.lease + 1,
    event: eventRecord({ ...row, id: row.event_id }),
  };
}
