/** Synthflow for Switchhook: its signed post-call webhooks become events, its inbound webhook becomes a call to answer. */
import { definePlugin } from '@switchhook/sdk';
import { call } from './call.js';
import { events } from './events.js';

export default definePlugin({ name: '@switchhook/plugin-synthflow', components: [events, call] });
