import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import plugin from '@switchhook/plugin-sqlite';
import type { ClaimRequest, Entry, JsonObject, Settled, Store } from '@switchhook/sdk';
import { createComponent, FakeClock, fakeServices } from '@switchhook/testkit';

/** A directory of its own with stores on a file in it; `close` closes and removes all of it. */
export async function setup() {
  const directory = await mkdtemp(join(tmpdir(), 'switchhook-sqlite-'));
  const services = fakeServices({ directory });
  const opened: Store[] = [];
  const component = plugin.components.find(({ type }) => type === 'sqlite');
  const make = (options: JsonObject = {}): Store => {
    const store = createComponent('store', component, { path: 'events.db', ...options }, services);
    opened.push(store);
    return store;
  };
  const open = async (options: JsonObject = {}): Promise<Store> => {
    const store = make(options);
    await store.open?.();
    return store;
  };
  const close = async () => {
    for (const store of opened) await store.close?.();
    await services.close();
    await rm(directory, { recursive: true });
  };
  return { directory, path: join(directory, 'events.db'), services, clock: services.clock, make, open, close };
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

/** Id of the n-th event. */
export function eventId(n: number): string {
  return `01890a5d-ac96-774b-bcce-${n.toString(16).padStart(12, '0')}`;
}

/** The n-th event, with as many deliveries to `crm`. */
export function anEntry(
  n: number,
  deliveries = 1,
  body = `{"n":${n}}`,
  state: 'waiting' | 'running' = 'waiting',
): Entry {
  const atMs = new FakeClock().now();
  const delivery = { route: 'calls', destination: 'crm', transforms: [], state, dueMs: atMs };
  return {
    event: {
      id: eventId(n),
      key: `key-${n}`,
      source: 'agents',
      type: 'conversation_ended',
      subject: `conv_${n}`,
      agent: null,
      party: null,
      occurredAtMs: atMs,
      receivedAtMs: atMs,
      body: Buffer.from(body),
    },
    deliveries: Array.from({ length: deliveries }, () => delivery),
  };
}

/** Claims all that is due for `crm`. */
export function aClaim(limit = 1_000): ClaimRequest {
  const nowMs = new FakeClock().now();
  return { destination: 'crm', nowMs, leaseUntilMs: nowMs + 60_000, limit, maxAttempts: 10, ordered: false };
}

/** A claimed delivery, settled as delivered. */
export function delivered({ id, lease }: { readonly id: string; readonly lease: number }, response = 'ok'): Settled {
  const attempt = { startedAtMs: 1, durationMs: 1, outcome: 'delivered', reason: null, response } as const;
  return { deliveryId: id, lease, settlement: { state: 'delivered' }, attempt };
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
