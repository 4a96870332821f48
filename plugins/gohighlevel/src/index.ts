/** GoHighLevel for Switchhook. */
import { definePlugin } from '@switchhook/sdk';
import { contact } from './contact.js';
import { lookup } from './lookup.js';

export default definePlugin({ name: '@switchhook/plugin-gohighlevel', components: [contact, lookup] });
