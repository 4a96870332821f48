/** What the tests of stores are made of: entries, claims, and a store with a clock that stands still. */
import { pagesOf } from '@switchhook/core/internal';
import {
  type ClaimedDelivery,
  type ClaimRequest,
  deliveryId,
  type Entry,
  type EventRecord,
  type NewDelivery,
  type Page,
  type Settled,
  type Settlement,
  type Store,
} from '@switchhook/sdk';
import type { FakeClock } from '../../fakes.js';
import type { Parts } from '../never.js';

/** A store to be tried. */
export interface StoreFixture {
  /** Open, and empty. */
  readonly store: Store;
  /** The store's clock. */
  readonly clock: FakeClock;
  /** Only where buckets and shared texts go by the clock of a server, which also goes on by itself: lets so much time pass for them. */
  passOnServer?(ms: number): Promise<void>;
  /** Closes the store and opens it again, as a restart does; gives the one to go on with. Undefined where nothing is kept. */
  reopen?(): Promise<Store>;
  close(): Promise<void>;
}

/** When the tests happen: where a `FakeClock` starts. */
export const startMs = 1_767_225_600_000;
export const leaseMs = 60_000;

/** Id of the n-th event. */
export function eventId(n: number): string {
  return `01890a5d-ac96-774b-bcce-${n.toString(16).padStart(12, '0')}`;
}

/** The n-th event; give only what matters. */
export function aRecord(n: number, given: Partial<EventRecord> = {}): EventRecord {
  return {
    id: eventId(n),
    key: `key-${n}`,
    source: 'agents',
    type: 'conversation_ended',
    subject: `conv_${n}`,
    agent: 'agent_sales',
    party: null,
    occurredAtMs: startMs - 2_000,
    receivedAtMs: startMs,
    body: Buffer.from(`{"n":${n}}`),
    trace: null,
    ...given,
  };
}

/** A delivery to `crm`, waiting since the start. */
export function aNewDelivery(given: Partial<NewDelivery> = {}): NewDelivery {
  return { route: 'calls', destination: 'crm', transforms: [], state: 'waiting', dueMs: startMs, ...given };
}

/** The n-th event with one delivery, or with those given. */
export function anEntry(n: number, given: Partial<EventRecord> = {}, deliveries = [aNewDelivery()]): Entry {
  return { event: aRecord(n, given), deliveries };
}

/** A claim of everything that is due for `crm` at the start. */
export function aClaim(given: Partial<ClaimRequest> = {}): ClaimRequest {
  const nowMs = given.nowMs ?? startMs;
  return {
    destination: 'crm',
    nowMs,
    leaseUntilMs: nowMs + leaseMs,
    limit: 100,
    maxAttempts: 10,
    ordered: false,
    ...given,
  };
}

/** What comes back from an attempt on a claimed delivery. */
export function aSettled(
  claimed: Pick<ClaimedDelivery, 'id' | 'lease'> | undefined,
  settlement: Settlement = { state: 'delivered' },
  given: Partial<Settled> = {},
): Settled {
  if (claimed === undefined) throw new Error('nothing was claimed');
  const delivered = settlement.state === 'delivered';
  const outcome = delivered ? 'delivered' : settlement.state === 'skipped' ? 'skipped' : 'unavailable';
  const reason = delivered ? null : 'status 503';
  const attempt = {
    startedAtMs: startMs,
    durationMs: 12.5,
    outcome,
    reason,
    response: delivered ? 'ok' : null,
  } as const;
  return { deliveryId: claimed.id, lease: claimed.lease, settlement, attempt, ...given };
}

/** Indexes of events or deliveries, by their ids: what a test compares. */
export function numbers(items: readonly { readonly id: string }[]): readonly number[] {
  return items.map(({ id }) => Number.parseInt(id.slice(24, 36), 16));
}

/** Id of the n-th event's first delivery. */
export function deliveryOf(n: number): string {
  return deliveryId(eventId(n), 0);
}

export const dead = { state: 'dead', reason: 'rejected' } as const;

export function retryAt(untilMs: number): Settlement {
  return { state: 'waiting', untilMs, counted: true };
}

export const inOrder = aClaim({ ordered: true });

/** The n-th event, of a subject, with one delivery. */
export function inLine(n: number, subject: string, dueMs = startMs): Entry {
  return anEntry(n, { subject }, [aNewDelivery({ dueMs })]);
}

/** Takes over what is due, and settles all of it in the same way. */
export async function settleAll(store: Store, settlement?: Settlement, claim = aClaim()): Promise<void> {
  const { deliveries } = await store.claim(claim);
  await store.settle(deliveries.map((claimed) => aSettled(claimed, settlement)));
}

/** Reads page after page to the end. */
export async function pages<T>(
  limit: number,
  read: (part: { limit: number; cursor?: string }) => Promise<Page<T>>,
): Promise<readonly (readonly T[])[]> {
  const all: (readonly T[])[] = [];
  for await (const page of pagesOf(limit, read)) all.push(page.items);
  return all;
}

/** Two destinations, two routes, and one delivery in each state. */
export async function inEachState(store: Store): Promise<void> {
  const slack = aNewDelivery({ destination: 'slack', route: 'alerts' });
  await store.append(
    [1, 2, 3, 4, 5, 6].map((n) => anEntry(n, {}, n === 6 ? [slack] : [aNewDelivery({ dueMs: startMs + n })])),
  );
  const claimed = (await store.claim(aClaim({ nowMs: startMs + 4 }))).deliveries;
  await store.settle([
    aSettled(claimed[0]),
    aSettled(claimed[1], { state: 'dead', reason: 'rejected' }),
    aSettled(claimed[2], { state: 'skipped' }),
  ]);
}

/** What a store need not have, by its name in `never`; `reopen` is of the fixture. */
export const storeParts = {
  changes: { what: '`changes` of the store', in: ({ store }) => store.changes !== undefined },
  clear: { what: '`clear` of the store', in: ({ store }) => store.clear !== undefined },
  coordination: { what: '`coordination` of the store', in: ({ store }) => store.coordination !== undefined },
  deadGroups: { what: '`deadGroups` of the store', in: ({ store }) => store.deadGroups !== undefined },
  endLeases: { what: '`endLeases` of the store', in: ({ store }) => store.endLeases !== undefined },
  erase: {
    what: '`erase` and `purge` of the store',
    in: ({ store }) => store.erase !== undefined && store.purge !== undefined,
  },
  eventConditions: {
    what: '`state` and `ids` in `eventConditions` of the store',
    in: ({ store }) => ['state', 'ids'].every((name) => store.eventConditions?.some((one) => one === name)),
  },
  reopen: { what: '`reopen`', in: ({ reopen }) => reopen !== undefined },
  restore: { what: '`restore` of the store', in: ({ store }) => store.restore !== undefined },
  snapshot: { what: '`snapshot` of the store', in: ({ store }) => store.snapshot !== undefined },
  state: {
    what: '`state` and `setState` of the store',
    in: ({ store }) => store.state !== undefined && store.setState !== undefined,
  },
  users: { what: '`users` of the store', in: ({ store }) => store.users !== undefined },
  stateKeys: { what: '`stateKeys` of the store', in: ({ store }) => store.stateKeys !== undefined },
} satisfies Parts<StoreFixture, string>;
export type StorePart = keyof typeof storeParts;

/** Registers one test, which runs with a fixture of its own. */
export interface Test {
  (title: string, body: (fixture: StoreFixture) => Promise<void>): void;
  /** The same for tests of what not every store has: pending without it, and not registered where `never` names it. */
  needing(...parts: readonly StorePart[]): Test;
}
