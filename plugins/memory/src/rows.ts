/** The rows of the memory store: what one of them answers, and how it changes. */

import { createHash } from 'node:crypto';
import type * as contract from '@switchhook/sdk';
import { type Attempt, type DeliveryState, type EndReason, type Page, refuse, type Settlement } from '@switchhook/sdk';
import { eventsOf, type Gathering, gatheredOf } from './gatherings.js';

export interface EventRow {
  readonly record: contract.EventRecord;
  readonly order: number;
  readonly deliveries: DeliveryRow[];
}

export interface DeliveryRow {
  readonly id: string;
  /** Grows with the event and, within it, with the index. */
  readonly order: number;
  readonly event: contract.EventRecord;
  readonly route: string;
  readonly destination: string;
  readonly transforms: readonly string[];
  readonly createdAtMs: number;
  readonly log: Attempt[];
  state: DeliveryState;
  reason: EndReason | null;
  attempts: number;
  /** A replay sets `attempts` back to 0, this goes on. */
  tries: number;
  lease: number;
  dueMs: number;
  settledAtMs: number | null;
  /** Null where it neither gathers nor is gathered. */
  gathered: { readonly gathering: Gathering; readonly ends: boolean } | null;
}

/** What happened: an event was kept, or an attempt ended. */
export interface ChangeRow {
  readonly number: number;
  readonly row: EventRow;
  /** Of an attempt. */
  readonly ended: { readonly delivery: DeliveryRow; readonly attempt: Attempt } | null;
}

/** Of each kind, at most `limit` of those after a cursor, and the number of at most `counted` that follow. */
export function changesOf(
  rows: readonly ChangeRow[],
  last: number,
  after: string | null,
  { limit, counted }: { readonly limit: number; readonly counted: number },
): contract.Changes {
  const match = /^(\d+)_(\d+)$/.exec(after ?? `${last}_${last}`);
  if (match === null)
    throw refuse('MALFORMED', 'the cursor is not one of the changes: pass the one of the last reply unchanged');
  const [events, attempts] = [match[1], match[2]].map((place) => Math.min(Number(place), last));
  const later = (from: number | undefined, isEnd: boolean) =>
    rows.filter(({ number, ended }) => number > (from ?? 0) && (ended !== null) === isEnd).slice(0, limit + counted);
  const [kept, ended] = [later(events, false), later(attempts, true)];
  const shown = [...kept.slice(0, limit), ...ended.slice(0, limit)];
  return {
    changes: shown.map(changeOf),
    more: kept.length + ended.length - shown.length,
    cursor: `${kept.at(-1)?.number ?? events}_${ended.at(-1)?.number ?? attempts}`,
  };
}

function changeOf({ row, ended }: ChangeRow): contract.Change {
  const event = { ...row.record, body: new Uint8Array() };
  if (ended === null) return { kind: 'event', event };
  return { kind: 'attempt', event, delivery: recordOf(ended.delivery), attempt: ended.attempt };
}

/** A delivery as another store has kept it. */
export function restored(
  { record: event, order }: EventRow,
  index: number,
  {
    id,
    route,
    destination,
    transforms,
    state,
    reason,
    attempts,
    attemptsInAll = attempts,
    dueMs,
    createdAtMs,
    settledAtMs,
  }: contract.DeliveryRecord,
  log: readonly Attempt[],
): DeliveryRow {
  const tries = Math.max(attemptsInAll, log.at(-1)?.number ?? 0);
  const kept = { id, event, route, destination, transforms, state, reason, attempts, createdAtMs, settledAtMs };
  return {
    ...kept,
    order: order + index / 1_001,
    log: [...log],
    tries,
    lease: tries,
    dueMs: dueMs ?? 0,
    gathered: null,
  };
}

