/** HTTP: forwards events as signed requests, asks about events, looks callers up, fetches lists. */
import { definePlugin } from '@switchhook/sdk';
import { fetch } from './fetch.js';
import { lookup } from './lookup.js';
import { poll } from './poll.js';
import { post } from './post.js';

export default definePlugin({ name: '@switchhook/plugin-http', components: [post, fetch, lookup, poll] });
