/** HTTP: forwards events as signed requests, looks callers up, fetches lists. */
import { definePlugin } from '@switchhook/sdk';
import { lookup } from './lookup.js';
import { poll } from './poll.js';
import { post } from './post.js';

export default definePlugin({ name: '@switchhook/plugin-http', components: [post, lookup, poll] });
