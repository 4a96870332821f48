/** Request schemas of the API: they validate requests and generate OpenAPI. */

import { durationMs } from '@switchhook/sdk/internal';
import { z } from 'zod';

/** More than a page holds is not listed at once. */
export const longestPage = 1_000;
/** Events that one search looks at, unless the request says how many, and at most. */
export const usuallyExamined = 1_000;
const [mostExamined, mostSecrets] = [10_000, 1_000];
/** Characters. A condition is part of the URL. */
const longestCondition = 4_000;

/** A point in time: so long ago, or a date. */
export type Instant = { readonly agoMs: number } | { readonly atMs: number };

/** When it is, in milliseconds since the epoch. */
export function atMs(instant: Instant, nowMs: number): number {
  return 'atMs' in instant ? instant.atMs : nowMs - instant.agoMs;
}

type Timed = { readonly [K in 'since' | 'until' | 'settledSince' | 'settledUntil']?: Instant | undefined };
type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** A query for the store: points in time counted from now, and only what is given. */
export function timed<T extends Timed>({ since, until, settledSince, settledUntil, ...rest }: T, nowMs: number) {
  const msOf = (instant: Instant | undefined) => (instant === undefined ? undefined : atMs(instant, nowMs));
  const all = {
    ...{ ...rest, sinceMs: msOf(since), untilMs: msOf(until) },
    ...{ settledSinceMs: msOf(settledSince), settledUntilMs: msOf(settledUntil) },
  };
  // What is left out is not there, instead of being undefined.
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Given<typeof all>;
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

/** A name or an id. */
export const word = z.string().min(1).max(512);

/** A whole number in a query. */
function number(least: number, most: number) {
  const message = `expected a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,6}$/, message)
    .transform(Number)
    .pipe(z.int().min(least, message).max(most, message));
}

/** Where a delivery stands. */
export const states = ['waiting', 'running', 'delivered', 'dead', 'skipped', 'gathered'] as const;
/** Why a delivery is dead. */
export const reasons = ['rejected', 'exhausted', 'discarded'] as const;

/** The last step that a part of an answer came from; `minimum`: it could not be made, `unanswered`: none matched. */
export const answerSteps = ['fresh', 'cached', 'stale', 'default', 'none', 'minimum', 'unanswered'] as const;

/** Conditions on events. */
export const eventFilter = {
  source: word.optional().meta({ description: 'Name of the source.' }),
  type: word.optional().meta({ description: 'Type of the event, e.g. conversation_ended.' }),
  subject: word.optional().meta({ description: 'Conversation or call id.' }),
  agent: word.optional().meta({ description: 'Id of the agent.' }),
};
/** The other person of an event, or of a call. */
const otherPerson = {
  number: word.optional().meta({ description: "The other person's phone number or address." }),
  party: word.optional().meta({ description: 'Another name of `number`, which is used where both are given.' }),
};

/** A query for the store, which has one name of it. */
export function withParty<T extends { readonly number?: string | undefined; readonly party?: string | undefined }>({
  number,
  party,
  ...rest
}: T) {
  const wanted = number ?? party;
  return { ...rest, ...(wanted !== undefined && { party: wanted }) };
}

/** Conditions on deliveries. */
export const deliveryFilter = {
  reason: z.enum(reasons).optional().meta({ description: 'Why it is dead.' }),
  destination: word.optional().meta({ description: 'Name of the destination.' }),
  route: word.optional().meta({ description: 'Name of the route.' }),
  event: word.optional().meta({ description: 'Id of the event.' }),
};
/** When something was received or made. */
export const period = {
  since: instant('Not before this: so long ago, or a date.').optional(),
  until: instant('Before this: so long ago, or a date.').optional(),
};
/** When something was settled. */
export const settledPeriod = {
  settledSince: instant('Only what was delivered, skipped or died not before this: so long ago, or a date.').optional(),
  settledUntil: instant('Only what was delivered, skipped or died before this: so long ago, or a date.').optional(),
};
/** Which part of a list. */
export const part = {
  limit: number(1, longestPage)
    .default(50)
    .meta({ description: 'At most so many.', type: 'integer', minimum: 1, maximum: longestPage, default: 50 }),
  cursor: word.optional().meta({ description: 'Where the last page ended.' }),
};

/** Whether each event must be looked at, in place of a list along an index. */
export const isSearch = (query: { readonly [K in (typeof searching)[number]]?: unknown }): boolean =>
  searching.some((name) => query[name] !== undefined);
const searching = ['text', 'where', 'secret', 'unevaluated'] as const;

export const eventQuery = z
  .strictObject({
    ...eventFilter,
    ...period,
    ...otherPerson,
    unrouted: z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .optional()
      .meta({ description: 'True: only events that matched no route.' }),
    state: z
      .enum(states)
      .optional()
      .meta({ description: 'Only events with a delivery in this state; discarded ones are dead, too.' }),
    duplicate: z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .optional()
      .meta({ description: 'True: only events that came again since the router started; the last thousand.' }),
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
    secret: number(0, mostSecrets)
      .optional()
      .meta({
        description:
          'Only events that were verified by the secret at this position in the list of their source, from 1; 0 = the source needed none.',
        ...{ type: 'integer', minimum: 0, maximum: mostSecrets },
      }),
    unevaluated: word.optional().meta({
      description:
        'Only events that this route takes by their source and type, and for which its condition cannot be evaluated.',
    }),
    last: number(1, mostExamined)
      .optional()
      .meta({
        description: `With \`text\`, \`where\`, \`secret\` or \`unevaluated\`: how many events that match the other conditions are looked at, from the newest or from the cursor on; default ${usuallyExamined}.`,
        ...{ type: 'integer', minimum: 1, maximum: mostExamined, default: usuallyExamined },
      }),
    ...part,
  })
  .refine(({ last, ...search }) => last === undefined || isSearch(search), {
    path: ['last'],
    message: 'only with text, where, secret or unevaluated, which look at each event',
  });

