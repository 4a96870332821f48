/** `postgres`: stores events and deliveries in a PostgreSQL database, which several routers can share. */
import { Clock, defineStore, duration, Log, Metrics, z } from '@switchhook/sdk';
import { url } from '../options.js';
import { isName, maxNameBytes } from '../sql.js';
import { PostgresStore } from './store.js';

/** A heartbeat that fails takes 2 s, and the next one follows 400 ms later: one may fail. */
const shortestLeaseMs = 5_000;
const longestLeaseMs = 300_000;

export const store = defineStore({
  type: 'postgres',
  description: 'Keeps events and deliveries in a PostgreSQL database, 15 or newer, which several routers can share.',
  options: z.strictObject({
    url,
    schema: z.string().refine(isName, `expected a name of 1 to ${maxNameBytes} bytes`).default('switchhook').meta({
      description: 'Schema of the tables. Created if it is missing. Routers with the same schema share their events.',
    }),
    connections: z.int().min(4).max(100).default(10).meta({
      description:
        'Most connections to the database, beside the one that waits for notifications and up to four for what routers exchange. A quarter is for lists and counts.',
    }),
    prepare: z.boolean().default(true).meta({
      description: 'Prepares each statement once per connection. `false` behind a pooler in transaction mode.',
    }),
    listen: z.boolean().default(true).meta({
      description:
        'Keeps a connection that is notified when another router leaves something to be delivered, and knows which routers are there. `false` behind a pooler in transaction mode: due deliveries are then looked for four times a second.',
    }),
    lease: duration(
      'After how long without a heartbeat of this router the others go on with the deliveries that it has taken over: `5s` to `5m`. Each router has its own.',
    )
      .refine((ms) => ms >= shortestLeaseMs && ms <= longestLeaseMs, {
        error: 'expected 5s to 5m',
        params: { problem: 'INVALID_VALUE' },
      })
      .prefault('30s'),
  }),
  inject: { clock: Clock, log: Log, metrics: Metrics },
  create: (settings, services) => new PostgresStore(settings, services),
});
