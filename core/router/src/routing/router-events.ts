/** The router's own events: when each one is made, the fields of its data, and what an operator can do about it. */
import { durationText, type JsonObject } from '@switchhook/sdk';

/** The source of these events, as routes name it in `from`. No row of a configuration has this name. */
export const routerSource = 'router';

/** A field of an event's data, with a value as it could be. */
interface Field<T> {
  readonly description: string;
  readonly example: T;
  /** Set where the value may be null. */
  readonly nullable?: true;
}
type Fields = Readonly<Record<string, Field<unknown>>>;
type Values<F extends Fields> = { readonly [Name in keyof F]: F[Name]['example'] };

const text = (description: string, example: string): Field<string> => ({ description, example });
const textOrNull = (description: string, example: string): Field<string | null> => ({
  description,
  example,
  nullable: true,
});
const list = (description: string, example: readonly string[]): Field<readonly string[]> => ({ description, example });
const number = (description: string, example: number): Field<number> => ({ description, example });

interface Definition<F extends Fields> {
  /** One sentence. */
  readonly when: string;
  /** Beside `what` and `advice`, which every event has. */
  readonly fields: F;
  /** What has happened, for a message to people. */
  what(values: Values<F>): string;
  /** What to do about it. */
  advice(values: Values<F>): string;
}

const define = <const F extends Fields>(definition: Definition<F>): Definition<F> => definition;

const destination = text('Name of the destination.', 'crm');
const failure = textOrNull('Reason of the last failure; null if it is not known.', 'status 503');
const source = text('Name of the source.', 'calls');

