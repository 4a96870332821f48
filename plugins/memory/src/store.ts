/** The reference store: implements the contract in the plainest way. Every list is made anew from everything. */

import type * as contract from '@switchhook/sdk';
import { type Attempt, Clock, defineStore, deliveryId, partsOfDeliveryId } from '@switchhook/sdk';
import { z } from 'zod';
import { Gatherings, hasBodies } from './gatherings.js';
import { RemovedKeys } from './removed-keys.js';
import {
  apply,
  backlogOf,
  type ChangeRow,
  changesOf,
  claimable,
  type DeliveryRow,
  digestOf,
  type EventRow,
  end,
  fitsDelivery,
  fitsEvent,
  isRunning,
  keyOf,
  needsDecision,
  pageOf,
  prunable,
  recordOf,
  restored,
  takeOver,
} from './rows.js';
import { Texts } from './texts.js';

/** `store: { use: memory }`. For tests: everything is lost at the end of the process. */
export const memoryStoreComponent = defineStore({
  type: 'memory',
  description: 'For tests: keeps all events and deliveries in memory until the process ends.',
  options: z.strictObject({}),
  inject: { clock: Clock },
  create: (_options, { clock }) => memoryStore(clock),
});

/** Makes an empty store. Opening it again ends the leases, as after a restart: their owner is gone. */
export function memoryStore(clock: Clock): contract.Store {
  return new MemoryStore(clock);
}

/** See `Store`: between deliveries that may have ended the process. */
const suspectsApartMs = 2_000;
/** However many there are, none waits for longer. */
const longestApartMs = 120_000;
/** What `Entry` allows. */
const maxDeliveries = 1_000;