export const liveQuery = z.strictObject({
  ...eventFilter,
  ...otherPerson,
  destination: word.optional().meta({ description: 'Only attempts of this destination.' }),
  after: word.optional().meta({ description: 'The cursor from which on.' }),
});

export const changeQuery = liveQuery.extend({ limit: part.limit });

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
  step: z.enum(answerSteps).optional().meta({
    description: 'The last step that a part of the answer came from; `unanswered`: no answer matched.',
  }),
  resolver: word.optional().meta({ description: 'Name of a resolver whose facts it needed.' }),
  ...period,
  ...part,
});

const failed = {
  failure: z
    .string()
    .min(1)
    .max(longestCondition)
    .optional()
    .meta({
      description:
        'Only deliveries whose last attempt failed so: a `failure` as a delivery or `GET /api/dead` has it, where ids, long numbers, and a full stop or space around it do not count.',
      examples: ['HTTP 503 Service Unavailable'],
    }),
};

export const deliveryQuery = z.strictObject({
  state: z.enum(states).optional().meta({ description: 'Where it stands.' }),
  ...deliveryFilter,
  ...failed,
  ...period,
  ...settledPeriod,
  ...part,
});

export const incompleteQuery = z.strictObject({ source: eventFilter.source, subject: eventFilter.subject, ...part });

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

export const deadQuery = z.strictObject({ ...deliveryFilter, ...failed, ...period, ...settledPeriod });

export const refusedFilter = z.strictObject({
  source: eventFilter.source,
  agent: word.optional().meta({ description: 'Id of the agent that the request names.' }),
  code: word.optional().meta({ description: 'Code of the refusal, e.g. UNVERIFIED.' }),
  ...period,
});

export const refusedQuery = refusedFilter.extend(part);

/** For requests without a query, or without a body. */
export const nothing = z.strictObject({});

/** Who does something. */
export const who = z.string().trim().min(1).max(100).optional();

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

export const restartBody = z.strictObject({});
