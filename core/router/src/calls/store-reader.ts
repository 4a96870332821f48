/** The service `StoreReader`: what plugins may read of the store. */
import type { Store, StoreReader } from '@switchhook/sdk';
import { eventOf } from '../routing/event-record.js';

/** @param callSources Names of the sources that receive inbound calls, now. */
export function storeReader(store: Pick<Store, 'events'>, callSources: () => readonly string[]): StoreReader {
  return {
    async history(party, range) {
      const { items } = await store.events({ party, ...range });
      return items.map((record) => ({ ...eventOf(record), isCall: callSources().includes(record.source) }));
    },
  };
}