/** What a step of retention may remove, oldest first. */
export function prunable(all: Iterable<EventRow>, request: contract.PruneRequest): readonly EventRow[] {
  const { beforeMs, limit, remove = 'events', scope = {} } = request;
  const { sources, exceptSources = [], types, exceptTypes = [] } = scope;
  const fits = ({ record: { receivedAtMs, source, type, body } }: EventRow) =>
    receivedAtMs < beforeMs &&
    (sources?.includes(source) ?? true) &&
    !exceptSources.includes(source) &&
    (types?.includes(type) ?? true) &&
    !exceptTypes.includes(type) &&
    (remove === 'events' || body.length > 0);
  return [...all]
    .filter((row) => fits(row) && !row.deliveries.some(isNeeded))
    .sort((a, b) => a.record.receivedAtMs - b.record.receivedAtMs || a.order - b.order)
    .slice(0, limit);
}

/** What a claim may take, each with the time from which on it may. */
export function claimable(all: readonly DeliveryRow[], { destination, ordered }: contract.ClaimRequest) {
  const open = all.filter((row) => row.destination === destination && isOpen(row));
  return open.flatMap((row) => {
    const { subject } = row.event;
    if (!ordered || subject === null) return { row, readyMs: row.dueMs };
    const line = open.filter((other) => other.event.subject === subject);
    const isOldest = line[0] === row;
    return isOldest ? { row, readyMs: Math.max(row.dueMs, ...line.filter(isRunning).map(({ dueMs }) => dueMs)) } : [];
  });
}

export function takeOver(row: DeliveryRow, leaseUntilMs: number): contract.ClaimedDelivery {
  row.state = 'running';
  row.dueMs = leaseUntilMs;
  row.attempts += 1;
  row.tries += 1;
  row.lease += 1;
  const { id, route, destination, transforms, attempts: attempt, lease } = row;
  return { id, route, destination, transforms, attempt, lease, ...eventsOf(row) };
}

export function apply(row: DeliveryRow, settlement: Settlement, wasCalled: boolean, nowMs: number): void {
  switch (settlement.state) {
    case 'waiting':
      row.state = 'waiting';
      row.dueMs = settlement.untilMs;
      if (!settlement.counted) row.attempts -= 1;
      // The number of an attempt that is kept is not given again.
      if (!settlement.counted && !wasCalled) row.tries -= 1;
      break;
    case 'dead':
      end(row, 'dead', settlement.reason, nowMs);
      break;
    case 'delivered':
    case 'skipped':
      end(row, settlement.state, null, nowMs);
      break;
  }
}

export function end(row: DeliveryRow, state: DeliveryState, reason: EndReason | null, nowMs: number): void {
  Object.assign(row, { state, reason, settledAtMs: nowMs });
}

export function isRunning({ state }: DeliveryRow): boolean {
  return state === 'running';
}

export function isOpen({ state }: DeliveryRow): boolean {
  return state === 'waiting' || state === 'running';
}

export function needsDecision({ state, reason }: DeliveryRow): boolean {
  return state === 'dead' && reason !== 'discarded';
}

/** Whether its event must be kept: also for the delivery that has gathered it. */
export function isNeeded(row: DeliveryRow): boolean {
  return [row, row.gathered?.gathering.first ?? row].some((each) => isOpen(each) || needsDecision(each));
}

/** One row per destination. */
export function backlogOf(rows: readonly DeliveryRow[]): readonly contract.Backlog[] {
  const all = rows.filter((row) => isOpen(row) || needsDecision(row));
  return [...new Set(all.map(({ destination }) => destination))].map((destination) => {
    const here = all.filter((row) => row.destination === destination);
    const count = (state: DeliveryState): number => here.filter((row) => row.state === state).length;
    const opened = here.filter(isOpen).map(({ createdAtMs }) => createdAtMs);
    const oldestOpenMs = opened.length === 0 ? null : Math.min(...opened);
    return { destination, waiting: count('waiting'), running: count('running'), dead: count('dead'), oldestOpenMs };
  });
}

