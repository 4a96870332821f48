/** The reference store: what the contract says, in the plainest way. Every question looks at everything. */
import { z } from 'zod';
import type { Component } from '../contract/component.js';
import type { Attempt, DeliveryState, EndReason, Settlement } from '../contract/delivery.js';
import type * as contract from '../contract/store.js';
import type { Clock } from '../contract/tools.js';
import { deliveryId } from '../ids.js';
import { pageOf } from './page.js';

/** `store: { use: memory }`. For tests: forgets everything at the end of the process. */
export const memoryStoreComponent: Component = {
  kind: 'store',
  type: 'memory',
  description: 'For tests: keeps everything in memory and forgets it at the end of the process.',
  options: z.strictObject({}),
  create: (_options, tools) => memoryStore(tools.clock),
};

/** Makes an empty store. Opening it again ends the leases, as after a restart: whoever held them is gone. */
export function memoryStore(clock: Clock): contract.Store {
  return new MemoryStore(clock);
}

/** What `Entry` allows. */
const maxDeliveries = 1_000;

interface EventRow {
  readonly record: contract.EventRecord;
  readonly order: number;
  readonly deliveries: DeliveryRow[];
}

interface DeliveryRow {
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
}

class MemoryStore implements contract.Store {
  readonly #clock: Clock;
  /** In order of arrival. */
  #events: EventRow[] = [];
  #nextOrder = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async open(): Promise<void> {
    for (const row of this.#deliveries().filter(isRunning)) row.dueMs = Math.min(row.dueMs, this.#clock.now());
  }

