/** The keys of the configuration, without the options of components. Docs and the editor schema are made from the descriptions. */

import { country, duration, expression, secret, size, type Template, template } from '@switchhook/sdk';
import { z } from 'zod';
import type { AlertPolicy } from '../monitor/tally.js';
import { namePattern, names, timeout } from './row-schemas.js';

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
    name: z.string().min(1).max(100).optional().meta({
      description:
        'Name of this router among those that share its store, in `status`, logs and metrics. Default: the host and the process, e.g. `web-1:4711`.',
    }),
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
    dashboard: z.boolean().default(true).meta({
      description: 'Serves the dashboard at `/`, if `@switchhook/dashboard` is installed.',
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

const share = (description: string) => z.number().min(0.01).max(1).meta({ description });
const atLeast = (description: string, otherwise: number) =>
  z.int().min(1).max(1_000_000).default(otherwise).meta({ description });
const minutes = (description: string) => timeout(description).refine((ms) => ms >= 60_000, 'must be at least 1m');

export const alertsSchema = z
  .strictObject({
    every: minutes(
      'Each cause is reported at most once in this time: at `1h`, once in each hour of the clock (UTC).',
    ).prefault('1h'),
    window: minutes('Time in which attempts, calls and refused requests are counted.').prefault('5m'),
    destinationFailing: z
      .strictObject({
        share: share('Share of the attempts within `window` that have failed.').default(0.5),
        attempts: atLeast('Fewer attempts within `window` are not enough.', 5),
      })
      .prefault({})
      .meta({ description: 'When `destination.failing` is reported.' }),
    queueBehind: timeout(
      'Age of the oldest delivery of a destination from which on `queue.behind` is reported.',
    ).prefault('15m'),
    callsSlow: z
      .strictObject({
        after: timeout('A reply that takes longer is late.').prefault('2s'),
        share: share('Share of the calls within `window` with a late reply.').default(0.1),
        calls: atLeast('Fewer calls within `window` are not enough.', 5),
      })
      .prefault({})
      .meta({ description: 'When `calls.slow` is reported.' }),
    sourceRefusing: atLeast(
      'Requests that a source refuses with the same code within `window`, from which on `source.refusing` is reported.',
      10,
    ),
  })
  .transform(
    ({
      every,
      window,
      destinationFailing,
      queueBehind,
      callsSlow: { after, ...slow },
      sourceRefusing,
    }): AlertPolicy => ({
      ...{ everyMs: every, windowMs: window, destinationFailing, queueBehindMs: queueBehind, sourceRefusing },
      callsSlow: { ...slow, afterMs: after },
    }),
  )
  .meta({
    description:
      'When the router makes events of its own, which routes take with `from: router`. Without such a route it makes none.',
  });

export const versionSchema = z.literal(1).meta({ description: 'Version of the configuration: 1.' });

export const countrySchema = country(
  'Country of phone numbers without a country code, e.g. `US`. Default: all numbers are international, with or without `+`.',
);

/** A row of `plugins:` with options, which the plugin's own schema checks. */
export const pluginRow = z.strictObject({
  use: z.string().min(1).meta({ description: 'The package, or the path of the local file.' }),
  options: z.unknown().optional().meta({ description: 'Options of the plugin itself, which its components share.' }),
  acceptApi: z.int().min(1).optional().meta({
    description:
      'Another version of the plugin contract than that of the router. A plugin that is written for this version is loaded; parts of its definitions that the router does not know are still refused.',
  }),
});

export const pluginsSchema = z
  .array(
    z
      .union([z.string().min(1), pluginRow])
      .transform((row) => (typeof row === 'string' ? { use: row, options: undefined, acceptApi: undefined } : row)),
  )
  .meta({
    description:
      'Packages and local files that provide components. Packages named `@switchhook/plugin-…` are found automatically.',
  });

/** Longer than a conversation takes, and what its platform makes of it. */
const longestWaitMs = 7 * 86_400_000;

export const routeSchema = z
  .strictObject({
    name: z
      .string()
      .regex(namePattern)
      .optional()
      .meta({ description: 'Default: `route-1` for the first row, `route-2` for the second.' }),
    from: names(
      "Sources, destinations that emit events, and `router`, the source of the router's own events. Default: all sources but `router`.",
    ).optional(),
    on: names('Event types; `*` stands for any number of characters. Default: all.').optional(),
    where: expression(
      'Condition on `event`. An event for which it cannot be evaluated does not match.',
      ['event'],
      'bool',
    ).optional(),
    to: names('Destinations.'),
    transform: names('Transforms, applied in this order.').optional(),
    wait: z
      .strictObject({
        for: names(
          'Event types that end the wait; of several, one is enough. `*` stands for any number of characters.',
        ),
        within: duration('How long to wait, from the arrival of the first event of the subject.').refine(
          (ms) => ms >= 1_000 && ms <= longestWaitMs,
          'must be at least 1s and at most 7d',
        ),
      })
      .optional()
      .meta({
        description:
          'Gathers the events of one subject, and delivers them together, once. `event` is then the one that ended the wait, otherwise the latest; `events` has all of them. Later events are skipped. Default: each event is delivered by itself, at once.',
      }),
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

const longestCacheMs = 30 * 86_400_000;

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
