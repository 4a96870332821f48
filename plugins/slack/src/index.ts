/** Slack: messages through an incoming webhook. */
import { definePlugin } from '@switchhook/sdk';
import { message } from './message.js';

export default definePlugin({ name: '@switchhook/plugin-slack', components: [message] });
