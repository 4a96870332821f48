/** PostgreSQL for Switchhook. */
import { definePlugin } from '@switchhook/sdk';
import { databasePool } from './connections.js';
import { insert } from './insert.js';
import { lookup } from './lookup.js';
import { store } from './store/component.js';
import { upsert } from './upsert.js';

export default definePlugin({
  name: '@switchhook/plugin-postgres',
  services: [databasePool],
  components: [insert, upsert, lookup, store],
});
