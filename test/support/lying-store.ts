/** A store that lies: it says that it has kept an event a moment before it does. A plugin, for the crash test to find out. */
// By its path: plugins import no other package of the router than the sdk.

import { Clock, ComponentInfo, definePlugin, defineStore, Log, Metrics, type Store, z } from '@switchhook/sdk';
import sqlite from '../../plugins/sqlite/dist/index.js';

const momentMs = 200;

const lying = defineStore({
  type: 'lying',
  description: 'Acknowledges before it keeps.',
  options: z.strictObject({}),
  inject: { clock: Clock, log: Log, metrics: Metrics, info: ComponentInfo },
  create: (_options, services) => {
    const [component] = sqlite.components;
    if (component === undefined) throw new Error('there is no store to lie about');
    const store = component.create(component.options.parse({}), services) as Store;
    const append: Store['append'] = async (entries) => {
      services.clock.after(momentMs, () => {
        store.append(entries).catch((error: unknown) => services.log.error('store.caught', { error }));
      });
      return entries.map(({ event }) => ({ eventId: event.id, duplicate: false }));
    };
    // Node loads this file by itself: it can import packages, but no TypeScript file beside it.
    return new Proxy(store, {
      get: (target, name: keyof Store) => (name === 'append' ? append : Object(target[name]).bind?.(target)),
    });
  },
});

export default definePlugin({ name: 'lying-store', components: [lying] });
