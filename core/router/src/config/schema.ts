/** The keys of the configuration, without the options of components. Docs and the editor schema are made from the descriptions. */

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
  .meta({ description: 'Type of the component, e.g. `http.post`. `switchhook plugins` lists the installed types.' });

const retry = z
  .strictObject({
    attempts: z
      .int()
      .min(1)
      .max(100)
      .default(10)
      .meta({ description: 'Total number of attempts, including the first.' }),
    first: timeout('Longest wait before the second attempt; doubles with each further one.').prefault('5s'),
    max: timeout('Longest wait, also for a longer `Retry-After`.').prefault('1h'),
  })
  .refine(({ first, max }) => first <= max, { path: ['first'], message: 'must not be longer than max' })
  .meta({
    description:
      'How a failed delivery is retried. Each wait is random, between 0 and the current step of the schedule.',
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

/** The keys of every row of a kind, beside its component's options. */
export const rowSchemas = {
  source: z.strictObject({ use }),
  transform: z.strictObject({ use }),
  store: z.strictObject({
    use,
    retention: duration(
      'How long settled events are kept. Dead deliveries are kept until they are replayed or discarded, waiting ones until they are delivered.',
    )
      .refine((ms) => ms >= 60_000, 'must be at least 1m')
      .prefault('30d'),
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

export const sectionDescriptions: Readonly<Record<Section, string>> = {
  sources: 'Sources verify the requests of a sender. Each has the path `/hooks/{name}`.',
  destinations: 'Destinations receive the events that routes select.',
  resolvers: 'Resolvers look up facts about a caller while the phone rings.',
  transforms: 'Transforms change an event before it is delivered.',
};

export const serverSchema = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .refine((host) => !/^https?:|^\[|^[^:]*:\d+$/.test(host), {
        error: 'expected a name or an IP address alone',
        params: { problem: 'INVALID_VALUE' },
      })
      .default('0.0.0.0')
      .meta({ description: 'Address to listen on. The port is `server.port`.' }),
    port: z.int().min(0).max(65_535).default(8080).meta({ description: 'Port to listen on; 0 takes a free one.' }),
    publicUrl: z
      .url({ protocol: /^https?$/ })
      .transform((url) => url.replace(/\/+$/, ''))
      .optional()
      .meta({
        description:
          'URL at which senders reach this router, e.g. `https://hooks.example.com`. Some signatures cover it.',
      }),
    bodyLimit: size('Largest request body.').prefault('1mb'),
    bodyTimeout: timeout('Timeout for the arrival of a request body.').prefault('10s'),
    grace: timeout('How long running deliveries may continue after the router begins to stop.').prefault('10s'),
    keepAlive: timeout(
      'How long an idle connection of a sender stays open. Longer than the proxy in front keeps its own: otherwise requests are lost that cross with the end of the connection.',
    ).prefault('11m'),
    trustProxy: z.boolean().default(false).meta({
      description:
        'Set it to true behind a reverse proxy: the last address of `X-Forwarded-For` is then the address of the sender.',
    }),
    publicMetrics: z.boolean().default(false).meta({
      description: 'Serves `/metrics` without a token to every machine that can reach the port.',
    }),
    watchdog: z.boolean().default(true).meta({
      description:
        'Logs the code that blocks the process for more than a second, during which no call is answered. Uses a thread of a few megabytes. Off if an embedding program replaces the clock.',
    }),
    admin: z
      .strictObject({ token: secret('Bearer token of the API.').optional() })
      .optional()
      .meta({ description: 'Access to the API from other machines.' }),
  })
  .meta({ description: 'The HTTP server of the router.' });

export const logSchema = z
  .strictObject({
    level: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'])
      .default('info')
      .meta({ description: 'Lowest level that is logged.' }),
  })
  .meta({ description: 'The log.' });

export const versionSchema = z.literal(1).meta({ description: 'Version of the configuration: 1.' });

export const countrySchema = country(
  'Country of phone numbers without a country code, e.g. `US`. Default: all numbers are international, with or without `+`.',
);

export const pluginsSchema = z.array(z.string().min(1)).meta({
  description:
    'Packages and local files that provide components. Packages named `@switchhook/plugin-…` are found automatically.',
});

export const routeSchema = z
  .strictObject({
    name: z
      .string()
      .regex(namePattern)
      .optional()
      .meta({ description: 'Default: `route-1` for the first row, `route-2` for the second.' }),
    from: names('Sources. Default: all.').optional(),
    on: names('Event types; `*` stands for any number of characters. Default: all.').optional(),
    where: expression(
      'Condition on `event`. An event for which it cannot be evaluated does not match.',
      ['event'],
      'bool',
    ).optional(),
    to: names('Destinations.'),
    transform: names('Transforms, applied in this order.').optional(),
  })
  .meta({ description: 'Assigns events to destinations.' });

/** The names of variables, as in the placeholders of a prompt. */
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
    kept('How long the facts of a caller are kept and replace a look-up.').transform((ms) => ({ for: ms, stale: ms })),
    z
      .strictObject({
        for: kept('Facts that are younger replace a look-up. Default: none do.').optional(),
        stale: kept('Facts that are younger replace a failed look-up. Default: the value of `for`.').optional(),
      })
      .refine((cache) => cache.for !== undefined || cache.stale !== undefined, 'expected for, stale or both')
      .refine((cache) => (cache.for ?? 0) <= (cache.stale ?? longestCacheMs), {
        path: ['stale'],
        message: 'must not be shorter than for',
      }),
  ])
  .transform((cache) => ({ forMs: cache.for ?? 0, staleMs: cache.stale ?? cache.for ?? 0 }))
  .meta({
    description: 'Keeps the facts of a caller in memory for repeated calls: `10m`, or `{ for, stale }`.',
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
        .meta({ description: 'Default: `answer-1` for the first row, `answer-2` for the second.' }),
      from: names('Sources of calls.'),
      where: expression(
        'Condition on `call` and `now`. The first answer that matches is used.',
        ['call', 'now'],
        'bool',
      ).optional(),
      within: timeout(
        'Time until the reply is sent, even if look-ups are still running. Shorter if the deadline of the platform is earlier.',
      ).prefault('3s'),
      resolve: names('Resolvers to run, in parallel. Resolvers that they depend on run, too.').optional(),
      variables: z
        .record(variableName, flat('Template with `call`, `now` and the resolvers by name.', variables))
        .default({})
        .meta({ description: 'Variables of the agent. A variable without a value takes its default.' }),
      defaults: z
        .record(variableName, z.union([z.string().max(10_000), z.number(), z.boolean()]).transform(String))
        .default({})
        .meta({ description: 'Values of variables without a value.' }),
      overrideAgent: flat(
        'Id of another agent that takes the call. Empty: the agent of the number.',
        variables,
      ).optional(),
      cache: cache.optional(),
      expects: names(
        'Variables that the agent requires: `check` fails if one has no value for some caller.',
      ).optional(),
    })
    .meta({ description: 'The reply to the request of a platform about a ringing call.' });
}
