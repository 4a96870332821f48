/** Telnyx for Switchhook: its signed webhooks become events, the data request of an AI assistant becomes a call to answer. */
import { definePlugin } from '@switchhook/sdk';
import { call } from './call.js';
import { events } from './events.js';

export default definePlugin({ name: '@switchhook/plugin-telnyx', components: [events, call] });
