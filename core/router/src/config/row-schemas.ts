/** The keys of every row that names a component, and the sections of such rows. */

import { type Component, duration, type Kind, maskOptions, rate } from '@switchhook/sdk';
import { z } from 'zod';

/** Longer waits are no timeouts any more, and timers of the platform end at 24 days. */
const dayMs = 86_400_000;

/** A duration that a timer can wait: more than 0, at most a day. */
export function timeout(description: string) {
  return duration(description).refine((ms) => ms > 0 && ms <= dayMs, 'must be more than 0 and at most 1d');
}

/** One name or a list of them; becomes a list. */
export function names(description: string) {
  return z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .meta({ description });
}

const use = z
  .string()
  .min(1)
  .meta({ description: 'Type of the component, e.g. `http.post`. `switchhook plugins` lists the installed types.' });

const retry = z
  .strictObject({
    attempts: z
      .int()
      .min(1)
      .max(100)
      .default(12)
      .meta({ description: 'Total number of attempts, including the first.' }),
    first: timeout('Longest delay before the second attempt; doubles with each further one.').prefault('5s'),
    max: timeout('Longest delay, also for a longer `Retry-After`.').prefault('1h'),
  })
  .refine(({ first, max }) => first <= max, { path: ['first'], message: 'must not be longer than max' })
  .meta({
    description:
      'How a failed delivery is retried. Each delay is random, between half of the current step of the schedule and all of it.',
  });

function breaker(description: string, longestCooldown: string) {
  const rules = z.strictObject({
    failures: z.int().min(1).max(1_000).default(5).meta({
      description: 'Number of failures without a success in between that opens it.',
    }),
    window: timeout('Failures further apart than this are not counted together.').prefault('1m'),
    cooldown: timeout(
      `How long it stays open before a probe; doubles with each failed probe, up to ${longestCooldown}.`,
    ).prefault('30s'),
  });
  return z
    .union([z.literal(false), rules])
    .prefault({})
    .meta({ description: `${description} \`false\` turns it off.` });
}

const batch = z
  .strictObject({
    max: z.int().min(2).max(1_000).default(100).meta({ description: 'Most deliveries in one attempt.' }),
    wait: timeout('How long the first delivery waits for further ones.').prefault('200ms'),
  })
  .meta({ description: 'Combines several deliveries into one attempt. Default: one delivery per attempt.' });

/** Longer than a conversation takes, and what its platform makes of it. */
const longestFollowMs = 7 * dayMs;

const followedBy = z
  .record(
    z.string().min(1).max(128),
    z.strictObject({
      type: names('The type of event that follows; of several, one is enough.'),
      within: duration('Time in which it must arrive, from the arrival of the first event.').refine(
        (ms) => ms >= 1_000 && ms <= longestFollowMs,
        'must be at least 1s and at most 7d',
      ),
    }),
  )
  .meta({
    description:
      'By event type: which event of the same subject follows it. If it does not arrive in time, `switchhook incomplete` lists the conversation, and the router makes the event `conversation.incomplete`.',
  });

/** A window of retention. */
function kept(description: string) {
  return duration(description).refine((ms) => ms >= 60_000, 'must be at least 1m');
}

const eventsWindow = kept(
  'How long settled events are kept. Dead deliveries are kept until they are replayed or discarded, waiting ones until they are delivered.',
);
const bodiesWindow = kept(
  'How long the bodies of settled events are kept; the rest of the event stays. Default: as long as the events.',
);
const windows = { events: eventsWindow.optional(), bodies: bodiesWindow.optional() };

/** Bodies do not outlive their events. */
function isInOrder({ events, bodies }: { readonly events?: number | undefined; readonly bodies?: number | undefined }) {
  return events === undefined || bodies === undefined || bodies <= events;
}
const notInOrder = { path: ['bodies'], message: 'must not be longer than events' };

const typeRetention = z.union([
  eventsWindow.transform((events) => ({ events, bodies: undefined })),
  z.strictObject(windows).refine(isInOrder, notInOrder),
]);

const sourceRetention = z
  .union([
    eventsWindow.transform((events) => ({ events, bodies: undefined, types: undefined })),
    z
      .strictObject({
        ...windows,
        types: z.record(z.string().min(1).max(128), typeRetention).optional().meta({
          description: 'By event type: a duration, or `{ events, bodies }`.',
        }),
      })
      .refine(isInOrder, notInOrder),
  ])
  .meta({
    description:
      'How long events of this source are kept: a duration, or `{ events, bodies, types }`. Default: `store.retention`.',
    examples: ['7d'],
  });

const longestDefault = 30 * dayMs;