class MemoryStore implements contract.Store {
  readonly #clock: Clock;
  /** By id, in order of arrival. */
  readonly #events = new Map<string, EventRow>();
  readonly #idByKey = new Map<string, string>();
  readonly #removed = new RemovedKeys();
  readonly #texts: Texts;
  readonly #gatherings = new Gatherings();
  #nextOrder = 0;
  #changes: ChangeRow[] = [];
  #lastChange = 0;
  readonly eventConditions = ['state', 'ids'] as const;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#texts = new Texts(clock);
  }

  async open(): Promise<void> {
    const running = this.#deliveries().filter(isRunning);
    const unanswered = (row: DeliveryRow): number => row.tries - row.log.length;
    const suspects = running
      .filter((row) => unanswered(row) > 1)
      .sort((a, b) => unanswered(a) - unanswered(b) || a.order - b.order);
    const apartMs = Math.min(suspectsApartMs, Math.floor(longestApartMs / Math.max(1, suspects.length)));
    for (const row of running) {
      const waitMs = Math.max(0, suspects.indexOf(row)) * apartMs;
      row.dueMs = Math.min(row.dueMs, this.#clock.now() + waitMs);
    }
  }

  async append(entries: readonly contract.Entry[]): Promise<readonly contract.Appended[]> {
    const undo: (() => void)[] = [];
    try {
      return entries.map((entry) => this.#append(entry, undo));
    } catch (error) {
      for (const each of undo.toReversed()) each();
      throw error;
    }
  }

  #append({ event, deliveries }: contract.Entry, undo: (() => void)[]): contract.Appended {
    const known = this.#idByKey.get(keyOf(event));
    if (known !== undefined) return { eventId: known, duplicate: true };
    const removed = this.#removed.find(event);
    if (removed !== null) return removed;
    if (this.#events.has(event.id)) throw new Error(`an event ${event.id} is kept already, with another key`);
    const record = { ...event, body: new Uint8Array(event.body) };
    const row: EventRow = { record, order: this.#nextOrder++, deliveries: [] };
    undo.push(() => this.#remove(row));
    this.#events.set(event.id, row);
    this.#idByKey.set(keyOf(event), event.id);
    this.#note(row, null);
    this.#add(row, deliveries, undo);
    return { eventId: event.id, duplicate: false };
  }

  async extend(eventId: string, deliveries: readonly contract.NewDelivery[]): Promise<readonly string[]> {
    const row = this.#events.get(eventId);
    return row === undefined || row.record.body.length === 0 ? [] : this.#add(row, deliveries);
  }

  #add(event: EventRow, added: readonly contract.NewDelivery[], undo: (() => void)[] = []): readonly string[] {
    const { record, order, deliveries } = event;
    if (deliveries.length + added.length > maxDeliveries)
      throw new Error(`event ${record.id} would have more than ${maxDeliveries} deliveries`);
    return added.map(({ route, destination, transforms, state, dueMs, gather }) => {
      const index = deliveries.length;
      const id = deliveryId(record.id, index);
      const begun = state === 'running' ? 1 : 0;
      const createdAtMs = this.#clock.now();
      const row: DeliveryRow = {
        ...{ id, order: order + index / (maxDeliveries + 1), event: record, createdAtMs },
        ...{ route, destination, transforms: [...transforms], state, dueMs, log: [] },
        ...{ attempts: begun, tries: begun, lease: begun, reason: null, settledAtMs: null, gathered: null },
      };
      deliveries.push(row);
      if (gather !== undefined && record.subject !== null) undo.push(this.#gatherings.add(row, gather, createdAtMs));
      for (const attempt of row.log) this.#note(event, { delivery: row, attempt });
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
      const ended = attempt === null ? null : { number: row.tries, ...attempt };
      const event = this.#events.get(row.event.id);
      if (ended !== null) row.log.push(ended);
      if (ended !== null && event !== undefined) this.#note(event, { delivery: row, attempt: ended });
      apply(row, settlement, attempt !== null, this.#clock.now());
    }
  }

  async event(id: string): Promise<contract.EventRecord | null> {
    return this.#events.get(id)?.record ?? null;
  }

  async events(query: contract.EventQuery): Promise<contract.Page<contract.EventRecord>> {
    const found = [...this.#events.values()].filter((row) => fitsEvent(row, query));
    return pageOf(
      found,
      (row) => ({ atMs: row.record.receivedAtMs, order: row.order }),
      ({ record }) => (query.bodies === false ? { ...record, body: new Uint8Array() } : record),
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
    const found = this.#found(ids).filter(
      (row) => row.state !== 'running' && row.state !== 'gathered' && hasBodies(row),
    );
    for (const row of found)
      Object.assign(row, { state: 'waiting', reason: null, attempts: 0, dueMs, settledAtMs: null });
    return found.map(({ id }) => id);
  }

  async discard(ids: readonly string[]): Promise<readonly string[]> {
    const found = this.#found(ids).filter((row) => row.state === 'waiting' || needsDecision(row));
    for (const row of found) end(row, 'dead', 'discarded', this.#clock.now());
    return found.map(({ id }) => id);
  }

  async prune(request: contract.PruneRequest): Promise<number> {
    const { limit, remove = 'events', keysMs = 0 } = request;
    const removed = prunable(this.#events.values(), request);
    if (remove === 'bodies') for (const { record } of removed) Object.assign(record, { body: new Uint8Array() });
    if (remove === 'bodies') return removed.length;
    for (const row of removed) {
      this.#remove(row);
      if (keysMs > 0) this.#removed.notePruned(row.record);
    }
    const keys = this.#removed.prune(this.#clock.now(), keysMs, limit);
    return removed.length + this.#texts.removeEnded(limit) + keys;
  }

  async erase({ eventIds, keysUntilMs }: contract.EraseRequest): Promise<readonly string[]> {
    const rows = [...new Set(eventIds)].flatMap((id) => this.#events.get(id) ?? []);
    for (const row of rows) {
      this.#remove(row);
      this.#removed.noteErased(digestOf(row.record), row.record.id, keysUntilMs);
    }
    return rows.map(({ record }) => record.id);
  }

  async purge(): Promise<string | null> {
    return null;
  }

  async restore(
    all: readonly contract.StoredEvent[],
    { texts = [], keys = [] }: contract.StoredOthers = {},
  ): Promise<void> {
    this.#removed.restore(keys);
    const events = all.filter(({ event }) => !this.#removed.isErased(event));
    for (const { event } of events)
      if ((this.#idByKey.get(keyOf(event)) ?? event.id) !== event.id)
        throw new Error(`another event has the source and key of event ${event.id}`);
    for (const text of texts) this.#texts.keep(text);
    for (const { event, deliveries } of events) {
      const kept = this.#events.get(event.id);
      this.#removed.forget(event);
      if (kept === undefined) this.#append({ event, deliveries: [] }, []);
      else if (event.body.length === 0) Object.assign(kept.record, { body: event.body });
      this.#replace(event.id, deliveries);
    }
  }

  #replace(eventId: string, deliveries: readonly contract.StoredDelivery[]): void {
    const event = this.#events.get(eventId);
    if (event === undefined) return;
    for (const row of event.deliveries.splice(0)) this.#gatherings.replace(row);
    for (const [index, { record, attempts }] of deliveries.entries()) {
      const row = restored(event, index, record, attempts);
      event.deliveries.push(row);
      if (record.gathered) this.#gatherings.keep(row, record.gathered.ends, record.gathered.by === row.id);
    }
  }

  async backlog(): Promise<readonly contract.Backlog[]> {
    return backlogOf(this.#deliveries());
  }

  async changes(after: string | null, limit: number, counted = 0): Promise<contract.Changes> {
    return changesOf(this.#changes, this.#lastChange, after, { limit, counted });
  }

  #note(row: EventRow, ended: ChangeRow['ended']): void {
    this.#lastChange += 1;
    this.#changes.push({ number: this.#lastChange, row, ended });
  }

  readonly state = (key: string) => this.#texts.state(key);
  readonly setState = (...change: Parameters<Texts['setState']>) => this.#texts.setState(...change);
  readonly stateKeys = (prefix: string, limit: number) => this.#texts.stateKeys(prefix, limit);

  #remove(row: EventRow): void {
    const { record } = row;
    this.#changes = this.#changes.filter((change) => change.row !== row);
    this.#events.delete(record.id);
    this.#idByKey.delete(keyOf(record));
    for (const each of row.deliveries) this.#gatherings.remove(each);
  }

  #deliveries(): DeliveryRow[] {
    return [...this.#events.values()].flatMap(({ deliveries }) => deliveries);
  }

  #delivery(id: string): DeliveryRow | undefined {
    const parts = partsOfDeliveryId(id);
    return parts === null ? undefined : this.#events.get(parts.eventId)?.deliveries[parts.index];
  }

  #found(ids: readonly string[]): DeliveryRow[] {
    return [...new Set(ids)].flatMap((id) => this.#delivery(id) ?? []);
  }
}
