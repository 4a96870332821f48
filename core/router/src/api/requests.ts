/** Request schemas of the API: they validate requests and generate OpenAPI. */

import { durationMs } from '@switchhook/sdk/internal';
import { z } from 'zod';

/** More than a page holds is not listed at once. */
export const longestPage = 1_000;
/** Events that one search in data looks at, unless the request says how many, and at most. */
export const usuallyExamined = 1_000;
const mostExamined = 10_000;
/** Characters. A condition is part of the URL. */
const longestCondition = 4_000;

/** A point in time: so long ago, or a date. */
export type Instant = { readonly agoMs: number } | { readonly atMs: number };

/** When it is, in milliseconds since the epoch. */
export function atMs(instant: Instant, nowMs: number): number {
  return 'atMs' in instant ? instant.atMs : nowMs - instant.agoMs;
}

/** `2h`, `2026-01-01`, `2026-01-01T08:00:00Z`; null where it is none. A date alone begins in UTC. */
export function instantOf(text: string): Instant | null {
  const agoMs = durationMs(text);
  if (agoMs !== null) return { agoMs };
  const isDate = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const atMs = isDate ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? null : { atMs };
}

function instant(description: string) {
  return z
    .string()
    .transform((text, ctx): Instant => {
      const found = instantOf(text);
      if (found !== null) return found;
      ctx.addIssue('expected a duration such as 2h, or a date such as 2026-01-01 or 2026-01-01T08:00:00Z');
      return z.NEVER;
    })
    .meta({ description, examples: ['2h', '2026-01-01T08:00:00Z'] });
}

const word = z.string().min(1).max(512);

/** A whole number in a query. */
function number(least: number, most: number) {
  return z
    .string()
    .refine((text) => /^\d{1,6}$/.test(text), 'expected a number')
    .transform(Number)
    .pipe(z.int().min(least).max(most));
}

/** Where a delivery stands. */
export const states = ['waiting', 'running', 'delivered', 'dead', 'skipped', 'gathered'] as const;
/** Why a delivery is dead. */
export const reasons = ['rejected', 'exhausted', 'discarded'] as const;
const json = z.record(z.string(), z.unknown());

const eventFilter = {
  source: word.optional().meta({ description: 'Name of the source.' }),
  type: word.optional().meta({ description: 'Type of the event, e.g. conversation_ended.' }),
  subject: word.optional().meta({ description: 'Conversation or call id.' }),
  agent: word.optional().meta({ description: 'Id of the agent.' }),
};
const deliveryFilter = {
  reason: z.enum(reasons).optional().meta({ description: 'Why it is dead.' }),
  destination: word.optional().meta({ description: 'Name of the destination.' }),
  route: word.optional().meta({ description: 'Name of the route.' }),
  event: word.optional().meta({ description: 'Id of the event.' }),
};
const period = {
  since: instant('Not before this: so long ago, or a date.').optional(),
  until: instant('Before this: so long ago, or a date.').optional(),
};
const settledPeriod = {
  settledSince: instant('Only what was delivered, skipped or died not before this: so long ago, or a date.').optional(),
  settledUntil: instant('Only what was delivered, skipped or died before this: so long ago, or a date.').optional(),
};
const part = {
  limit: number(1, longestPage)
    .default(50)
    .meta({ description: 'At most so many.', type: 'integer', minimum: 1, maximum: longestPage, default: 50 }),
  cursor: word.optional().meta({ description: 'Where the last page ended.' }),
};