const storeRetention = z
  .union([
    eventsWindow.transform((events) => ({ events, bodies: undefined, keys: undefined })),
    z
      .strictObject({
        events: eventsWindow.prefault('30d'),
        bodies: bodiesWindow.optional(),
        keys: kept(
          'How long an event is recognized when it is sent again, at least. Default: as long as the event is kept.',
        ).optional(),
      })
      .refine(isInOrder, notInOrder)
      .refine(({ events = longestDefault, keys = events }) => keys >= events, {
        path: ['keys'],
        message: 'must not be shorter than events',
      }),
  ])
  .prefault('30d')
  .meta({
    description: 'How long events are kept: a duration, or `{ events, bodies, keys }`.',
    examples: ['30d'],
  });

/** The keys of every row of a kind, beside its component's options. */
export const rowSchemas = {
  source: z.strictObject({
    use,
    followedBy: followedBy.optional(),
    retention: sourceRetention.optional(),
    mask: z.strictObject(maskOptions).optional().meta({
      description:
        'Masks personal data in the body of each event after its verification: neither the store nor routes and destinations get what is masked. Subject, agent and number of the event stay, unless `names` has `subject`, `agent` or `party`. Calls of a source that answers with a request of its own are stored as they were sent until they are answered. Default: nothing is masked.',
    }),
    capture: z.boolean().default(false).meta({
      description:
        'Keeps the last 20 refused requests whole, for at most a day, in memory, for `switchhook refused --save`. They contain personal data: turn it on only to find a fault.',
    }),
  }),
  transform: z.strictObject({ use }),
  store: z.strictObject({
    use,
    retention: storeRetention,
  }),
  destination: z.strictObject({
    use,
    timeout: timeout('Timeout of one attempt.').prefault('10s'),
    concurrency: z.int().min(1).max(1_000).default(8).meta({ description: 'Most attempts at the same time.' }),
    retry: retry.prefault({}),
    rateLimit: rate('Most attempts per period, e.g. `10/s`. Default: no limit.').optional(),
    breaker: breaker('Pauses attempts after repeated failures, until a probe succeeds.', 'retry.max'),
    ordered: z.boolean().default(false).meta({
      description: 'Delivers the events of one subject one after another, in order of arrival, also across retries.',
    }),
    batch: batch.optional(),
  }),
  resolver: z.strictObject({
    use,
    timeout: timeout('Timeout of one look-up. Default: the remaining time of the answer.').optional(),
    after: names(
      'Resolvers whose facts this one uses as `known.<name>`: it starts when they have finished. Resolvers that its options use as `known.<name>` are added automatically.',
    ).optional(),
    concurrency: z.int().min(1).max(10_000).default(64).meta({
      description:
        'Most look-ups at the same time. Further look-ups are skipped, because a caller cannot wait in a queue.',
    }),
    breaker: breaker(
      'Skips a resolver after repeated failures, until a probe succeeds, so that it does not delay answers.',
      '2m',
    ),
  }),
} as const satisfies Readonly<Record<Kind, z.ZodObject>>;

const { shape: destinationShape } = rowSchemas.destination;

/** The keys of a component's rows beside its options: those of its kind, for a destination with its own limits as defaults. */
export function rowSchemaOf<K extends Kind>({ kind, limits = {} }: Pick<Component<K>, 'kind' | 'limits'>) {
  const { rateLimit, concurrency, timeout: timeoutText } = limits;
  const { concurrency: most, timeout: longest } = destinationShape;
  const defaults = {
    ...(rateLimit !== undefined && { rateLimit: rate('Most attempts per period, e.g. `10/s`.').prefault(rateLimit) }),
    ...(concurrency !== undefined && {
      concurrency: most.unwrap().default(concurrency).meta({ description: most.description }),
    }),
    ...(timeoutText !== undefined && { timeout: longest.unwrap().prefault(timeoutText) }),
  };
  const schema = kind === 'destination' ? rowSchemas.destination.extend(defaults) : rowSchemas[kind];
  // The same keys with the same types of values.
  return schema as (typeof rowSchemas)[K];
}

/** A name that is valid in a URL, a log line and a metric. */
export const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

/** The sections whose rows name components. */
export const sections = {
  sources: 'source',
  destinations: 'destination',
  resolvers: 'resolver',
  transforms: 'transform',
} as const satisfies Readonly<Record<string, Kind>>;

export type Section = keyof typeof sections;

/** The key under which rows of a kind stand. */
export function sectionOf(kind: Kind): string {
  return Object.entries(sections).find(([, each]) => each === kind)?.[0] ?? kind;
}

export const sectionDescriptions: Readonly<Record<Section, string>> = {
  sources: 'Sources verify the requests of a sender. Each has the path `/hooks/{name}`.',
  destinations: 'Destinations receive the events that routes select.',
  resolvers: 'Resolvers look up facts about a caller while the phone rings.',
  transforms: 'Transforms change an event before it is delivered.',
};
