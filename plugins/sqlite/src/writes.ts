/** The operations that change the store. The worker runs them inside its transaction. */
import type {
  Claim,
  ClaimedDelivery,
  ClaimRequest,
  Entry,
  NewDelivery,
  Settled,
  StoredEvent,
  StoredOthers,
} from '@switchhook/sdk';
import type { BacklogCounters } from './backlog-counters.js';
import { DuplicateIndex } from './duplicate-index.js';
import { unchanged } from './failure.js';
import { Gatherings } from './gatherings.js';
import type { Result, Results, Write } from './protocol.js';
import { deliveriesPerEvent, eventRecord, idOf, maxDeliveries, partsOf, textOf, transformsOf } from './records.js';
import { Removals } from './removals.js';
import { restoreEvent, restoreOthers } from './restoring.js';
import { type CurrentRow, type DueRow, writeStatements } from './sql.js';
import type { Database } from './sql-connection.js';
import { codeAfter, countedAs, stateCodes } from './state-codes.js';
import { SubjectOrder } from './subject-order.js';

/** Part of `maxSize` reserved for settlements, so that a full store still delivers its events. */
const reserve = 1 / 16;

export class Writes {
  readonly #sql: ReturnType<typeof writeStatements>;
  readonly #counters: BacklogCounters;
  readonly #order: SubjectOrder;
  readonly #duplicates: DuplicateIndex;
  readonly #limited: boolean;
  readonly #gatherings: Gatherings;
  readonly #removals: Removals;
  #lastSeq: number;

  constructor(db: Database, counters: BacklogCounters, limited: boolean) {
    this.#sql = writeStatements(db);
    this.#counters = counters;
    this.#order = new SubjectOrder(db);
    this.#duplicates = new DuplicateIndex(db);
    this.#limited = limited;
    this.#gatherings = new Gatherings(db);
    const [order, duplicates, gatherings] = [this.#order, this.#duplicates, this.#gatherings];
    this.#removals = new Removals({ db, write: this.#sql, counters, order, duplicates, gatherings });
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
        return this.#removals.prune(write.request, write.nowMs);
      case 'erase':
        return this.#removals.erase(write.request);
      case 'restore':
        return this.#restore(write.events, write.others);
      case 'clear':
        this.#sql.clear();
        restoreOthers({ sql: this.#sql, removals: this.#removals }, write.keep);
        return null;
      case 'setState':
        return this.#setState(write);
    }
  }

  /** Applies the committed transaction to what is held in memory. */
  commit(): void {
    this.#counters.commit();
    this.#duplicates.commit();
  }

  rollback(): void {
    this.#counters.rollback();
    this.#order.rollback();
    this.#duplicates.rollback();
    this.#removals.rollback();
  }

  #append(entries: readonly Entry[], nowMs: number): Results['append'] {
    for (const { event, deliveries } of entries) refuseTooMany(event.id, deliveries.length);
    this.#refuseWhenFull();
    if (entries.length === 0) this.#sql.prove.run();
    const earlier = entries.map((entry) => this.#appendOne(entry, nowMs));
    this.#duplicates.tidy(entries.length);
    return earlier;
  }

  #appendOne({ event, deliveries }: Entry, nowMs: number): Results['append'][number] {
    const { id, source, key, type, subject, agent, party, occurredAtMs, receivedAtMs, body } = event;
    const { trace = null, verified = null } = event;
    const earlier = this.#duplicates.find(source, key);
    if (earlier !== null) return { eventId: earlier };
    const removed = this.#removals.removed(source, key);
    if (removed !== null) return removed;
    const seq = this.#lastSeq + 1;
    const routed = deliveries.length > 0 ? 1 : 0;
    this.#sql.addEvent.run(
      ...[seq, id, source, key, type, subject, agent, party, occurredAtMs, receivedAtMs, routed, body],
      ...[trace, verified],
    );
    this.#duplicates.add(source, key, seq);
    this.#lastSeq = seq;
    for (const [index, delivery] of deliveries.entries())
      this.#addDelivery(seq * deliveriesPerEvent + index, delivery, { subject, bytes: body.length }, nowMs);
    return null;
  }

