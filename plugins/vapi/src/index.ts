/** Vapi for Switchhook: its server messages become events, its assistant requests become calls to answer. */
import { definePlugin } from '@switchhook/sdk';
import { call } from './call.js';
import { events } from './events.js';

export default definePlugin({ name: '@switchhook/plugin-vapi', components: [events, call] });
