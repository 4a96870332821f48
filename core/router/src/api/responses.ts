/** Response schemas of the API: the server writes them, the command line reads them, and they generate OpenAPI. */
import { z } from 'zod';
import { reasons, states } from './requests.js';

/** Schemas that have a name in the OpenAPI document. */
export const named = z.registry<{ readonly id: string }>();

/** What a schema reads, to be checked with. */
export interface Readable<T> {
  safeParse(value: unknown): { readonly success: boolean; readonly data?: T | undefined };
}

export const time = z.iso.datetime();
export const count = z.int().min(0);
export const json = z.record(z.string(), z.unknown());

export function list<T extends z.ZodType>(item: T) {
  return z.array(item).readonly();
}

export const hold = z
  .object({
    kind: z.enum(['paused', 'breaker-open', 'asked-to-wait']).meta({
      description: 'By an operator; by its circuit breaker; or by a `Retry-After` of the other side.',
    }),
    since: time,
    until: time.nullable().meta({
      description:
        'Of a circuit breaker, when the next probe may start. Null: until it is resumed, or a probe is under way.',
    }),
    by: z.string().nullable().meta({ description: 'Who paused it.' }),
    reason: z.string().nullable().meta({ description: 'Why it is paused.' }),
  })
  .register(named, { id: 'Hold' });
export type Hold = z.output<typeof hold>;

/** Of a delivery that waits, or of a destination that would get one. A router of the version before does not send them. */
export const heldBack = {
  holds: list(hold).default([]).meta({ description: 'Why its destination attempts nothing at present.' }),
  heldBack: z.string().nullable().default(null).meta({
    description:
      'The same in one sentence for people; also where the rate limit is used up, or the destination is not configured any more. Null where nothing holds it back.',
  }),
};

const attempt = z
  .object({
    number: count.meta({ description: 'Counts on over replays; the first is 1.' }),
    startedAt: time,
    durationMs: z.number(),
    outcome: z.enum(['delivered', 'rejected', 'unavailable', 'skipped']),
    reason: z.string().nullable().meta({ description: 'Null when delivered.' }),
    response: z.string().nullable().meta({ description: 'Start of the response, at most 4 KB.' }),
  })
  .register(named, { id: 'Attempt' });

export const delivery = z
  .object({
    id: z.string().meta({ description: 'The idempotency key its destination is given.' }),
    event: z.string().meta({ description: 'Id of the event.' }),
    type: z.string().meta({ description: 'Type of the event.' }),
    subject: z.string().nullable().meta({ description: 'Conversation or call id of the event.' }),
    route: z.string(),
    destination: z.string(),
    transforms: list(z.string()),
    state: z.enum(states),
    reason: z.enum(reasons).nullable().meta({ description: 'Why it is dead.' }),
    attempts: count.meta({ description: 'Since it was made or replayed: the retry schedule counts these.' }),
    // A router of the version before does not send it.
    attemptsInAll: count.nullable().default(null).meta({
      description:
        'Those before a replay included, as `number` of an attempt counts; null where the store does not know.',
    }),
    failure: z
      .string()
      .nullable()
      .meta({ description: 'What its last attempt failed with; null where there was none, or it was a success.' }),
    dueAt: time.nullable().meta({ description: 'Waiting: not tried before. Running: when its lease ends.' }),
    createdAt: time,
    settledAt: time.nullable(),
    gathered: z
      .object({
        by: z.string().meta({ description: 'Id of the delivery that has the events; its own where it is that one.' }),
        events: count.meta({ description: 'How many that one has so far.' }),
      })
      .nullable()
      .meta({ description: 'Of a route with `wait`: which delivery takes the event along.' }),
  })
  .register(named, { id: 'Delivery' });
export type Delivery = z.output<typeof delivery>;

export const deliveryDetails = delivery
  .extend({ history: list(attempt).meta({ description: 'All attempts, oldest first.' }), ...heldBack })
  .register(named, { id: 'DeliveryDetails' });
export type DeliveryDetails = z.output<typeof deliveryDetails>;

export const event = z
  .object({
    id: z.string(),
    key: z.string().meta({ description: 'What makes it the same event when the sender repeats it.' }),
    source: z.string(),
    type: z.string(),
    subject: z.string().nullable().meta({ description: 'Conversation or call id.' }),
    agent: z.string().nullable(),
    occurredAt: time.meta({ description: "By the sender's clock." }),
    receivedAt: time,
  })
  .register(named, { id: 'Event' });
export type Event = z.output<typeof event>;

/** Which secret has verified a request. */
export const verifiedBy = {
  secret: count.meta({ description: 'Position of the secret in the configuration, from 1; 0 = it needs none.' }),
  of: count.meta({ description: 'How many there were.' }),
};

export const wholeEvent = event
  .extend({
    // A router of the version before does not send these two.
    bytes: count
      .nullable()
      .default(null)
      .meta({ description: 'Size of the data as JSON; null after retention has removed them.' }),
    verifiedBy: z.object(verifiedBy).nullable().default(null).meta({
      description: 'The secret of its source that its request had. Null where that is not known.',
    }),
    data: json.nullable().meta({ description: 'The body as it was sent; null after retention has removed it.' }),
  })
  .register(named, { id: 'WholeEvent' });

