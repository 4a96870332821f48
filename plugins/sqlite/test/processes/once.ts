/** Uses a store once and closes it; nothing else ends this process. */
import plugin from '@switchhook/plugin-sqlite';
import { createComponent, fakeServices } from '@switchhook/testkit';
import { anEntry } from '../fixtures.js';

const services = fakeServices({ directory: process.argv[2] ?? '' });
const store = createComponent('store', plugin.components[0], { path: 'events.db' }, services);
await store.open?.();
await store.append([anEntry(1)]);
await store.close?.();
await services.close();