  #restore(events: readonly StoredEvent[], others: StoredOthers): null {
    const append = (event: StoredEvent['event']): number | 'erased' | null => {
      this.#removals.forget(event.source, event.key, event.id);
      const earlier = this.#appendOne({ event, deliveries: [] }, 0);
      if (earlier === null) return this.#lastSeq;
      return earlier.erased === true && earlier.eventId === event.id ? 'erased' : null;
    };
    const [order, removals, gatherings] = [this.#order, this.#removals, this.#gatherings];
    const parts = { sql: this.#sql, counters: this.#counters, order, removals, gatherings, append };
    restoreOthers(parts, others);
    for (const one of events) restoreEvent(parts, one);
    this.#duplicates.tidy(events.length);
    return null;
  }

  /** `bytes`: of the event's body. */
  #addDelivery(
    id: number,
    delivery: NewDelivery,
    { subject, bytes }: { readonly subject: string | null; readonly bytes: number },
    nowMs: number,
  ): void {
    const { route, destination, transforms, state, dueMs, gather } = delivery;
    const begun = state === 'running' ? 1 : 0;
    const ordered = this.#order.orderedSubject(destination, subject);
    this.#sql.addDelivery.run(
      ...[id, route, destination, textOf(transforms), stateCodes[state], begun, begun, begun, dueMs, ordered, nowMs],
    );
    const joined =
      gather === undefined || subject === null
        ? 'waiting'
        : this.#gatherings.add({ id, route, destination, subject }, gather, bytes, dueMs, nowMs);
    if (joined === 'skipped') this.#sql.addAttempt.run(id, 1, nowMs, 0, joined, gather?.late ?? null, null);
    if (joined === 'waiting') this.#counters.move(destination, null, state);
    this.#order.advance(destination, ordered);
  }

  #extend(eventId: string, deliveries: readonly NewDelivery[], nowMs: number): readonly string[] {
    const event = this.#sql.eventById.get(eventId);
    if (event === undefined || event.bytes === 0) return [];
    const last = this.#sql.lastDelivery.get(event.seq, event.seq)?.id ?? null;
    const first = last === null ? event.seq * deliveriesPerEvent : last + 1;
    refuseTooMany(eventId, (first % deliveriesPerEvent) + deliveries.length);
    this.#refuseWhenFull();
    if (event.routed === 0 && deliveries.length > 0) this.#sql.markRouted.run(event.seq);
    return deliveries.map((delivery, index) => {
      this.#addDelivery(first + index, delivery, event, nowMs);
      return idOf(eventId, first + index);
    });
  }

  #claim({ destination, nowMs, leaseUntilMs, limit, maxAttempts, ordered }: ClaimRequest): Claim {
    this.#order.setOrdered(destination, ordered);
    const due = ordered
      ? this.#sql.dueInOrder.all(destination, nowMs, nowMs, limit)
      : this.#sql.due.all(destination, nowMs, limit);
    const exhausted = due.filter((row) => row.attempts >= maxAttempts);
    for (const row of exhausted) this.#end({ ...row, destination, reason: null }, 'exhausted', nowMs);
    const taken = due.filter((row) => row.attempts < maxAttempts);
    for (const { id, state } of taken) {
      this.#sql.takeOver.run(leaseUntilMs, id);
      this.#counters.move(destination, countedAs(state, null), 'running');
    }
    return {
      deliveries: taken.map((row) => ({ ...claimed(row, destination), ...this.#gatherings.eventsOf(row.id) })),
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
    this.#counters.move(row.destination, 'running', countedAs(code, reason));
    this.#order.advance(row.destination, row.line);
    if (attempt === null) return;
    const { startedAtMs, durationMs, outcome, reason: why, response } = attempt;
    this.#sql.addAttempt.run(row.id, row.tries, startedAtMs, durationMs, outcome, why, response);
  }

  #replay(ids: readonly string[], dueMs: number): readonly string[] {
    return this.#changed(ids, (row) => {
      if (row.state === stateCodes.running || row.state === stateCodes.gathered || row.bytes === 0) return false;
      const ordered = this.#order.orderedSubject(row.destination, row.subject);
      this.#sql.wait.run(dueMs, ordered, row.id);
      this.#counters.move(row.destination, countedAs(row.state, row.reason), 'waiting');
      this.#order.advance(row.destination, ordered);
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

  #changed(ids: readonly string[], change: (row: CurrentRow) => boolean): readonly string[] {
    return [...new Set(ids)].filter((id) => {
      const { eventId, index } = partsOf(id);
      const row = this.#sql.current.get(eventId, index);
      return row !== undefined && change(row);
    });
  }

  #end(row: Omit<CurrentRow, 'subject' | 'bytes'>, reason: 'exhausted' | 'discarded', nowMs: number): void {
    this.#sql.end.run(reason, nowMs, row.id);
    this.#counters.move(row.destination, countedAs(row.state, row.reason), countedAs(stateCodes.dead, reason));
    this.#order.advance(row.destination, row.line);
  }

  #setState({ key, value, expected, expiresAtMs, nowMs }: Extract<Write, { kind: 'setState' }>): boolean {
    if ((this.#sql.state.get(key, nowMs)?.value ?? null) !== expected) return false;
    if (value === null) this.#sql.dropState.run(key);
    else this.#sql.setState.run(key, value, expiresAtMs);
    return true;
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
