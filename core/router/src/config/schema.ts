/** The keys of the configuration, beside those that components bring. Docs and the editor schema are made from the descriptions. */

import { country, duration, expression, type Kind, rate, secret, size, type Template, template } from '@switchhook/sdk';
import { z } from 'zod';

/** Longer waits are no timeouts any more, and timers of the platform end at 24 days. */
const dayMs = 86_400_000;

function timeout(description: string) {
  return duration(description).refine((ms) => ms > 0 && ms <= dayMs, 'must be more than 0 and at most 1d');
}

/** One name or a list of them; becomes a list. */
function names(description: string) {
  return z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .meta({ description });
}

const use = z
  .string()
  .min(1)
  .meta({ description: 'Type of the component, e.g. `http.post`. `switchhook plugins` lists what is installed.' });

const retry = z
  .strictObject({
    attempts: z.int().min(1).max(100).default(10).meta({ description: 'Attempts in all, the first included.' }),
    first: timeout('Longest wait before the second attempt; doubles with each further one.').prefault('5s'),
    max: timeout('Longest wait, also for a longer `Retry-After`.').prefault('1h'),
  })
  .refine(({ first, max }) => first <= max, { path: ['first'], message: 'must not be longer than max' })
  .meta({
    description: 'How a delivery is tried again. Waits are drawn evenly between 0 and the step of the schedule.',
  });

function breaker(description: string, longestCooldown: string) {
  const rules = z.strictObject({
    failures: z.int().min(1).max(1_000).default(5).meta({
      description: 'So many failures without a success between them open it.',
    }),
    window: timeout('Failures further apart than this do not add up.').prefault('1m'),
    cooldown: timeout(
      `How long it stays open before a probe; doubles with each failed one, up to ${longestCooldown}.`,
    ).prefault('30s'),
  });
  return z
    .union([z.literal(false), rules])
    .prefault({})
    .meta({ description: `${description} \`false\` turns it off.` });
}

const batch = z
  .strictObject({
    max: z.int().min(2).max(1_000).default(100).meta({ description: 'Deliveries in one attempt, at most.' }),
    wait: timeout('How long the first one waits for others.').prefault('200ms'),
  })
  .meta({ description: 'Several deliveries in one attempt, for destinations that can. Default: one by one.' });

/** The keys of every row of a kind, beside its component's options. */
export const rowSchemas = {
  source: z.strictObject({ use }),
  transform: z.strictObject({ use }),
  store: z.strictObject({
    use,
    retention: duration('How long settled events are kept. Dead and waiting deliveries are kept until someone decides.')
      .refine((ms) => ms >= 60_000, 'must be at least 1m')
      .prefault('30d'),
  }),
  destination: z.strictObject({
    use,
    timeout: timeout('How long one attempt may take.').prefault('10s'),
    concurrency: z.int().min(1).max(1_000).default(8).meta({ description: 'Attempts at the same time.' }),
    retry: retry.prefault({}),
    rateLimit: rate('Attempts per time, at most. Default: no limit.').optional(),
    breaker: breaker('Stops attempts to a destination that is down, for a while.', 'retry.max'),
    ordered: z.boolean().default(false).meta({
      description: 'The events of one subject one after another, in order of arrival, also across retries.',
    }),
    batch: batch.optional(),
  }),
  resolver: z.strictObject({
    use,
    timeout: timeout('How long it may look. Default: as long as the answer has left.').optional(),
    after: names(
      'Resolvers whose facts it needs: it starts when they are done, and sees them as `known`. Those its options use as `known.<name>` need not be named.',
    ).optional(),
    concurrency: z.int().min(1).max(10_000).default(64).meta({
      description: 'Look-ups at the same time. One more is not made: a phone does not queue.',
    }),
    breaker: breaker('Skips a resolver that fails repeatedly, so that it costs no ring time.', '2m'),
  }),
} as const satisfies Readonly<Record<Kind, z.ZodObject>>;

/** A name that can stand in a URL, a log line and a metric. */
export const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

/** The sections whose rows name components. */
export const sections = {
  sources: 'source',
  destinations: 'destination',
  resolvers: 'resolver',
  transforms: 'transform',
} as const satisfies Readonly<Record<string, Kind>>;

export type Section = keyof typeof sections;

export const sectionDescriptions: Readonly<Record<Section, string>> = {
  sources: 'Who sends: each source receives at `/hooks/{name}`.',
  destinations: 'Who is given events.',
  resolvers: 'Look up facts about a caller.',
  transforms: 'What changes an event for a destination.',
};

