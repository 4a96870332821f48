import plugin from '@switchhook/plugin-postgres';
import type { JsonObject, Store } from '@switchhook/sdk';
import { createComponent, fakeServices } from '@switchhook/testkit';
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
