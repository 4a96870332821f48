/** The queries of the store. */
import {
  type Attempt,
  type Backlog,
  type Changes,
  type Clock,
  type DeadGroup,
  type DeadGroupQuery,
  type DeliveryQuery,
  type DeliveryRecord,
  type DeliveryState,
  deliveryId,
  type EventQuery,
  type EventRecord,
  type Page,
  refuse,
  type StoreSize,
} from '@switchhook/sdk';
import { changesAfter } from './changes.js';
import type { Database } from './database.js';
import { readingShare } from './due-window.js';
import {
  type AttemptRow,
  attemptOf,
  type DeadGroupRow,
  type DeliveryRow,
  deadGroupOf,
  deliveryRecord,
  type EventRow,
  eventRecord,
  isEventId,
  partsOf,
  stateCodes,
  storable,
} from './rows.js';
import type { readStatements } from './sql-reads.js';

/** A place in a list: by time, then by the event's number and the delivery's index. */
type Place = readonly [atMs: number, seq: number, idx: number];

/** So many events are looked up by their deliveries (about 50 ms); of more, those that a page needs are found on the way through all. */
const few = 20_000;

export class Reads {
  readonly #database: Database;
  readonly #sql: ReturnType<typeof readStatements>;
  readonly #clock: Clock;
  #counted: { readonly backlog: readonly Backlog[]; readonly untilMs: number } | null = null;

  constructor(database: Database, sql: ReturnType<typeof readStatements>, clock: Clock) {
    this.#database = database;
    this.#sql = sql;
    this.#clock = clock;
  }

  /** The disk's room is not known to a client. */
  async size(): Promise<StoreSize> {
    const [row] = await this.#database.run<{ bytes: string }>(this.#sql.size, []);
    return { bytes: Number(row?.bytes ?? 0), freeBytes: null };
  }

  async event(id: string): Promise<EventRecord | null> {
    if (!isEventId(id)) return null;
    const [row] = await this.#database.run<EventRow>(this.#sql.event, [id]);
    return row === undefined ? null : eventRecord(row);
  }

  async events(query: EventQuery): Promise<Page<EventRecord>> {
    const { source, type, subject, agent, party, state, limit } = query;
    const [atMs, seq] = startOf(query);
    const { numbers, isInState } = await this.#numbersFor(query);
    const having = state === undefined || isInState ? null : isOpen(state) ? 'deliveries' : 'settled';
    const way = numbers === null ? (party === undefined ? 'all' : 'party') : 'numbered';
    const parameters = [
      ...[atMs, seq, query.sinceMs ?? 0, source, type, subject, agent, query.unrouted === true, limit + 1, party],
      ...[numbers, having === null || state === undefined ? null : stateCodes[state]],
    ].map(asParameter);
    const rows = await this.#database.run<EventRow>(this.#sql.events(way, query.bodies !== false, having), parameters);
    return pageOf(rows, limit, eventRecord, (row) => [row.received_at, row.seq, 0]);
  }

