/** `sqlite`: stores events and deliveries in one file. */
import { resolve } from 'node:path';
import { Clock, ComponentInfo, definePlugin, defineStore, Log, Metrics, size, z } from '@switchhook/sdk';
import { SqliteStore } from './store.js';

/** In a smaller file the part reserved for settlements would hold none. */
const leastBytes = 1_048_576;

const sqlite = defineStore({
  type: 'sqlite',
  description: 'Keeps events and deliveries in one file, durable through kill -9 and loss of power. For one router.',
  options: z.strictObject({
    path: z.string().min(1).default('./data/switchhook.db').meta({
      description:
        'The file; it and its directory are made where they are missing. Relative to the configuration file.',
    }),
    synchronous: z.enum(['full', 'normal']).default('full').meta({
      description:
        'full: an acknowledged event survives loss of power. normal: faster, but a loss of power can take the last moments; kill -9 takes nothing.',
    }),
    maxSize: size(
      'The file does not grow over this. New events are refused (503) shortly below it, so that what is held can still be delivered. Default: no limit.',
    )
      .refine((bytes) => bytes >= leastBytes, { message: 'expected at least 1mb' })
      .optional(),
  }),
  inject: { clock: Clock, log: Log, metrics: Metrics, info: ComponentInfo },
  create: ({ path, synchronous, maxSize }, { info, ...services }) =>
    new SqliteStore({ path: resolve(info.directory, path), synchronous, maxBytes: maxSize ?? null }, services),
});

export default definePlugin({ name: '@switchhook/plugin-sqlite', components: [sqlite] });