export const eventQuery = z
  .strictObject({
    ...eventFilter,
    ...period,
    party: word.optional().meta({ description: "The other person's phone number or address." }),
    unrouted: z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .optional()
      .meta({ description: 'True: only events that matched no route.' }),
    text: word.optional().meta({
      description:
        'Only events whose data, as JSON, contain this text, in upper or lower case. Numbers are found as they are written, and masked values as `***`.',
    }),
    where: z
      .string()
      .min(1)
      .max(longestCondition)
      .optional()
      .meta({
        description:
          'Only events for which this condition is true: CEL over `event`, as in `where` of a route. Where it cannot be evaluated, the event does not match, and is counted.',
        examples: ['event.data.duration > 60'],
      }),
    last: number(1, mostExamined)
      .optional()
      .meta({
        description: `With \`text\` or \`where\`: how many events that match the other conditions are looked at, from the newest or from the cursor on; default ${usuallyExamined}.`,
        ...{ type: 'integer', minimum: 1, maximum: mostExamined, default: usuallyExamined },
      }),
    ...part,
  })
  .refine(({ text, where, last }) => last === undefined || text !== undefined || where !== undefined, {
    path: ['last'],
    message: 'only with text or where, which look at the data of events',
  });

const { limit } = part;

export const liveQuery = z.strictObject({
  ...eventFilter,
  party: word.optional().meta({ description: "The other person's phone number or address." }),
  destination: word.optional().meta({ description: 'Only attempts of this destination.' }),
  after: word.optional().meta({ description: 'The cursor from which on.' }),
});

export const changeQuery = liveQuery.extend({ limit });

export const duplicateQuery = z.strictObject({
  source: eventFilter.source,
  type: eventFilter.type,
  subject: eventFilter.subject,
  ...part,
});

export const componentQuery = z.strictObject({
  installed: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .meta({ description: 'Whether to return the installed types, too. Their plugins are imported the first time.' }),
});

export const callQuery = z.strictObject({
  number: word.optional().meta({ description: 'Of the caller or of the called, with its country code.' }),
  source: word.optional().meta({ description: 'Name of the source.' }),
  answer: word.optional().meta({ description: 'Name of the answer that was given.' }),
  resolver: word.optional().meta({ description: 'Name of a resolver whose facts it needed.' }),
  ...period,
  ...part,
});

export const deliveryQuery = z.strictObject({
  state: z.enum(states).optional().meta({ description: 'Where it stands.' }),
  ...deliveryFilter,
  ...period,
  ...settledPeriod,
  ...part,
});

export const incompleteQuery = z.strictObject({ source: eventFilter.source, ...part });
export const erasureQuery = z.strictObject(part);

export const historyQuery = z.strictObject({
  ...period,
  step: z
    .string()
    .transform((text, ctx) => {
      const ms = durationMs(text);
      if (ms !== null && ms > 0 && ms <= 86_400_000 && ms % 60_000 === 0) return ms;
      ctx.addIssue('expected whole minutes, at most a day, such as 5m or 1h');
      return z.NEVER;
    })
    .default(60_000)
    .meta({ description: 'How long each step is, in whole minutes.', type: 'string', default: '1m', examples: ['5m'] }),
  source: word.optional().meta({ description: 'Only events, requests and calls of this source.' }),
  destination: word.optional().meta({ description: 'Only this destination.' }),
});

export const deadQuery = z.strictObject({ ...deliveryFilter, ...period, ...settledPeriod });

export const refusedFilter = z.strictObject({
  source: eventFilter.source,
  agent: word.optional().meta({ description: 'Id of the agent that the request names.' }),
  code: word.optional().meta({ description: 'Code of the refusal, e.g. UNVERIFIED.' }),
  ...period,
});

export const refusedQuery = refusedFilter.extend(part);

/** For requests without a query, or without a body. */
export const nothing = z.strictObject({});

const replayFilter = z.strictObject({
  state: z.enum(['waiting', 'delivered', 'dead', 'skipped', 'gathered']).optional().meta({
    description:
      'Default: dead. Discarded ones only with reason: discarded. `gathered`: the deliveries that have gathered them.',
  }),
  ...deliveryFilter,
  ...eventFilter,
  ...period,
  ...settledPeriod,
  unrouted: z.boolean().optional().meta({ description: 'With reroute: only events that matched no route.' }),
});

