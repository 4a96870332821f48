/** HubSpot for Switchhook. */
import { definePlugin } from '@switchhook/sdk';
import { call } from './call.js';
import { contact } from './contact.js';
import { lookup } from './lookup.js';

export default definePlugin({ name: '@switchhook/plugin-hubspot', components: [contact, call, lookup] });