export function fitsEvent({ record, deliveries }: EventRow, query: contract.EventQuery): boolean {
  return (
    (query.source ?? record.source) === record.source &&
    (query.type ?? record.type) === record.type &&
    (query.subject ?? record.subject) === record.subject &&
    (query.agent ?? record.agent) === record.agent &&
    (query.party ?? record.party) === record.party &&
    (query.sinceMs ?? record.receivedAtMs) <= record.receivedAtMs &&
    (query.untilMs ?? Number.POSITIVE_INFINITY) > record.receivedAtMs &&
    (query.unrouted !== true || deliveries.length === 0) &&
    (query.state === undefined || deliveries.some(({ state }) => state === query.state)) &&
    (query.ids?.includes(record.id) ?? true)
  );
}

export function fitsDelivery(row: DeliveryRow, query: contract.DeliveryQuery): boolean {
  return (
    (query.state ?? row.state) === row.state &&
    (query.reason ?? row.reason) === row.reason &&
    (query.destination ?? row.destination) === row.destination &&
    (query.route ?? row.route) === row.route &&
    (query.eventId ?? row.event.id) === row.event.id &&
    (query.sinceMs ?? row.createdAtMs) <= row.createdAtMs &&
    (query.untilMs ?? Number.POSITIVE_INFINITY) > row.createdAtMs &&
    (query.settledSinceMs ?? Number.NEGATIVE_INFINITY) <= (row.settledAtMs ?? Number.NEGATIVE_INFINITY) &&
    (query.settledUntilMs === undefined || query.settledUntilMs > (row.settledAtMs ?? Number.POSITIVE_INFINITY))
  );
}

export function recordOf(row: DeliveryRow): contract.DeliveryRecord {
  const { id, route, destination, transforms, state, reason, attempts, createdAtMs, settledAtMs } = row;
  const dueMs = isOpen(row) ? row.dueMs : null;
  return {
    id,
    eventId: row.event.id,
    type: row.event.type,
    subject: row.event.subject,
    route,
    destination,
    transforms,
    state,
    reason,
    attempts,
    attemptsInAll: row.tries,
    dueMs,
    createdAtMs,
    settledAtMs,
    failure: row.log.at(-1)?.reason ?? null,
    ...gatheredOf(row),
  };
}

/** Where something stands in a list: by its time, then by its order of arrival. */
interface Place {
  readonly atMs: number;
  readonly order: number;
}

/** Sorts rows newest first and cuts the page of a query. */
export function pageOf<R, T>(
  rows: readonly R[],
  placeOf: (row: R) => Place,
  itemOf: (row: R) => T,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string },
): Page<T> {
  const start = cursor === undefined ? null : placeAt(cursor);
  const placed = rows.map((row) => ({ row, place: placeOf(row) })).toSorted((a, b) => newestFirst(a.place, b.place));
  const rest = start === null ? placed : placed.filter(({ place }) => newestFirst(start, place) < 0);
  const page = rest.slice(0, limit);
  const last = rest.length > limit ? page.at(-1) : undefined;
  const next = last === undefined ? null : `${last.place.atMs}_${last.place.order}`;
  return { items: page.map(({ row }) => itemOf(row)), cursor: next };
}

function newestFirst(a: Place, b: Place): number {
  return b.atMs - a.atMs || b.order - a.order;
}

function placeAt(cursor: string): Place {
  const [atMs, order] = cursor.split('_').map(Number);
  if (atMs === undefined || order === undefined || !Number.isFinite(atMs + order))
    throw refuse('MALFORMED', 'the cursor is not one of this list: pass the one of the last reply unchanged');
  return { atMs, order };
}

/** What makes an event a duplicate. */
export function keyOf({ source, key }: contract.EventRecord): string {
  return JSON.stringify([source, key]);
}

/** The same without source and key, as in a `StoredKey`. */
export function digestOf({ source, key }: contract.EventRecord): string {
  return createHash('sha256').update(`${source}\0${key}\0`).digest('hex').slice(0, 32);
}
