/** Runs a history against a store and against the memory store, and compares them after each step. */
import { deepStrictEqual } from 'node:assert/strict';
import { pagesOf } from '@switchhook/core/internal';
import { memoryStore } from '@switchhook/plugin-memory';
import {
  type ClaimedDelivery,
  deliveryId,
  type Entry,
  type NewDelivery,
  type Settlement,
  type Store,
} from '@switchhook/sdk';
import { aNewDelivery, anEntry, aSettled, type StoreFixture } from './fixtures.js';

/** A delivery of a history. */
export interface DeliveryStep {
  readonly destination: string;
  readonly state: NewDelivery['state'];
  readonly dueInMs: number;
  /** As of a route that waits: whether its event ends the wait; null = of another route. */
  readonly gathers: boolean | null;
}

/** An event of a history. Events, deliveries and claims are picked by a number: modulo how many there are. */
export interface EntryStep {
  /** Null = a new event; else one that has been before. */
  readonly repeats: number | null;
  readonly subject: string | null;
  readonly deliveries: readonly DeliveryStep[];
}

/** One step of a history. Plain data, so that a property test can make, print and shrink it. */
export type Step =
  | { readonly kind: 'append'; readonly entries: readonly EntryStep[] }
  | {
      readonly kind: 'claim';
      readonly destination: string;
      readonly ordered: boolean;
      readonly limit: number;
      readonly maxAttempts: number;
      readonly leaseMs: number;
    }
  | {
      readonly kind: 'settle';
      readonly claims: readonly number[];
      readonly settlement: 'delivered' | 'skipped' | 'dead' | 'retry' | 'give back';
      readonly wasCalled: boolean;
      readonly dueInMs: number;
    }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'replay'; readonly deliveries: readonly number[]; readonly dueInMs: number }
  | { readonly kind: 'discard'; readonly deliveries: readonly number[] }
  | { readonly kind: 'extend'; readonly event: number; readonly deliveries: readonly DeliveryStep[] }
  /** Their keys are known for so long. */
  | { readonly kind: 'erase'; readonly events: readonly number[]; readonly keysForMs: number }
  | { readonly kind: 'prune'; readonly ageMs: number; readonly limit: number }
  | {
      readonly kind: 'list';
      readonly state: 'waiting' | 'dead' | 'delivered' | 'gathered' | null;
      readonly destination: string | null;
      readonly limit: number;
    }
  /** Sets a text where the present one is expected, or null. */
  | {
      readonly kind: 'set';
      readonly key: string;
      readonly value: string | null;
      readonly expectsNone: boolean;
      readonly expiresInMs: number | null;
    }
  | { readonly kind: 'reopen' };

/** Throws if the store returns or holds something else than the memory store. */
export async function followHistory(fixture: StoreFixture, steps: readonly Step[]): Promise<void> {
  const history = new History(fixture);
  for (const [index, step] of steps.entries()) await history.follow(step, `step ${index}: ${JSON.stringify(step)}`);
}

class History {
  readonly #fixture: StoreFixture;
  readonly #model: Store;
  #store: Store;
  #events = 0;
  readonly #deliveries: string[] = [];
  readonly #claims: Pick<ClaimedDelivery, 'id' | 'lease'>[] = [];

  constructor(fixture: StoreFixture) {
    this.#fixture = fixture;
    this.#store = fixture.store;
    this.#model = memoryStore(fixture.clock);
  }

