/** `sqlite`: stores events and deliveries in one file. */
import { resolve } from 'node:path';
import { Clock, ComponentInfo, definePlugin, defineStore, Log, Metrics, size, z } from '@switchhook/sdk';
import { SqliteStore } from './store.js';

/** In a smaller file the part reserved for settlements would hold none. */
const leastBytes = 1_048_576;

const sqlite = defineStore({
  type: 'sqlite',
  description: 'Keeps events and deliveries in one file, durable across kill -9 and power failures. For one router.',
  options: z.strictObject({
    path: z
      .string()
      .min(1)
      .refine((path) => !/^[a-z][a-z\d+.-]+:\/\//i.test(path), {
        message: 'expected the path of a file, not a URL; PostgreSQL is another store: { use: postgres, url: … }',
      })
      .default('./data/switchhook.db')
      .meta({
        description:
          'Path of the file, relative to the configuration file. The file and its directory are created if they are missing.',
      }),
    synchronous: z.enum(['full', 'normal']).default('full').meta({
      description:
        'full: an acknowledged event survives a power failure. normal: faster, but a power failure can lose the events of the last moments; kill -9 loses none.',
    }),
    maxSize: size(
      'Largest size of the file. New events are refused (503) shortly below it, so that stored events can still be delivered. Default: no limit.',
    )
      .refine((bytes) => bytes >= leastBytes, { message: 'expected at least 1mb' })
      .optional(),
  }),
  inject: { clock: Clock, log: Log, metrics: Metrics, info: ComponentInfo },
  create: ({ path, synchronous, maxSize }, { info, ...services }) =>
    new SqliteStore({ path: resolve(info.directory, path), synchronous, maxBytes: maxSize ?? null }, services),
});

export default definePlugin({ name: '@switchhook/plugin-sqlite', components: [sqlite] });