/** By type. */
export const routerEvents = {
  'delivery.dead': define({
    when: 'Deliveries to a destination became `dead`, other than by an operator who discards them.',
    fields: {
      destination,
      reason: text('`rejected`, or `exhausted` if all attempts were used.', 'exhausted'),
      deliveries: number('How many, since the last such event of this router about this destination and reason.', 3),
      failure,
      deliveryId: text(
        'The last of them; `erased` if its event was erased meanwhile.',
        '01890a5d-ac96-774b-bcce-b302099a8057.0',
      ),
      eventId: text('Its event; or `erased`.', '01890a5d-ac96-774b-bcce-b302099a8057'),
    },
    what: ({ destination, reason, deliveries, failure }) =>
      `${counted(deliveries, 'delivery', 'deliveries')} to ${destination} became dead (${reason}).${last(failure)}`,
    advice: ({ destination }) =>
      `Fix the cause, then replay or discard them: switchhook dead --destination ${destination}`,
  }),
  'destination.failing': define({
    when: 'At least the share `alerts.destinationFailing.share` of the attempts for a destination has failed within `alerts.window`.',
    fields: {
      destination,
      attempts: number('Attempts in that time.', 12),
      failed: number('Those that failed: `unavailable` or `rejected`.', 9),
      since: text('When this began. ISO 8601, UTC.', '2026-01-01T10:05:00.000Z'),
      failure,
    },
    what: ({ destination, attempts, failed, failure }) =>
      attempts === 0
        ? `${destination} still fails.${last(failure)}`
        : `${failed} of the last ${counted(attempts, 'attempt', 'attempts')} for ${destination} have failed.${last(failure)}`,
    advice: ({ destination }) =>
      `Deliveries are retried. Fix the cause, then probe it: switchhook probe ${destination}`,
  }),
  'destination.recovered': define({
    when: 'A destination that was reported as failing accepts deliveries again.',
    fields: {
      destination,
      since: text('When it began to fail. ISO 8601, UTC.', '2026-01-01T10:05:00.000Z'),
      failedSeconds: number('For how long it has failed.', 1_260),
    },
    what: ({ destination, failedSeconds }) =>
      `${destination} accepts deliveries again, after ${durationText(failedSeconds * 1_000)} of failures.`,
    advice: ({ destination }) =>
      `Look for deliveries that became dead meanwhile: switchhook dead --destination ${destination}`,
  }),
  'queue.behind': define({
    when: 'The oldest delivery that waits for a destination is older than `alerts.queueBehind`.',
    fields: {
      destination,
      oldestSeconds: number('Age of the oldest delivery that waits or is running.', 1_500),
      waiting: number('How many wait or are running.', 42),
      why: textOrNull('`paused`, or `breaker-open`; null if neither is the reason.', 'breaker-open'),
      failure,
    },
    what: ({ destination, oldestSeconds, waiting, why, failure }) =>
      `The oldest of ${counted(waiting, 'delivery', 'deliveries')} that wait for ${destination} is ${durationText(oldestSeconds * 1_000)} old.${
        why === 'paused' ? ' An operator has paused it.' : why === null ? '' : ' Its circuit breaker is open.'
      }${why === 'paused' ? '' : last(failure)}`,
    advice: ({ destination, why }) =>
      why === 'paused'
        ? `Resume it when the reason is gone: switchhook resume ${destination}`
        : 'switchhook status shows what it waits for. Compare its concurrency and rateLimit with what arrives.',
  }),
  'calls.slow': define({
    when: 'At least the share `alerts.callsSlow.share` of the calls of a source was answered later than `alerts.callsSlow.after`.',
    fields: {
      source,
      calls: number('Calls within `alerts.window`.', 20),
      slow: number('Those that were answered late.', 3),
      slowestMs: number('Time until the reply of the slowest one.', 3_100),
    },
    what: ({ source, calls, slow, slowestMs }) =>
      `${slow} of the last ${counted(calls, 'call', 'calls')} at ${source} were answered late, the slowest after ${durationText(slowestMs)}.`,
    advice: () => 'switchhook calls shows which look-up takes the time.',
  }),
  'call.defaulted': define({
    when: 'Calls were answered with defaults because look-ups failed, with values missing, or not at all.',
    fields: {
      source,
      answer: textOrNull('Name of the answer; null if none matched.', 'all-calls'),
      step: text(
        '`default`, `none`, `minimum` or `unanswered`, as in [answers](answers.md); `unsent` if the answer did not reach the platform.',
        'default',
      ),
      calls: number('How many, since the last such event of this router about this source, answer and step.', 2),
      failure: textOrNull(
        'Look-ups of the last of these calls that failed, with their outcomes, or why its answer was not sent.',
        'customer: late',
      ),
    },
    what: ({ source, answer, step, calls, failure }) =>
      `${counted(calls, 'call', 'calls')} at ${source} ${stepTexts[step] ?? `ended with ${step}`}${
        answer === null ? '' : ` (answer ${answer})`
      }.${failure === null ? '' : ` ${sentence(failure)}`}`,
    advice: () => 'switchhook calls shows the steps of each answer.',
  }),
  'source.refusing': define({
    when: 'A source has refused at least `alerts.sourceRefusing` requests with the same code within `alerts.window`, other than because the store failed.',
    fields: {
      source,
      code: text('Code of the refusal, see [errors](errors.md).', 'UNVERIFIED'),
      requests: number('Refused requests in that time.', 14),
      reason: text('Of the last one.', 'no secret of the source fits the signature'),
      remoteAddress: text('Address that sent the last one.', '203.0.113.7'),
    },
    what: ({ source, code, requests, reason }) =>
      `${source} has refused ${counted(requests, 'request', 'requests')} (${code}): ${sentence(reason)}`,
    advice: ({ source, code }) =>
      code === 'UNVERIFIED'
        ? `switchhook refused --group --source ${source} shows whose secret was expected, and whose it was.`
        : `docs/errors.md describes ${code}.`,
  }),
  'store.failing': define({
    when: 'The store could not commit in two checks in a row. This event is stored when it can commit again.',
    fields: storeFields('the database does not respond'),
    what: storeText,
    advice: () => 'Check the database or the disk. Senders were refused and must repeat their events.',
  }),
  'store.full': define({
    when: 'The same, because the disk or the database is full.',
    fields: storeFields('the disk is full'),
    what: storeText,
    advice: () => 'Free disk space, raise maxSize, or shorten the retention.',
  }),
  'conversation.incomplete': define({
    when: 'An event of a conversation did not arrive within the time that `followedBy` of its source sets. One for each conversation.',
    fields: {
      source: text('Name of the source.', 'agents'),
      conversation: text('Its id: the subject of its events, and of this one.', 'call_4711'),
      after: text('Type of the event that has arrived.', 'call_started'),
      missing: list('Types of events, one of which should have followed.', ['call_ended']),
      withinSeconds: number('Within what time.', 7_200),
      since: text('When the event that has arrived was received. ISO 8601, UTC.', '2026-01-01T08:05:00.000Z'),
      eventId: text('Its id.', '01890a5d-ac96-774b-bcce-b302099a8057'),
    },
    what: ({ source, conversation, after, missing, withinSeconds }) =>
      `Conversation ${conversation} at ${source} has no ${missing.join(' or ')} within ${durationText(withinSeconds * 1_000)} of ${after}.`,
    advice: ({ conversation }) =>
      `switchhook explain ${conversation} shows what has arrived. Look for the rest at the platform; switchhook incomplete lists all such conversations.`,
  }),
  'config.reloaded': define({
    when: 'The configuration was reloaded.',
    fields: {
      generation: number('Number of the configuration in use; 1 at the start.', 2),
      reloads: number('How many reloads, since the last such event of this router.', 1),
      added: number('Rows that were added in the last one.', 1),
      changed: number('Rows that were changed.', 2),
      removed: number('Rows that were removed.', 0),
    },
    what: ({ generation, added, changed, removed }) =>
      `The configuration was reloaded (generation ${generation}): ${added} added, ${changed} changed, ${removed} removed.`,
    advice: () => 'Nothing, if the change was intended. The log line config.reloaded has the details.',
  }),
} as const;

