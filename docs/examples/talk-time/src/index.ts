/** The plugin: what the package exports by default. */
import { definePlugin } from '@switchhook/sdk';
import { measure } from './measure.ts';

export default definePlugin({ name: '@acme/switchhook-talk-time', components: [measure] });
