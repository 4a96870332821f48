/** The queries of the store. A list is read in segments of bounded work, so that no query delays a commit. */
import type {
  Change,
  DeadGroup,
  DeadGroupQuery,
  DeliveryQuery,
  DeliveryRecord,
  DeliveryState,
  EventQuery,
  EventRecord,
} from '@switchhook/sdk';
import type { BacklogCounters } from './backlog-counters.js';
import type { ChangesPart, Read, Result, Segment } from './protocol.js';
import { deliveryRecord, eventRecord, idOf, partsOf } from './records.js';
import type { AttemptChangeRow, Place } from './sql.js';
import type { Database } from './sql-connection.js';
import {
  type DeliveryFilter,
  type EventCondition,
  type EventWalk,
  eventConditions,
  readStatements,
  type Walk,
  type Window,
} from './sql-lists.js';
import { stateCodes } from './state-codes.js';

/** Rows scanned for one segment: about 10 ms. */
const size = 20_000;
/** Before every row. */
const beginning: Place = { atMs: -1, order: -1 };

export class Reads {
  readonly #sql: ReturnType<typeof readStatements>;
  readonly #counters: BacklogCounters;

  constructor(db: Database, counters: BacklogCounters) {
    this.#sql = readStatements(db);
    this.#counters = counters;
  }

  answer(read: Exclude<Read, { kind: 'purge' }>): Result {
    switch (read.kind) {
      case 'event': {
        const row = this.#sql.event.get(read.id);
        return row === undefined ? null : eventRecord(row);
      }
      case 'events':
        return this.#events(read.query, read.start);
      case 'delivery': {
        const { eventId, index } = partsOf(read.id);
        const row = this.#sql.delivery.get(index, eventId);
        return row === undefined ? null : deliveryRecord(row);
      }
      case 'deliveries':
        return this.#deliveries(read.query, read.start);
      case 'deadGroups':
        return this.#deadGroups(read.query, read.start);
      case 'attempts': {
        const { eventId, index } = partsOf(read.id);
        return this.#sql.attempts.all(index, eventId);
      }
      case 'changes':
        return this.#changes(read);
      case 'backlog':
        return this.#counters.backlog();
      case 'state':
        return this.#sql.state.get(read.key, read.nowMs)?.value ?? null;
      case 'stateKeys':
        return this.#sql.stateKeys.all(read.prefix, read.prefix, read.nowMs, read.limit).map(({ key }) => key);
    }
  }

