/** The plugin: what the package exports by default. */
import { definePlugin } from '@switchhook/sdk';
import { submissions } from './submissions.ts';

export default definePlugin({ name: '@acme/switchhook-forms', components: [submissions] });
