/** PostgreSQL for Switchhook. */
import { definePlugin } from '@switchhook/sdk';
import { insert } from './insert.js';
import { lookup } from './lookup.js';

export default definePlugin({ name: '@switchhook/plugin-postgres', components: [insert, lookup] });