export const eventDetails = wholeEvent
  .extend({
    // A router of the version before does not send it.
    repeated: z.object({ times: z.int(), lastAt: time }).nullable().default(null).meta({
      description:
        'How often it came again since the router started, and when last; null where it did not, or is not among the last thousand that did.',
    }),
    deliveries: list(deliveryDetails).meta({ description: 'In the order they were made.' }),
  })
  .register(named, { id: 'EventDetails' });

export const eventBody = z
  .object({
    body: z.string().meta({
      description:
        'The data as JSON, as they are kept: digits, order and spaces as they came, unless the source masks some or the router added the answer of a call.',
    }),
  })
  .register(named, { id: 'EventBody' });

export const changePage = z
  .object({
    changes: list(
      z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('event'), event }),
        z.object({ kind: z.literal('attempt'), event, delivery, attempt }),
      ]),
    ).meta({
      description:
        'Events in the order of their commits, then attempts likewise, with their deliveries as they stand now.',
    }),
    hidden: count.meta({ description: 'More that fit, and are not shown because so many came at once.' }),
    cursor: z.string().meta({ description: 'The next `after`.' }),
  })
  .register(named, { id: 'ChangePage' });
export type ChangePage = z.output<typeof changePage>;

export const cursor = z.string().nullable().meta({ description: 'For the next page; null at the end.' });
export const deliveryList = z.object({ deliveries: list(delivery), cursor }).register(named, { id: 'DeliveryList' });
export type DeliveryList = z.output<typeof deliveryList>;

const incomplete = z
  .object({
    source: z.string(),
    conversation: z.string().meta({ description: 'Subject of its events.' }),
    agent: z.string().nullable(),
    after: z.string().meta({ description: 'Type of the event that has arrived.' }),
    event: z.string().meta({ description: 'Its id.' }),
    receivedAt: time.meta({ description: 'When it was received.' }),
    missing: list(z.string()).meta({ description: 'Types of events, one of which should have followed.' }),
    dueAt: time.meta({ description: 'Until when.' }),
  })
  .register(named, { id: 'IncompleteConversation' });
export const incompleteList = z
  .object({
    conversations: list(incomplete).meta({ description: 'The one whose event was received last comes first.' }),
    cursor,
  })
  .register(named, { id: 'IncompleteList' });
export type IncompleteList = z.output<typeof incompleteList>;

const deadGroup = z
  .object({
    destination: z.string(),
    reason: z.enum(reasons).meta({ description: 'Why they are dead.' }),
    failure: z.string().nullable().meta({
      description: 'What their last attempts failed with, without ids; null where none came back.',
    }),
    deliveries: count.meta({ description: 'How many.' }),
    firstAt: time.meta({ description: 'When the first of them died.' }),
    lastAt: time.meta({ description: 'When the last of them died.' }),
    latest: z.string().meta({ description: 'Id of the delivery that died last.' }),
  })
  .register(named, { id: 'DeadGroup' });
export const deadGroupList = z
  .object({
    groups: list(deadGroup).meta({ description: 'The largest first.' }),
    more: z.boolean().meta({
      description:
        'True where not all that fit are counted: the oldest are missing. At least the newest 10,000 are counted.',
    }),
  })
  .register(named, { id: 'DeadGroupList' });

export type DeadGroupList = z.output<typeof deadGroupList>;

const duplicate = z
  .object({
    event: z.string().meta({ description: 'Id of the event that is kept.' }),
    source: z.string(),
    type: z.string(),
    subject: z.string().nullable(),
    times: z.int().meta({ description: 'How often it came again since the router started.' }),
    lastAt: z.string().meta({ description: 'When it came last.' }),
  })
  .register(named, { id: 'Duplicate' });
export const duplicateList = z.object({ duplicates: list(duplicate), cursor }).register(named, { id: 'DuplicateList' });

export const session = z
  .object({
    signedIn: z.boolean(),
    tokenNeeded: z.boolean().meta({
      description: 'False where no token is configured: then the API answers requests from its own machine.',
    }),
    until: time.nullable().meta({ description: 'When the session ends; null without one.' }),
  })
  .register(named, { id: 'Session' });

export const configProblem = z
  .object({
    code: z.string().meta({ description: 'See docs/errors.md.' }),
    file: z.string(),
    line: z.int().meta({ description: 'From 1; 0 where the problem is the file itself.' }),
    column: z.int(),
    path: z.string().meta({ description: 'Where in the configuration, e.g. `routes[0].to`.' }),
    message: z.string(),
    hint: z.string(),
    excerpt: z
      .object({ text: z.string(), column: z.int() })
      .nullable()
      .meta({ description: 'The line, without values that may be secret.' }),
  })
  .register(named, { id: 'ConfigProblem' });
export type ConfigProblem = z.output<typeof configProblem>;

const requestProblem = z.object({
  path: z.string(),
  message: z.string(),
  code: z.string().optional().meta({ description: 'Of a condition that cannot be read: see docs/errors.md.' }),
  position: count.optional().meta({ description: 'Where in the condition: the number of the character, from 1.' }),
});

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ description: 'See docs/errors.md.' }),
    errors: list(requestProblem).meta({ description: 'Each thing that is wrong with the query or the body.' }),
    problems: list(configProblem).optional().meta({
      description: 'Of a reload that was refused: each thing that is wrong with the configuration.',
    }),
  })
  .register(named, { id: 'Problem' });

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
