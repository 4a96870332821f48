/** S3 for Switchhook: keeps recordings and transcripts in a bucket. */
import { definePlugin } from '@switchhook/sdk';
import { archive } from './archive.js';

export default definePlugin({ name: '@switchhook/plugin-s3', components: [archive] });
