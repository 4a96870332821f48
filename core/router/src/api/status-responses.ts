/** Response schemas of the API about how the router, its destinations and its resolvers stand. */
import { z } from 'zod';
import { levels, subjectKinds } from '../admin/destination-trouble.js';
import { sourceStatus } from './refused-responses.js';
import { count, hold, list, named, time } from './responses.js';

const trouble = z
  .object({
    level: z.enum(levels).meta({
      description:
        '`bad`: something fails; `warn`: something waits; `busy`: deliveries are on the way; `well`: nothing is to be done.',
    }),
    what: z.string(),
    advice: z.string().meta({ description: 'What to do; empty where there is nothing.' }),
    about: z
      .object({ kind: z.enum(subjectKinds), name: z.string() })
      .optional()
      .meta({
        description:
          'What it is about, by its name; `source`: its refused requests, `calls`: its calls that no answer matched, `pull`: a source that pulls, `route`: events for which its condition could not be evaluated. Absent: the router, its store, or all.',
      }),
  })
  .register(named, { id: 'Trouble' });
export type Trouble = z.output<typeof trouble>;

const standing = {
  breaker: z.enum(['closed', 'open', 'half-open']).nullable().meta({ description: 'Null where there is none.' }),
  holds: list(hold).meta({ description: 'Why nothing is attempted at present; empty where nothing prevents it.' }),
  lastFailure: z.object({ at: time, reason: z.string() }).nullable().meta({ description: 'Since the router started.' }),
};

export const resolverStatus = z
  .object({
    resolver: z.string(),
    use: z.string().nullable().meta({ description: 'Type of the component.' }),
    ...standing,
  })
  .register(named, { id: 'ResolverStatus' });
export type ResolverStatus = z.output<typeof resolverStatus>;

export const destinationStatus = z
  .object({
    destination: z.string(),
    configured: z.boolean().meta({ description: 'False where only its deliveries are left.' }),
    draining: z
      .boolean()
      .meta({ description: 'It was removed by a reload, and what is left for it is still delivered.' }),
    use: z.string().nullable().meta({ description: 'Type of the component.' }),
    waiting: count.nullable().meta({ description: 'Null if the store does not answer; so are running and dead.' }),
    running: count.nullable(),
    dead: count.nullable().meta({ description: 'Without the discarded ones.' }),
    oldestSeconds: z
      .number()
      .nullable()
      .meta({ description: 'Age of the oldest delivery that is waiting or running.' }),
    held: count.meta({ description: 'In memory, about to be tried.' }),
    ...standing,
    concurrency: count.nullable(),
    rateLimit: z.object({ count, perMs: count }).nullable(),
    rateLimited: z.boolean().meta({ description: 'Deliveries wait, and its rate limit is used up at present.' }),
    ordered: z.boolean(),
    trouble,
  })
  .register(named, { id: 'DestinationStatus' });
export type DestinationStatus = z.output<typeof destinationStatus>;

export const pullStatus = z
  .object({
    source: z.string(),
    use: z.string().nullable().meta({ description: 'Type of the component.' }),
    state: z.enum(['running', 'standby', 'waiting']).meta({
      description:
        '`standby`: another router runs it, or the store does not answer; `waiting`: it has failed, and is started again.',
    }),
    since: time,
    lastFailure: standing.lastFailure,
  })
  .register(named, { id: 'PullStatus' });
export type PullStatus = z.output<typeof pullStatus>;

export const routerStatus = z
  .object({
    id: z.string().meta({ description: 'Of one run of the router.' }),
    name: z.string().meta({ description: '`server.name`, or its host and process.' }),
    self: z.boolean().meta({ description: 'The router that answers.' }),
    version: z.string(),
    since: time.meta({ description: 'When it was started.' }),
    goneSince: time.nullable().meta({
      description: 'Null: it is there. Otherwise its last heartbeat; it is listed for ten minutes more.',
    }),
    configuration: z.string().meta({ description: 'Short digest: routers with the same rows have the same.' }),
    deliveries: z.record(z.string(), count).meta({ description: 'How many it has taken over, by destination.' }),
  })
  .register(named, { id: 'RouterStatus' });
export type RouterStatus = z.output<typeof routerStatus>;

/** What a command reads of either row. */
export const statusRow = z.object(standing);

const windows = { eventsSeconds: z.number(), bodiesSeconds: z.number() };

export const status = z
  .object({
    version: z.string(),
    node: z.string(),
    now: time,
    uptimeSeconds: z.number(),
    summary: trouble.meta({ description: 'The worst of all, or that all is well.' }),
    troubles: list(trouble).meta({ description: 'All that fails or waits, the worst first; empty where all is well.' }),
    configuration: z.object({
      file: z.string(),
      generation: count.meta({ description: '1 at the start; each reload counts one up.' }),
      since: time,
    }),
    store: z.object({
      use: z.string(),
      canCommit: z.boolean(),
      reason: z.string().nullable().meta({ description: 'Why it cannot commit.' }),
      commitMs: z.number().nullable().meta({ description: 'How long an empty commit took; null where it failed.' }),
      bytes: count.nullable().meta({ description: 'What it takes, indexes included; null where it is unknown.' }),
      freeBytes: count
        .nullable()
        .meta({ description: 'How much more its disk has room for; null where it is unknown.' }),
      pruned: z
        .object({
          at: time,
          removed: count.meta({ description: 'Events, and texts of plugins.' }),
          bodies: count.meta({ description: 'Bodies of events that are kept.' }),
        })
        .nullable()
        .meta({ description: 'When what is older than `retention` was last looked for; null before the first time.' }),
      retention: z
        .object({
          ...windows,
          keysSeconds: z.number().nullable().meta({ description: 'Null: keys are kept as long as their events.' }),
          parts: list(
            z.object({
              sources: list(z.string()).optional(),
              types: list(z.string()).optional(),
              exceptTypes: list(z.string()).optional(),
              ...windows,
            }),
          ).meta({ description: 'Sources, and types of theirs, with windows of their own.' }),
        })
        .meta({ description: 'How long events and their bodies are kept after their receipt.' }),
    }),
    process: z.object({
      memoryBytes: count.meta({ description: 'Resident memory.' }),
      busyShare: z
        .number()
        .meta({ description: 'Share of the last seconds in which the main thread ran code, 0 to 1.' }),
    }),
    destinations: list(destinationStatus).meta({ description: 'The worst first.' }),
    resolvers: list(resolverStatus),
    sources: list(sourceStatus).meta({ description: 'What each source has received and refused.' }),
    pulls: list(pullStatus).meta({ description: 'Sources that pull their events.' }),
    routers: list(routerStatus).meta({
      description: 'The routers that share the store, this one first; empty where the store cannot be shared.',
    }),
  })
  .register(named, { id: 'Status' });
export type Status = z.output<typeof status>;

export const probe = z
  .object({
    tried: z.enum(['delivery', 'component', 'nothing']).meta({
      description: 'A waiting delivery; or, where none waits, what the component can reach.',
    }),
    succeeded: z.boolean().nullable().meta({ description: 'Null where nothing is known.' }),
    delivery: z.string().nullable().meta({ description: 'Id of the delivery that was attempted.' }),
    reason: z
      .string()
      .nullable()
      .meta({ description: 'Why it failed or was not tried, or a remark of the component.' }),
    ms: z.number(),
    // A router of the version before does not send it.
    paused: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether it is paused: it stays so, and the attempt was made all the same.' }),
  })
  .register(named, { id: 'Probe' });
export type Probe = z.output<typeof probe>;
