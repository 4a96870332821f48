import plugin from '@switchhook/plugin-postgres';
import type {
  ClaimedDelivery,
  ClaimRequest,
  Entry,
  EventRecord,
  JsonObject,
  NewDelivery,
  Settled,
  Store,
} from '@switchhook/sdk';
import { createComponent, FakeClock, fakeServices } from '@switchhook/testkit';
import { postgres } from '../../../../test/support/postgres.js';

/** A schema of its own with stores in it; `close` closes and removes all of it. */
export async function setup(options: JsonObject = {}) {
  const database = await postgres();
  const services = fakeServices();
  const schema = String((await database.query('select current_schema() as schema'))[0]?.schema);
  const opened: Store[] = [];
  const component = plugin.components.find(({ type, kind }) => type === 'postgres' && kind === 'store');
  const make = (given: JsonObject = {}): Store => {
    const made = { url: database.url, schema, ...options, ...given };
    const store = createComponent('store', component, made, services, plugin);
    opened.push(store);
    return store;
  };
  const open = async (given: JsonObject = {}): Promise<Store> => {
    const store = make(given);
    await store.open?.();
    return store;
  };
  const close = async () => {
    for (const store of opened) await store.close?.();
    await services.close();
    await database.close();
  };
  return { database, schema, services, clock: services.clock, make, open, close };
}

/** Stores in the database of a server, whose schema is made and kept. */
export function bare(url: string) {
  const services = fakeServices();
  const component = plugin.components.find(({ type, kind }) => type === 'postgres' && kind === 'store');
  const make = (): Store => createComponent('store', component, { url }, services, plugin);
  return { make, clock: services.clock, services };
}

/** The error that a promise was rejected with. */
export async function failure(promise: Promise<unknown> | undefined): Promise<Error & { code?: string }> {
  const thrown = await promise?.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof Error)) throw new Error('the promise was not rejected');
  return thrown;
}

export type Fixtures = Awaited<ReturnType<typeof setup>>;

/** Runs a test with fixtures of its own. */
export function withStore(body: (fixtures: Fixtures) => Promise<void>): () => Promise<void> {
  return async () => {
    const fixtures = await setup();
    try {
      await body(fixtures);
    } finally {
      await fixtures.close();
    }
  };
}

/** When the tests happen: where a `FakeClock` starts. */
export const startMs = new FakeClock().now();

/** Id of the n-th event. */
export function eventId(n: number): string {
  return `01890a5d-ac96-774b-bcce-${n.toString(16).padStart(12, '0')}`;
}

/** A delivery to `crm`, waiting since the start. */
export function aNewDelivery(given: Partial<NewDelivery> = {}): NewDelivery {
  return { route: 'calls', destination: 'crm', transforms: [], state: 'waiting', dueMs: startMs, ...given };
}

/** The n-th event with one delivery, or with those given. */
export function anEntry(n: number, given: Partial<EventRecord> = {}, deliveries = [aNewDelivery()]): Entry {
  const texts = {
    key: `key-${n}`,
    source: 'agents',
    type: 'conversation_ended',
    subject: `conv_${n}`,
    agent: null,
    party: null,
  };
  const times = { occurredAtMs: startMs, receivedAtMs: startMs };
  return { event: { id: eventId(n), ...texts, ...times, body: Buffer.from(`{"n":${n}}`), ...given }, deliveries };
}

/** A claim of everything that is due for `crm`. */
export function aClaim(given: Partial<ClaimRequest> = {}): ClaimRequest {
  const nowMs = given.nowMs ?? startMs;
  const request = { destination: 'crm', nowMs, leaseUntilMs: nowMs + 60_000, limit: 1_000, maxAttempts: 10 };
  return { ...request, ordered: false, ...given };
}

/** A claimed delivery, settled as delivered. */
export function delivered({ id, lease }: Pick<ClaimedDelivery, 'id' | 'lease'>): Settled {
  const attempt = { startedAtMs: 1, durationMs: 1, outcome: 'delivered', reason: null, response: 'ok' } as const;
  return { deliveryId: id, lease, settlement: { state: 'delivered' }, attempt };
}