export type RouterEventType = keyof typeof routerEvents;

/** The fields of the data of an event of a type, without `what` and `advice`. */
export type RouterEventFields<T extends RouterEventType> = Values<(typeof routerEvents)[T]['fields']>;

export const routerEventTypes = Object.keys(routerEvents) as readonly RouterEventType[];

/** The data of an event. */
export function routerEventData<T extends RouterEventType>(type: T, fields: RouterEventFields<T>): JsonObject {
  // The definition of the type takes its fields; the type of the table does not express that.
  const { what, advice } = routerEvents[type] as unknown as Definition<Fields>;
  return { what: what(fields), advice: advice(fields), ...(fields as JsonObject) };
}

/** The data of an event as it could be. */
export function routerEventExample(type: RouterEventType): JsonObject {
  const examples = Object.entries(routerEvents[type].fields).map(([name, { example }]) => [name, example]);
  return routerEventData(type, Object.fromEntries(examples));
}

const stepTexts: Readonly<Record<string, string>> = {
  default: 'got defaults because look-ups failed',
  none: 'got an answer with values missing',
  minimum: 'got the least that the platform accepts, because the answer could not be made',
  unanswered: 'got no answer, because none matches',
  unsent: 'got no answer, because it did not reach the platform',
};

function storeFields(reason: string) {
  return {
    failure: text('What the store reported.', reason),
    since: text('When it was first noticed. ISO 8601, UTC.', '2026-01-01T10:05:00.000Z'),
    until: textOrNull('When the store could commit again. ISO 8601, UTC.', '2026-01-01T10:12:00.000Z'),
  };
}

function storeText({ failure, since, until }: Values<ReturnType<typeof storeFields>>): string {
  const time = until === null ? `since ${since}` : `from ${since} to ${until}`;
  return `The store could not commit ${time}: ${sentence(failure)}`;
}

function counted(count: number, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`;
}

function last(failure: string | null): string {
  return failure === null ? '' : ` Last failure: ${sentence(failure)}`;
}

function sentence(reason: string): string {
  return /[.!?]$/.test(reason) ? reason : `${reason}.`;
}
