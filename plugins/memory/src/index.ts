/** A store in memory: for tests, dry runs and trying things out. */
import { definePlugin } from '@switchhook/sdk';
import { memoryStoreComponent } from './store.js';

export { memoryStore } from './store.js';

export default definePlugin({ name: '@switchhook/plugin-memory', components: [memoryStoreComponent] });