  async follow(step: Step, name: string): Promise<void> {
    if (step.kind === 'reopen') {
      this.#store = (await this.#fixture.reopen?.()) ?? this.#store;
      if (this.#fixture.reopen !== undefined) await this.#model.open?.();
    } else if (step.kind === 'pass') this.#fixture.clock.jumpTo(this.#nowMs + step.ms);
    else await this.#both(this.#actionOf(step), name);
    await this.#both(stateOf, `what is kept after ${name}`);
  }

  /** Calls both; their results must be equal. */
  async #both(action: (store: Store) => Promise<unknown>, name: string): Promise<void> {
    const expected = await action(this.#model);
    deepStrictEqual(await action(this.#store), expected, name);
  }

  #actionOf(step: Exclude<Step, { kind: 'reopen' | 'pass' }>): (store: Store) => Promise<unknown> {
    const nowMs = this.#nowMs;
    switch (step.kind) {
      case 'append': {
        const entries = step.entries.map((entry) => this.#entryOf(entry));
        return (store) => store.append(entries);
      }
      case 'claim': {
        const { leaseMs, ...asked } = step;
        return async (store) => {
          const claim = await store.claim({ ...asked, nowMs, leaseUntilMs: nowMs + leaseMs });
          if (store === this.#model) this.#claims.push(...claim.deliveries);
          const deliveries = claim.deliveries.map(({ event, events, ...one }) => {
            return { ...one, event: comparable(event), events: events?.map(comparable) };
          });
          return { ...claim, deliveries };
        };
      }
      case 'settle': {
        const settlement = settlementOf(step.settlement, nowMs + step.dueInMs);
        const claimed = step.claims.flatMap((number) => picked(this.#claims, number));
        const settled = claimed.map((one) => aSettled(one, settlement, step.wasCalled ? {} : { attempt: null }));
        return (store) => store.settle(settled);
      }
      case 'replay':
        return (store) => store.replay(this.#pickDeliveries(step.deliveries), nowMs + step.dueInMs);
      case 'discard':
        return (store) => store.discard(this.#pickDeliveries(step.deliveries));
      case 'extend': {
        const { event } = anEntry(this.#events === 0 ? 0 : step.event % this.#events);
        const deliveries = step.deliveries.map((one) => this.#deliveryOf(one));
        return async (store) => {
          const ids = await store.extend(event.id, deliveries);
          if (store === this.#model) this.#note(ids, deliveries);
          return ids;
        };
      }
      case 'erase': {
        const eventIds = step.events.map((number) => anEntry(number % Math.max(1, this.#events)).event.id);
        // A store that cannot erase has nothing to be compared.
        if (this.#store.erase === undefined) return async () => null;
        return async (store) =>
          [...((await store.erase?.({ eventIds, keysUntilMs: nowMs + step.keysForMs })) ?? [])].sort();
      }
      case 'prune':
        return (store) => store.prune({ beforeMs: nowMs - step.ageMs, limit: step.limit });
      case 'set': {
        const { key, value, expectsNone, expiresInMs } = step;
        const endMs = expiresInMs === null ? null : nowMs + expiresInMs;
        return async (store) => {
          // A store that keeps no texts has nothing to be compared.
          if (this.#store.state === undefined) return null;
          const kept = (await store.state?.(key)) ?? null;
          return [kept, await store.setState?.(key, value, expectsNone ? null : kept, endMs)];
        };
      }
      case 'list':
        return (store) => listed(store, step);
    }
  }

  #entryOf({ repeats, subject, deliveries }: EntryStep): Entry {
    const number = this.#events;
    this.#events += 1;
    const key = repeats === null || number === 0 ? `key-${number}` : `key-${repeats % number}`;
    const made = deliveries.map((one) => this.#deliveryOf(one));
    const entry = anEntry(number, { key, subject, party: subject, receivedAtMs: this.#nowMs }, made);
    this.#note(
      made.map((_, index) => deliveryId(entry.event.id, index)),
      made,
    );
    return entry;
  }

  #deliveryOf({ destination, state, dueInMs, gathers }: DeliveryStep): NewDelivery {
    const dueMs = this.#nowMs + dueInMs;
    if (gathers === null) return aNewDelivery({ destination, state, dueMs });
    return aNewDelivery({ destination, dueMs, route: 'waits', gather: { ends: gathers, late: 'too late' } });
  }

  /** Keeps deliveries to pick from, and the leases of those handed over in memory. */
  #note(ids: readonly string[], deliveries: readonly NewDelivery[]): void {
    this.#deliveries.push(...ids);
    for (const [index, { state }] of deliveries.entries()) {
      const id = ids[index];
      if (state === 'running' && id !== undefined) this.#claims.push({ id, lease: 1 });
    }
  }

  #pickDeliveries(picks: readonly number[]): readonly string[] {
    return picks.flatMap((number) => picked(this.#deliveries, number));
  }

  get #nowMs(): number {
    return this.#fixture.clock.now();
  }
}

/** Everything a store holds, in a form that compares. */
export async function stateOf(store: Store) {
  const events = (await store.events({ limit: 1_000 })).items.map(comparable);
  const deliveries = (await store.deliveries({ limit: 10_000 })).items;
  const attempts = [];
  for (const { id, state } of deliveries) if (state !== 'running') attempts.push(await store.attempts(id));
  const backlog = (await store.backlog()).toSorted((a, b) => a.destination.localeCompare(b.destination));
  return { events, deliveries, attempts, backlog };
}

async function listed(store: Store, { state, destination, limit }: Extract<Step, { kind: 'list' }>) {
  const filter = { ...(state !== null && { state }), ...(destination !== null && { destination }) };
  const ids: string[][] = [];
  for await (const { items } of pagesOf(limit, (part) => store.deliveries({ ...filter, ...part })))
    ids.push(items.map(({ id }) => id));
  return ids;
}

function settlementOf(name: Extract<Step, { kind: 'settle' }>['settlement'], untilMs: number): Settlement {
  if (name === 'delivered' || name === 'skipped') return { state: name };
  if (name === 'dead') return { state: 'dead', reason: 'rejected' };
  return { state: 'waiting', untilMs, counted: name === 'retry' };
}

function picked<T>(items: readonly T[], number: number): readonly T[] {
  const item = items[number % Math.max(1, items.length)];
  return item === undefined ? [] : [item];
}

function comparable<T extends { readonly body: Uint8Array }>(event: T) {
  return { ...event, body: Buffer.from(event.body).toString() };
}
