/** PostgreSQL for Switchhook. */
import { definePlugin } from '@switchhook/core/plugin';
import { insert } from './insert.js';
import { lookup } from './lookup.js';

export default definePlugin({ name: '@switchhook/plugin-postgres', components: [insert, lookup] });