export const replayBody = z
  .strictObject({
    filter: replayFilter.prefault({}).meta({ description: 'All given conditions must hold.' }),
    all: z.boolean().default(false).meta({ description: 'Required for a replay without any condition in the filter.' }),
    dryRun: z.boolean().default(false).meta({ description: 'Count only.' }),
    reroute: z.boolean().default(false).meta({
      description: "Make the deliveries that today's routes want and the event does not have, and leave the others.",
    }),
    perSecond: z.int().min(1).max(10_000).default(50).meta({ description: 'So many become due each second.' }),
  })
  .superRefine(({ filter, reroute, all, dryRun }, ctx) => {
    const isUnlimited = Object.values(filter).every((condition) => condition === undefined);
    if (isUnlimited && !all && !dryRun)
      ctx.addIssue({ code: 'custom', path: ['filter'], message: 'expected a condition, or all: true' });
    const refuse = (key: keyof typeof filter, message: string): void => {
      if (filter[key] !== undefined) ctx.addIssue({ code: 'custom', path: ['filter', key], message });
    };
    if (reroute)
      for (const key of ['state', 'reason', 'settledSince', 'settledUntil'] as const)
        refuse(key, 'not with reroute, which makes new ones');
    else refuse('unrouted', 'only with reroute: these events have no deliveries');
    if (filter.event !== undefined)
      for (const key of [...Object.keys(eventFilter), 'unrouted'] as (keyof typeof filter)[])
        refuse(key, 'not together with event');
  });

const who = z.string().trim().min(1).max(100).optional();

export const erasureBody = z
  .strictObject({
    number: word.optional().meta({
      description: 'A phone number, however it is written, or an address such as sip:ada@example.com.',
    }),
    subject: word.optional().meta({ description: 'Conversation or call id.' }),
    agent: word.optional().meta({ description: 'Id of an agent: everything of it.' }),
    ...period,
    dryRun: z.boolean().default(false).meta({ description: 'Count only; nothing is erased.' }),
    by: who.meta({ description: 'Who erases; the record shows it. Default: the address of the request.' }),
  })
  .refine(({ number, subject, agent }) => [number, subject, agent].some((one) => one !== undefined), {
    message: 'expected a number, a subject or an agent',
  });

export const sessionBody = z.strictObject({
  token: z.string().min(1).max(10_000).meta({ description: 'The value of `server.admin.token`.' }),
});

export const pauseBody = z.strictObject({
  reason: z.string().trim().min(1).max(400).meta({ description: 'Why; the status shows it.' }),
  by: who.meta({ description: 'Who; the status shows it. Default: the address of the request.' }),
});

export const reloadBody = z.strictObject({
  dryRun: z.boolean().default(false).meta({ description: 'Change nothing; return what would change.' }),
  removed: z.enum(['drain', 'keep']).default('drain').meta({
    description:
      'What becomes of the deliveries that wait for a removed destination: they are made, or they wait in the store until it is configured again.',
  }),
});
export type ReloadRequest = z.output<typeof reloadBody>;

export const sampleQuery = z.strictObject({ source: word.optional().meta({ description: 'Name of the source.' }) });

export const sendBody = z.strictObject({
  source: word.meta({ description: 'Name of a source.' }),
  body: json.meta({ description: 'A body as its platform would send it.' }),
  newIds: z.boolean().default(false).meta({
    description: 'Give it other ids before, so that it is another event than the one that it is a copy of.',
  }),
  by: who.meta({ description: 'Who sends it; the log shows it. Default: the address of the request.' }),
});

export const restartBody = z.strictObject({});

export const explainBody = z.union(
  [
    z.strictObject({ event: word.meta({ description: 'Id of an event.' }) }),
    z.strictObject({ subject: word.meta({ description: 'Conversation or call id: its latest 20 events.' }) }),
    z.strictObject({
      source: word.meta({ description: 'Name of a source.' }),
      body: json.meta({ description: 'A body as it would be sent to this source.' }),
    }),
  ],
  { error: 'expected { event }, { subject } or { source, body }' },
);
