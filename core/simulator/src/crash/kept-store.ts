/** The store of a crash test, where it is outside of the directory of the test. */
import { createRouter } from '@switchhook/core';
import { Store } from '@switchhook/sdk';

/** Throws where the store of a configuration keeps events. */
export async function verifyEmpty(config: string): Promise<void> {
  const { items } = await withStore(config, (store) => store.events({ limit: 1 }));
  if (items.length > 0)
    throw new Error(
      'the store keeps events already: name an empty one, or another schema. A crash test that found a fault leaves what it has stored',
    );
}

/** Removes what it keeps. */
export async function empty(config: string): Promise<void> {
  await withStore(config, async (store) => store.clear?.());
}

async function withStore<T>(config: string, use: (store: Store) => Promise<T>): Promise<T> {
  const store = (await createRouter(config, { logTo: { write: () => {} } })).get(Store);
  await store.open?.();
  try {
    return await use(store);
  } finally {
    await store.close?.();
  }
}