  /** The numbers of the only events that a list may have, where these are few; and whether all of them are in its state. */
  async #numbersFor({ ids, state, party }: EventQuery) {
    type Number = { readonly seq: number };
    if (ids !== undefined) {
      const known = await this.#database.run<Number>(this.#sql.numbers, [ids.filter(isEventId)]);
      return { numbers: known.map(({ seq }) => seq), isInState: false };
    }
    if (party !== undefined || state === undefined || state === 'delivered') return { numbers: null, isInState: false };
    const [newest, of] = isPassedOver(state)
      ? ([this.#sql.newestPassedOver, [stateCodes[state]]] as const)
      : ([state === 'dead' ? this.#sql.newestDead : this.#sql.newestOpen, []] as const);
    const found = await this.#database.run<Number & { readonly state: number }>(newest, [0, few + 1, ...of]);
    if (found.length > few) return { numbers: null, isInState: false };
    const inState = found.filter((row) => row.state === stateCodes[state]);
    return { numbers: inState.map(({ seq }) => seq), isInState: true };
  }

  async delivery(id: string): Promise<DeliveryRecord | null> {
    const parts = partsOf(id);
    if (parts === null) return null;
    const [row] = await this.#database.run<DeliveryRow>(this.#sql.delivery, [parts.eventId, parts.index]);
    return row === undefined ? null : deliveryRecord(row);
  }

  async deliveries(query: DeliveryQuery): Promise<Page<DeliveryRecord>> {
    const { state, reason, limit, settledSinceMs, settledUntilMs } = query;
    const seq = query.eventId === undefined ? null : await this.#numberOf(query.eventId);
    if (seq === undefined) return { items: [], cursor: null };
    const isSettled = reason !== undefined || settledSinceMs !== undefined || settledUntilMs !== undefined;
    // Open ones first: one that is settled meanwhile is found twice then, rather than not at all.
    const open = !isSettled && (state === undefined || isOpen(state)) ? await this.#open(query, seq) : [];
    const settled = isOpen(state) ? [] : await this.#settled(query, seq);
    const found = new Map([...open, ...settled].map((row) => [deliveryId(row.id, row.idx), row]));
    const rows = [...found.values()].sort((a, b) => newestFirst(placeOf(a), placeOf(b)));
    return pageOf(rows, limit, deliveryRecord, placeOf);
  }

  async deadGroups(query: DeadGroupQuery): Promise<Page<DeadGroup>> {
    const { destination, route, reason, sinceMs = 0, settledSinceMs, settledUntilMs } = query;
    const values = [
      ...startOf(query),
      sinceMs,
      destination,
      route,
      settledSinceMs,
      settledUntilMs,
      reason,
      query.limit,
    ];
    const rows = await this.#database.run<DeadGroupRow>(this.#sql.deadGroups, values.map(asParameter));
    const [first] = rows;
    const cursor =
      first === undefined || first.looked < query.limit ? null : first.place.slice(1, -1).replaceAll(',', '_');
    return { items: rows.map(deadGroupOf), cursor };
  }

  async attempts(id: string): Promise<readonly Attempt[]> {
    const parts = partsOf(id);
    if (parts === null) return [];
    const rows = await this.#database.run<AttemptRow>(this.#sql.attempts, [parts.eventId, parts.index]);
    return rows.map(attemptOf);
  }

  changes(after: string | null, limit: number, counted: number): Promise<Changes> {
    return changesAfter(this.#database, this.#sql, after, { limit, counted });
  }

  async backlog(): Promise<readonly Backlog[]> {
    const startedMs = this.#clock.elapsed();
    if (this.#counted !== null && startedMs < this.#counted.untilMs) return this.#counted.backlog;
    type Count = { readonly destination: string; readonly count: number };
    const open = await this.#database.run<Count & { readonly running: number; readonly oldest: number }>(
      this.#sql.open,
    );
    const dead = new Map((await this.#database.run<Count>(this.#sql.dead)).map((row) => [row.destination, row.count]));
    const backlog: Backlog[] = open.map(({ destination, count, running, oldest: oldestOpenMs }) => {
      const deadHere = dead.get(destination) ?? 0;
      dead.delete(destination);
      return { destination, waiting: count - running, running, dead: deadHere, oldestOpenMs };
    });
    for (const [destination, count] of dead)
      backlog.push({ destination, waiting: 0, running: 0, dead: count, oldestOpenMs: null });
    const endedMs = this.#clock.elapsed();
    this.#counted = { backlog, untilMs: endedMs + (endedMs - startedMs) / readingShare };
    return backlog;
  }

  #open(query: DeliveryQuery, seq: number | null): Promise<readonly DeliveryRow[]> {
    const values = listValues(query);
    return seq === null
      ? this.#database.run(this.#sql.openDeliveries, values)
      : this.#database.run(this.#sql.openOfEvent, [...values, seq]);
  }

  #settled(query: DeliveryQuery, seq: number | null): Promise<readonly DeliveryRow[]> {
    const values = [...listValues(query), query.settledSinceMs ?? null, query.settledUntilMs ?? null];
    const reason = query.reason ?? null;
    if (seq !== null) return this.#database.run(this.#sql.settledOfEvent, [...values, seq, reason]);
    if (query.state === 'dead' || reason !== null)
      return this.#database.run(this.#sql.deadDeliveries, [...values, reason]);
    const { passedOverDeliveries, settledDeliveries } = this.#sql;
    return this.#database.run(isPassedOver(query.state) ? passedOverDeliveries : settledDeliveries, values);
  }

  /** The number of an event; undefined where it is not kept. */
  async #numberOf(eventId: string): Promise<number | undefined> {
    if (!isEventId(eventId)) return undefined;
    return (await this.#database.run<{ seq: number }>(this.#sql.number, [eventId]))[0]?.seq;
  }
}

function isOpen(state: DeliveryState | undefined): boolean {
  return state === 'waiting' || state === 'running';
}

function isPassedOver(state: DeliveryState | undefined): boolean {
  return state === 'skipped' || state === 'gathered';
}

/** The parameters of every list of deliveries. */
function listValues(query: DeliveryQuery): readonly unknown[] {
  const { state, destination, route, sinceMs = 0, limit } = query;
  const code = state === undefined ? null : stateCodes[state];
  return [...startOf(query), sinceMs, code, destination, route, limit + 1].map(asParameter);
}

/** Undefined = any. */
function asParameter(value: unknown): unknown {
  return typeof value === 'string' ? storable(value) : (value ?? null);
}

/** One row more than the page holds was read, to see whether there is a next page. */
function pageOf<R, T>(rows: readonly R[], limit: number, itemOf: (row: R) => T, place: (row: R) => Place): Page<T> {
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return { items: page.map(itemOf), cursor: last === undefined ? null : place(last).join('_') };
}

function placeOf({ created_at: atMs, seq, idx }: DeliveryRow): Place {
  return [atMs, seq, idx];
}

function newestFirst(a: Place, b: Place): number {
  return b[0] - a[0] || b[1] - a[1] || b[2] - a[2];
}

/** A list begins before this place. */
function startOf({ untilMs, cursor }: { readonly untilMs?: number; readonly cursor?: string }): Place {
  const until: Place = [untilMs ?? Number.MAX_SAFE_INTEGER, -1, -1];
  if (cursor === undefined) return until;
  const match = /^(\d{1,16})_(\d{1,16})_(\d{1,4})$/.exec(cursor);
  if (match === null)
    throw refuse('MALFORMED', 'the cursor is not one of this list: pass the one of the last reply unchanged');
  const place: Place = [Number(match[1]), Number(match[2]), Number(match[3])];
  return place[0] < until[0] ? place : until;
}