  async append(entries: readonly contract.Entry[]): Promise<readonly contract.Appended[]> {
    const before = [...this.#events];
    try {
      return entries.map((entry) => this.#append(entry));
    } catch (error) {
      this.#events = before;
      throw error;
    }
  }

  #append({ event, deliveries }: contract.Entry): contract.Appended {
    const known = this.#events.find(({ record }) => record.source === event.source && record.key === event.key);
    if (known !== undefined) return { eventId: known.record.id, duplicate: true };
    if (this.#event(event.id) !== undefined) throw new Error(`an event ${event.id} is kept already, with another key`);
    const record = { ...event, body: new Uint8Array(event.body) };
    const row = { record, order: this.#nextOrder++, deliveries: [] };
    this.#add(row, deliveries);
    this.#events.push(row);
    return { eventId: event.id, duplicate: false };
  }

  async extend(eventId: string, deliveries: readonly contract.NewDelivery[]): Promise<readonly string[]> {
    const row = this.#event(eventId);
    return row === undefined ? [] : this.#add(row, deliveries);
  }

  #add({ record, order, deliveries }: EventRow, added: readonly contract.NewDelivery[]): readonly string[] {
    if (deliveries.length + added.length > maxDeliveries)
      throw new Error(`event ${record.id} would have more than ${maxDeliveries} deliveries`);
    return added.map(({ route, destination, transforms, state, dueMs }) => {
      const index = deliveries.length;
      const id = deliveryId(record.id, index);
      const begun = state === 'running' ? 1 : 0;
      deliveries.push({
        id,
        order: order + index / (maxDeliveries + 1),
        event: record,
        route,
        destination,
        transforms: [...transforms],
        createdAtMs: this.#clock.now(),
        log: [],
        state,
        reason: null,
        attempts: begun,
        tries: begun,
        lease: begun,
        dueMs,
        settledAtMs: null,
      });
      return id;
    });
  }

  async claim(request: contract.ClaimRequest): Promise<contract.Claim> {
    const due = claimable(this.#deliveries(), request).filter(({ readyMs }) => readyMs <= request.nowMs);
    const taken = due.map(({ row }) => row).toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order);
    const exhausted: string[] = [];
    const deliveries: contract.ClaimedDelivery[] = [];
    for (const row of taken.slice(0, request.limit)) {
      if (row.attempts < request.maxAttempts) deliveries.push(takeOver(row, request.leaseUntilMs));
      else {
        end(row, 'dead', 'exhausted', request.nowMs);
        exhausted.push(row.id);
      }
    }
    const left = claimable(this.#deliveries(), request).map(({ readyMs }) => readyMs);
    return { deliveries, exhausted, nextDueMs: left.length === 0 ? null : Math.min(...left) };
  }

  async settle(settled: readonly contract.Settled[]): Promise<void> {
    for (const { deliveryId: id, lease, settlement, attempt } of settled) {
      const row = this.#delivery(id);
      if (row === undefined || row.state !== 'running' || row.lease !== lease) continue;
      if (attempt !== null) row.log.push({ number: row.tries, ...attempt });
      apply(row, settlement, attempt !== null, this.#clock.now());
    }
  }

  async event(id: string): Promise<contract.EventRecord | null> {
    return this.#event(id)?.record ?? null;
  }

  async events(query: contract.EventQuery): Promise<contract.Page<contract.EventRecord>> {
    const found = this.#events.filter((row) => fitsEvent(row, query));
    return pageOf(
      found,
      (row) => ({ atMs: row.record.receivedAtMs, order: row.order }),
      (row) => row.record,
      query,
    );
  }

  async delivery(id: string): Promise<contract.DeliveryRecord | null> {
    const row = this.#delivery(id);
    return row === undefined ? null : recordOf(row);
  }

  async deliveries(query: contract.DeliveryQuery): Promise<contract.Page<contract.DeliveryRecord>> {
    const found = this.#deliveries().filter((row) => fitsDelivery(row, query));
    return pageOf(found, (row) => ({ atMs: row.createdAtMs, order: row.order }), recordOf, query);
  }

  async attempts(id: string): Promise<readonly Attempt[]> {
    return [...(this.#delivery(id)?.log ?? [])];
  }

  async replay(ids: readonly string[], dueMs: number): Promise<readonly string[]> {
    const found = this.#found(ids).filter((row) => row.state !== 'running');
    for (const row of found)
      Object.assign(row, { state: 'waiting', reason: null, attempts: 0, dueMs, settledAtMs: null });
    return found.map(({ id }) => id);
  }

  async discard(ids: readonly string[]): Promise<readonly string[]> {
    const found = this.#found(ids).filter((row) => row.state === 'waiting' || needsDecision(row));
    for (const row of found) end(row, 'dead', 'discarded', this.#clock.now());
    return found.map(({ id }) => id);
  }

  async prune({ beforeMs, limit }: contract.PruneRequest): Promise<number> {
    const done = this.#events.filter(({ deliveries }) => !deliveries.some((row) => isOpen(row) || needsDecision(row)));
    const old = done.filter(({ record }) => record.receivedAtMs < beforeMs);
    const oldest = old.toSorted((a, b) => a.record.receivedAtMs - b.record.receivedAtMs || a.order - b.order);
    const removed = new Set(oldest.slice(0, limit));
    this.#events = this.#events.filter((row) => !removed.has(row));
    return removed.size;
  }

  async backlog(): Promise<readonly contract.Backlog[]> {
    const all = this.#deliveries().filter((row) => isOpen(row) || needsDecision(row));
    return [...new Set(all.map(({ destination }) => destination))].map((destination) => {
      const here = all.filter((row) => row.destination === destination);
      const count = (state: DeliveryState): number => here.filter((row) => row.state === state).length;
      const opened = here.filter(isOpen).map(({ createdAtMs }) => createdAtMs);
      const oldestOpenMs = opened.length === 0 ? null : Math.min(...opened);
      return { destination, waiting: count('waiting'), running: count('running'), dead: count('dead'), oldestOpenMs };
    });
  }

  #event(id: string): EventRow | undefined {
    return this.#events.find(({ record }) => record.id === id);
  }

  #deliveries(): DeliveryRow[] {
    return this.#events.flatMap(({ deliveries }) => deliveries);
  }

  #delivery(id: string): DeliveryRow | undefined {
    return this.#deliveries().find((row) => row.id === id);
  }

  #found(ids: readonly string[]): DeliveryRow[] {
    return [...new Set(ids)].flatMap((id) => this.#delivery(id) ?? []);
  }
}

/** What a claim may take, each with the time from which on it may. */
function claimable(all: readonly DeliveryRow[], { destination, ordered }: contract.ClaimRequest) {
  const open = all.filter((row) => row.destination === destination && isOpen(row));
  return open.flatMap((row) => {
    const { subject } = row.event;
    if (!ordered || subject === null) return { row, readyMs: row.dueMs };
    const line = open.filter((other) => other.event.subject === subject);
    const isOldest = line[0] === row;
    return isOldest ? { row, readyMs: Math.max(row.dueMs, ...line.filter(isRunning).map(({ dueMs }) => dueMs)) } : [];
  });
}

function takeOver(row: DeliveryRow, leaseUntilMs: number): contract.ClaimedDelivery {
  row.state = 'running';
  row.dueMs = leaseUntilMs;
  row.attempts += 1;
  row.tries += 1;
  row.lease += 1;
  const { id, route, destination, transforms, attempts: attempt, lease, event } = row;
  return { id, route, destination, transforms, attempt, lease, event };
}

function apply(row: DeliveryRow, settlement: Settlement, wasCalled: boolean, nowMs: number): void {
  switch (settlement.state) {
    case 'waiting':
      row.state = 'waiting';
      row.dueMs = settlement.untilMs;
      if (!settlement.counted) row.attempts -= 1;
      // The number of an attempt that is kept is not given again.
      if (!settlement.counted && !wasCalled) row.tries -= 1;
      break;
    case 'dead':
      return end(row, 'dead', settlement.reason, nowMs);
    case 'delivered':
    case 'skipped':
      return end(row, settlement.state, null, nowMs);
  }
}

function end(row: DeliveryRow, state: DeliveryState, reason: EndReason | null, nowMs: number): void {
  Object.assign(row, { state, reason, settledAtMs: nowMs });
}

function isRunning({ state }: DeliveryRow): boolean {
  return state === 'running';
}

function isOpen({ state }: DeliveryRow): boolean {
  return state === 'waiting' || state === 'running';
}

function needsDecision({ state, reason }: DeliveryRow): boolean {
  return state === 'dead' && reason !== 'discarded';
}

function fitsEvent({ record, deliveries }: EventRow, query: contract.EventQuery): boolean {
  return (
    (query.source ?? record.source) === record.source &&
    (query.type ?? record.type) === record.type &&
    (query.subject ?? record.subject) === record.subject &&
    (query.agent ?? record.agent) === record.agent &&
    (query.sinceMs ?? record.receivedAtMs) <= record.receivedAtMs &&
    (query.untilMs ?? Number.POSITIVE_INFINITY) > record.receivedAtMs &&
    (query.unrouted !== true || deliveries.length === 0)
  );
}

function fitsDelivery(row: DeliveryRow, query: contract.DeliveryQuery): boolean {
  return (
    (query.state ?? row.state) === row.state &&
    (query.reason ?? row.reason) === row.reason &&
    (query.destination ?? row.destination) === row.destination &&
    (query.route ?? row.route) === row.route &&
    (query.eventId ?? row.event.id) === row.event.id &&
    (query.sinceMs ?? row.createdAtMs) <= row.createdAtMs &&
    (query.untilMs ?? Number.POSITIVE_INFINITY) > row.createdAtMs
  );
}

function recordOf(row: DeliveryRow): contract.DeliveryRecord {
  const { id, route, destination, transforms, state, reason, attempts, createdAtMs, settledAtMs } = row;
  const dueMs = isOpen(row) ? row.dueMs : null;
  return {
    id,
    eventId: row.event.id,
    route,
    destination,
    transforms,
    state,
    reason,
    attempts,
    dueMs,
    createdAtMs,
    settledAtMs,
  };
}