  #changes({ after, limit, counted }: Extract<Read, { kind: 'changes' }>): ChangesPart {
    const end = this.#sql.changesEnd.get() ?? { seq: 0, change: 0 };
    if (after === null) return { changes: [], more: 0, place: end };
    // A place beyond the end is of a file that was replaced, or had its last events removed.
    const events = this.#sql.eventsAfter.all(Math.min(after.seq, end.seq), limit);
    const attempts = this.#sql.attemptsAfter.all(Math.min(after.change, end.change), limit);
    const place = {
      seq: events.at(-1)?.seq ?? Math.min(after.seq, end.seq),
      change: attempts.at(-1)?.change ?? Math.min(after.change, end.change),
    };
    const [furtherEvents, furtherAttempts] = [
      events.length < limit ? undefined : this.#sql.countedEvents.get(place.seq, counted),
      attempts.length < limit ? undefined : this.#sql.countedAttempts.get(place.change, counted),
    ];
    return {
      changes: [
        ...events.map((row) => ({ kind: 'event' as const, event: eventRecord(row) })),
        ...attempts.map(changeOf),
      ],
      more: (furtherEvents?.count ?? 0) + (furtherAttempts?.count ?? 0),
      place: { seq: furtherEvents?.last ?? place.seq, change: furtherAttempts?.last ?? place.change },
    };
  }

  #events(query: EventQuery, start: Place): Segment<EventRecord> {
    const { party = null, bodies, unrouted, source, type, subject, agent, state, ids } = query;
    const walk = this.#eventWalkFor(query);
    const end = walk === 'all' || walk === 'ofParty' ? this.#endOfEvents(start, party) : undefined;
    const texts = { source, type, subject, agent, ids: ids && JSON.stringify(ids), ...(party !== null && { party }) };
    const given = Object.entries(texts).filter((entry): entry is [EventCondition, string] => entry[1] !== undefined);
    const names = given.map(([name]) => name).filter((name) => name in eventConditions && name !== walk);
    const conditions: readonly EventCondition[] = [
      ...names,
      ...(unrouted === true ? ['unrouted' as const] : []),
      ...(state !== undefined && !isByState(walk) ? ['state' as const] : []),
    ];
    const list = this.#sql.events(walk, conditions, bodies === false ? "x'' as body" : 'body');
    const codes = state === undefined || walk === 'dead' ? {} : codesOf(state);
    const rows = list.all({ ...windowOf(start, end, query), ...codes, ...Object.fromEntries(given) });
    const placed = rows.map((row) => ({ item: eventRecord(row), place: { atMs: row.received_at, order: row.seq } }));
    return segmentOf(placed, query, end);
  }

  /** The way that looks at the fewest events for this query. */
  #eventWalkFor({ party, ids, state }: EventQuery): EventWalk {
    if (party !== undefined) return 'ofParty';
    if (ids !== undefined) return 'ids';
    if (state === 'dead' && (this.#sql.deadUpTo.get(size + 1)?.count ?? 0) <= size) return 'dead';
    if ((state === 'skipped' || state === 'gathered') && this.#passedOver(state) <= size) return 'passedOver';
    if ((state === 'waiting' || state === 'running') && this.#counters.open <= size) return 'open';
    return 'all';
  }

  /** How many deliveries are in this state, up to one more than a segment has. */
  #passedOver(state: 'skipped' | 'gathered'): number {
    return this.#sql.passedOverUpTo.get(stateCodes[state], size + 1)?.count ?? 0;
  }

  /** Where a window of events ends that begins at a place; undefined where it has all. */
  #endOfEvents(start: Place, party: string | null): Place | undefined {
    if (party !== null)
      return this.#sql.eventWindows.ofParty.get({ startMs: start.atMs, startOrder: start.order, size, party });
    const jump = this.#sql.eventJump.get(start.atMs, start.order, size);
    // Where the clock was set back, numbers are not in the order of times.
    if (jump !== undefined && isBefore(jump, start)) return jump;
    return this.#sql.eventWindows.all.get({ startMs: start.atMs, startOrder: start.order, size, party });
  }

  #deliveries(query: DeliveryQuery, start: Place): Segment<DeliveryRecord> {
    const seq = query.eventId === undefined ? null : (this.#sql.seq.get(query.eventId)?.seq ?? -1);
    const destination = query.destination ?? null;
    const walk = this.#walkFor(query);
    const asked = { startMs: start.atMs, startOrder: start.order, size, destination };
    const end = walk === 'event' || walk === 'open' ? undefined : this.#sql.deliveryWindows[walk].get(asked);
    const filter: DeliveryFilter = {
      ...windowOf(start, end, query),
      ...statesOf(query.state),
      reason: query.reason ?? null,
      destination,
      route: query.route ?? null,
      eventSeq: seq,
      settledSinceMs: query.settledSinceMs ?? null,
      settledUntilMs: query.settledUntilMs ?? null,
    };
    const rows = this.#sql.deliveries[walk].all(filter);
    const placed = rows.map((row) => ({ item: deliveryRecord(row), place: { atMs: row.created_at, order: row.id } }));
    return segmentOf(placed, query, end);
  }

  #deadGroups(query: DeadGroupQuery, start: Place): Segment<DeadGroup> {
    const { reason = null, destination = null, route = null, settledSinceMs = null, settledUntilMs = null } = query;
    const asked = { startMs: start.atMs, startOrder: start.order, size: query.limit, destination };
    const end = this.#sql.deliveryWindows.dead.get(asked);
    const { limit: _, ...window } = windowOf(start, end, query);
    const rows = this.#sql.deadGroups.all({ ...window, reason, destination, route, settledSinceMs, settledUntilMs });
    const items = rows.map(({ eventId, number, ...group }) => ({ ...group, latest: idOf(eventId, number) }));
    return segmentOf(
      items.map((item) => ({ item, place: start })),
      { ...query, limit: Number.POSITIVE_INFINITY },
      end,
    );
  }

  /** The index walk that scans the fewest rows for this query. */
  #walkFor({ eventId, state, reason, destination }: DeliveryQuery): Walk {
    if (eventId !== undefined) return 'event';
    if (state === 'dead' || reason !== undefined) return 'dead';
    if (state === 'skipped' || state === 'gathered') return state;
    if (state !== 'waiting' && state !== 'running') return 'all';
    if (destination !== undefined) return 'openOf';
    return this.#counters.open <= size ? 'open' : 'all';
  }
}

/** Whether the way leads to events with a delivery in the state that was asked for, and to no others. */
function isByState(walk: EventWalk): boolean {
  return walk === 'open' || walk === 'dead' || walk === 'passedOver';
}

function changeOf(row: AttemptChangeRow): Change {
  const { number, started_at: startedAtMs, duration: durationMs, outcome, why: reason, response } = row;
  const attempt = { number, startedAtMs, durationMs, outcome, reason, response };
  return { kind: 'attempt', event: eventRecord({ ...row, id: row.event_id }), delivery: deliveryRecord(row), attempt };
}

/** One row more than the page holds is read, to see whether there is a next page. */
function windowOf(start: Place, end: Place | undefined, query: { sinceMs?: number; limit: number }): Window {
  const since = query.sinceMs === undefined ? beginning : { atMs: query.sinceMs, order: -1 };
  const last = end === undefined || isBefore(end, since) ? since : end;
  return {
    startMs: start.atMs,
    startOrder: start.order,
    endMs: last.atMs,
    endOrder: last.order,
    limit: query.limit + 1,
  };
}

function segmentOf<T>(
  rows: readonly { readonly item: T; readonly place: Place }[],
  { limit, sinceMs }: { readonly limit: number; readonly sinceMs?: number },
  end: Place | undefined,
): Segment<T> {
  const items = rows.slice(0, limit).map(({ item }) => item);
  if (rows.length > limit) return { items, next: rows[limit - 1]?.place ?? null };
  const isLast = end === undefined || (sinceMs !== undefined && end.atMs < sinceMs);
  return { items, next: isLast ? null : end };
}

function isBefore(a: Place, b: Place): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function statesOf(state: DeliveryState | undefined): Pick<DeliveryFilter, 'state' | 'otherState'> {
  return state === undefined ? { state: null, otherState: null } : codesOf(state);
}

function codesOf(state: DeliveryState): { readonly state: number; readonly otherState: number } {
  return { state: stateCodes[state], otherState: state === 'waiting' ? stateCodes.behind : stateCodes[state] };
}