export const serverSchema = z
  .strictObject({
    host: z.string().min(1).default('0.0.0.0').meta({ description: 'Address to listen on.' }),
    port: z.int().min(0).max(65_535).default(8080).meta({ description: 'Port to listen on; 0 takes a free one.' }),
    publicUrl: z
      .url({ protocol: /^https?$/ })
      .transform((url) => url.replace(/\/+$/, ''))
      .optional()
      .meta({
        description: 'How senders reach this router, e.g. `https://hooks.example.com`. Some signatures cover it.',
      }),
    bodyLimit: size('Largest body of a request.').prefault('1mb'),
    bodyTimeout: timeout('How long a body may take to arrive.').prefault('10s'),
    grace: timeout('How long running deliveries may take to end when the router stops.').prefault('10s'),
    trustProxy: z.boolean().default(false).meta({
      description: 'True behind a reverse proxy: the sender is the last address of `X-Forwarded-For`.',
    }),
    watchdog: z.boolean().default(true).meta({
      description:
        'Logs which code blocks the process for more than a second, so that no call is answered. Costs a thread of a few megabytes. Off if an embedding program replaces the clock.',
    }),
    admin: z
      .strictObject({ token: secret('Bearer token of the API.').optional() })
      .optional()
      .meta({ description: 'Access to the API from elsewhere than this machine.' }),
  })
  .meta({ description: 'How the router is reached.' });

export const logSchema = z
  .strictObject({
    level: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'])
      .default('info')
      .meta({ description: 'What is logged: this and everything graver.' }),
  })
  .meta({ description: 'The log.' });

export const versionSchema = z.literal(1).meta({ description: 'Version of the configuration: 1.' });

export const countrySchema = country(
  'Country of phone numbers that come without it, e.g. `US`. Default: all are international, with or without `+`.',
);

export const pluginsSchema = z.array(z.string().min(1)).meta({
  description:
    'Packages and local files that bring components. Packages named `@switchhook/plugin-…` are found without.',
});

export const routeSchema = z
  .strictObject({
    name: z
      .string()
      .regex(namePattern)
      .optional()
      .meta({ description: 'Default: `route-1` for the first, and so on.' }),
    from: names('Sources. Default: all.').optional(),
    on: names('Event types; `*` stands for any number of characters. Default: all.').optional(),
    where: expression(
      'Condition over `event`. What it cannot be evaluated for does not match.',
      ['event'],
      'bool',
    ).optional(),
    to: names('Destinations.'),
    transform: names('Transforms, applied in this order.').optional(),
  })
  .meta({ description: 'Which events go to which destinations.' });

/** Placeholders of a prompt are made of these. */
const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'a variable starts with a letter or _ and has only letters, digits and _');

/** A value that platforms take for a variable: anything but a map or a list. */
function flat(description: string, variables: readonly string[]) {
  return (
    z
      .union([z.string(), z.number(), z.boolean()])
      // It takes any JSON, and so what the union lets through; zod wants the types to be the same.
      .pipe(template(description, variables) as unknown as z.ZodType<Template, string | number | boolean>)
      .meta({ description, template: [...variables] })
  );
}

const longestCacheMs = 30 * dayMs;

function kept(description: string) {
  return duration(description).refine((ms) => ms > 0 && ms <= longestCacheMs, 'must be more than 0 and at most 30d');
}

const cache = z
  .union([
    kept('How long facts of a caller are kept, and spare a look-up.').transform((ms) => ({ for: ms, stale: ms })),
    z
      .strictObject({
        for: kept('No look-up is made while they are younger. Default: always look.').optional(),
        stale: kept('They stand in for a look-up that fails while they are younger. Default: as `for`.').optional(),
      })
      .refine((cache) => cache.for !== undefined || cache.stale !== undefined, 'expected for, stale or both')
      .refine((cache) => (cache.for ?? 0) <= (cache.stale ?? longestCacheMs), {
        path: ['stale'],
        message: 'must not be shorter than for',
      }),
  ])
  .transform((cache) => ({ forMs: cache.for ?? 0, staleMs: cache.stale ?? cache.for ?? 0 }))
  .meta({
    description: 'Keeps what resolvers found about a caller who calls again, in memory: `10m`, or `{ for, stale }`.',
    examples: ['10m'],
  });

/** `known` are the names of the resolvers, which its texts may use. */
export function answerSchema(known: readonly string[]) {
  const variables = [...new Set(['call', 'now', 'known', ...known])];
  return z
    .strictObject({
      name: z
        .string()
        .regex(namePattern)
        .optional()
        .meta({ description: 'Default: `answer-1` for the first, and so on.' }),
      from: names('Sources of calls.'),
      where: expression(
        'Condition over `call` and `now`. The first answer that matches is given.',
        ['call', 'now'],
        'bool',
      ).optional(),
      within: timeout(
        'When the reply is sent, even if look-ups are still running. Earlier if the deadline of the platform is earlier.',
      ).prefault('3s'),
      resolve: names('Resolvers to run, side by side. Those they depend on run, too.').optional(),
      variables: z
        .record(variableName, flat('Text over `call`, `now` and the resolvers by name.', variables))
        .default({})
        .meta({ description: 'Variables of the agent. A variable without a value takes its default.' }),
      defaults: z
        .record(variableName, z.union([z.string().max(10_000), z.number(), z.boolean()]).transform(String))
        .default({})
        .meta({ description: 'Values of variables that could not be filled.' }),
      overrideAgent: flat('Id of another agent that shall take the call; empty = none.', variables).optional(),
      cache: cache.optional(),
      expects: names('Variables the agent cannot do without: `check` fails where nothing supplies one.').optional(),
    })
    .meta({ description: 'The reply to the call request of a platform.' });
}
