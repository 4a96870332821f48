/** OpenAI for Switchhook: incoming SIP calls of the Realtime and Live APIs are accepted with a session of their own. */
import { definePlugin } from '@switchhook/sdk';
import { call } from './call.js';

export default definePlugin({ name: '@switchhook/plugin-openai', components: [call] });
