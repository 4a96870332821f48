/** Uses a store once and closes it; nothing else ends this process. */
import plugin from '@switchhook/plugin-sqlite';
import { createComponent, fakeTools } from '@switchhook/testkit';
import { anEntry } from '../fixtures.js';

const tools = fakeTools({ directory: process.argv[2] ?? '' });
const store = createComponent('store', plugin.components[0], { path: 'events.db' }, tools);
await store.open?.();
await store.append([anEntry(1)]);
await store.close?.();
await tools.close();
