/** Table look-ups for Switchhook: who is calling, from a CSV, JSON or YAML file. */
import { definePlugin } from '@switchhook/sdk';
import { lookup } from './lookup.js';

export default definePlugin({ name: '@switchhook/plugin-table', components: [lookup] });
