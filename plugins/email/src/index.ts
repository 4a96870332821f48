/** E-mail over SMTP for Switchhook. */
import { definePlugin } from '@switchhook/sdk';
import { smtpAccount } from './account.js';
import { message } from './message.js';

export default definePlugin({ name: '@switchhook/plugin-email', services: [smtpAccount], components: [message] });
