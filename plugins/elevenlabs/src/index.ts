/** ElevenLabs Agents for Switchhook: post-call webhooks become events, the data request of an inbound call becomes a call to answer. */
import { definePlugin } from '@switchhook/sdk';
import { call } from './call.js';
import { events } from './events.js';

export default definePlugin({ name: '@switchhook/plugin-elevenlabs', components: [events, call] });
