/** Google Sheets for Switchhook. */
import { definePlugin } from '@switchhook/sdk';
import { googleAccount } from './account.js';
import { lookup } from './lookup.js';
import { row } from './row.js';

export default definePlugin({
  name: '@switchhook/plugin-google-sheets',
  services: [googleAccount],
  components: [row, lookup],
});
