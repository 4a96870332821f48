/** SigmaMind AI for Switchhook: its signed agent webhooks become events, its inbound-call webhook becomes a call to answer. */
import { definePlugin } from '@switchhook/sdk';
import { call } from './call.js';
import { events } from './events.js';

export default definePlugin({ name: '@switchhook/plugin-sigmamind', components: [events, call] });
