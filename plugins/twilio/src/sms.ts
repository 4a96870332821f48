/** `twilio.sms`: sends a text message for an event, once. */
import {
  Clock,
  ComponentInfo,
  type Delivery,
  type Destination,
  defineDestination,
  deliveryScope,
  HttpClient,
  isOutcomeError,
  isPhoneNumber,
  type JsonApi,
  type JsonObject,
  Ledger,
  type Outcome,
  OutcomeError,
  outcomeOfFailure,
  phoneNormalizer,
  problem,
  rejected,
  rejectOnce,
  State,
  type Step,
  sentTimeMs,
  text,
  z,
} from '@switchhook/sdk';
import { accountOptions, apiOf, checkAccount, pathOf } from './account.js';

/** Longest text, as `MessageListInstanceCreateOptions` of `twilio` describes it. */
const longestBody = 1_600;
/** For how long another delivery with the same `once` waits: longer than an attempt by default. */
const holdMs = 60_000;
/** An assumption: after this time Twilio's list has a message if the request for it has arrived. */
const settledMs = 60_000;
/** By how much the clocks may differ. */
const skewMs = 60_000;
const pageSize = '50';
const mostPages = 20;

const options = z
  .strictObject({
    ...accountOptions,
    from: text(
      'Sender: a number of the account, a short code or an alphanumeric sender. Either this, messagingServiceSid or both.',
    ).optional(),
    messagingServiceSid: z
      .string()
      .regex(/^MG[\da-f]{32}$/i, 'expected the SID of a Messaging Service: MG and 32 digits from 0 to f')
      .optional()
      .meta({ description: 'SID of a Messaging Service (`MG…`), which chooses the sender.' }),
    to: text('Phone number of the recipient.'),
    body: text('Text of the message. It is cut to 1,600 characters.'),
    statusCallback: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        description: 'URL to which Twilio reports what becomes of the message: that of a `twilio.events` source.',
      }),
    once: text('Events for which it comes to the same text are sent once, within 30 days.').prefault('${{ event.id }}'),
    whenUnsure: z.enum(['send', 'skip']).default('send').meta({
      description:
        'What to do if no reply came and the message is not among those that Twilio has sent: `send` it again, or `skip` it.',
    }),
  })
  .superRefine((row, ctx) => {
    checkAccount(row, ctx);
    if (row.from === undefined && row.messagingServiceSid === undefined)
      ctx.addIssue({ ...problem('expected from, messagingServiceSid or both'), path: ['from'] });
  });

type Row = z.output<typeof options>;

export const sms = defineDestination({
  type: 'twilio.sms',
  description: 'Sends a text message through Twilio.',
  options,
  // A US long code sends one segment a second; more are queued for ten hours: https://www.twilio.com/docs/api/errors/30001
  limits: { rateLimit: '1/s', concurrency: 4, timeout: '30s' },
  inject: { http: HttpClient, clock: Clock, state: State, info: ComponentInfo },
  create: (row, services): Destination => {
    const api = apiOf(row, services);
    const ledger = new Ledger(services.state, services.clock);
    const normalized = phoneNormalizer(services.info.country);
    const planned = (delivery: Delivery) => planOf(row, delivery, normalized);
    return {
      deliver: async (delivery, signal) => {
        try {
          const plan = planned(delivery);
          const key = JSON.stringify([services.info.name, plan.once]);
          return await ledger.once(key, { owner: delivery.id, holdMs }, (step) =>
            send({ api, row, plan, delivery, clock: services.clock, signal }, step),
          );
        } catch (error) {
          return outcomeOfFailure(error);
        }
      },
      preview: (delivery) => ({ ...planned(delivery) }),
      probe: (signal) => probe(api, row, signal),
    };
  },
});

/** What an event asks for, filled in. */
interface Plan {
  readonly once: string;
  readonly message: Readonly<Record<string, string>> & { readonly To: string; readonly Body: string };
}

/** Throws an `OutcomeError` where the event has no phone number, no text or no key. */
function planOf(row: Row, delivery: Delivery, normalized: (text: string) => string): Plan {
  const scope = deliveryScope(delivery);
  const required = (name: 'to' | 'body' | 'once' | 'from') => {
    const value = row[name]?.render(scope).trim() ?? '';
    if (value !== '') return value;
    throw rejected(`${name}: it is empty once it is filled in`);
  };
  const to = normalized(row.to.render(scope));
  if (!isPhoneNumber(to)) throw rejected('to: the event has no phone number there');
  return {
    once: required('once'),
    message: {
      To: to,
      ...(row.from !== undefined && { From: required('from') }),
      ...(row.messagingServiceSid !== undefined && { MessagingServiceSid: row.messagingServiceSid }),
      Body: cut(required('body')),
      ...(row.statusCallback !== undefined && { StatusCallback: row.statusCallback }),
    },
  };
}

/** Not by an ellipsis, which is outside of GSM-7 and would double the number of segments. */
function cut(body: string): string {
  if (body.length <= longestBody) return body;
  return `${body.slice(0, longestBody - 3).replace(/[\uD800-\uDBFF]$/, '')}...`;
}

/** One delivery. */
interface Work {
  readonly api: JsonApi;
  readonly row: Row;
  readonly plan: Plan;
  readonly delivery: Delivery;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Each try is a pair of steps: when it began, and the SID of its message; null where there turned out to be none. */
async function send(work: Work, step: Step): Promise<Outcome> {
  const { row, clock, delivery } = work;
  for (let time = 1; ; time += 1) {
    const begunMs = await step(`begun ${time}`, async () => clock.now());
    const sid = await step(`message ${time}`, async (isUnsure) => {
      if (!isUnsure) return await create(work);
      const found = await find(work, begunMs - skewMs);
      const waitMs = begunMs + settledMs - clock.now();
      if (found === null && waitMs > 0) throw unsettled(waitMs);
      return found;
    });
    if (sid !== null) return { kind: 'delivered', response: `message ${sid}` };
    // If an operator replays the delivery, the next try sends the message.
    if (row.whenUnsure === 'skip')
      await rejectOnce(
        step,
        delivery,
        `skipped ${time}`,
        'no reply came, and Twilio has no such message: not sent again, because of whenUnsure',
      );
  }
}

/** The SID of the new message. */
async function create({ api, row, plan: { message }, signal }: Work): Promise<string> {
  const request = { method: 'POST', path: `${pathOf(row)}/Messages.json`, signal } as const;
  const { body } = await api.request({ ...request, body: new URLSearchParams(message) }).catch((error: unknown) => {
    throw isOutcomeError(error) ? anonymous(error, message.To) : error;
  });
  if (typeof body.sid === 'string') return body.sid;
  throw new OutcomeError(
    { kind: 'unavailable', reason: 'POST Messages.json: the reply has no sid' },
    { isUnsure: true },
  );
}

/** The SID of the message where an earlier try has sent it; null where Twilio's list has no message with this text since then. */
async function find({ api, row, plan: { message }, signal }: Work, sinceMs: number): Promise<string | null> {
  const list = `${pathOf(row)}/Messages.json?`;
  let path = `${list}${new URLSearchParams({ To: message.To, PageSize: pageSize })}`;
  for (let page = 1; page <= mostPages; page += 1) {
    const { body } = await api.request({ method: 'GET', path, signal }).catch((error: unknown) => {
      throw isOutcomeError(error) ? anonymous(error, message.To) : error;
    });
    if (!Array.isArray(body.messages))
      throw new OutcomeError({ kind: 'unavailable', reason: 'GET Messages.json: the reply has no messages' });
    const found = body.messages.find((each) => {
      const { body: sent, direction, date_created: created } = Object(each) as JsonObject;
      const isOurs = direction === 'outbound-api' && typeof sent === 'string' && sent.trim() === message.Body;
      return isOurs && (sentTimeMs(created) ?? 0) >= sinceMs;
    });
    if (found !== undefined) return String(Object(found).sid);
    const { next_page_uri: next } = body;
    // Only of this account: the path comes from outside.
    if (typeof next !== 'string' || !next.startsWith(list)) return null;
    path = next;
  }
  return null;
}

async function probe(api: JsonApi, row: Row, signal: AbortSignal): Promise<string> {
  // A key may be restricted to messages.
  if (row.apiKey !== undefined) {
    await api.request({ method: 'GET', path: `${pathOf(row)}/Messages.json`, query: { PageSize: '1' }, signal });
    return `reads the messages of ${row.accountSid}`;
  }
  const { body } = await api.request({ method: 'GET', path: `${pathOf(row)}.json`, signal });
  if (typeof body.status === 'string' && body.status !== 'active') throw new Error(`the account is ${body.status}`);
  return `account ${String(body.friendly_name ?? row.accountSid)}`;
}

/** Twilio repeats the number in its message, and the reason is kept. */
function anonymous({ outcome, isUnsure }: OutcomeError, number: string): OutcomeError {
  const reason = outcome.reason.replaceAll(encodeURIComponent(number), 'to').replaceAll(number, 'to');
  return new OutcomeError({ ...outcome, reason }, { isUnsure });
}

function unsettled(retryAfterMs: number): OutcomeError {
  const reason = 'no reply came, and the list of Twilio does not have the message yet';
  return new OutcomeError({ kind: 'unavailable', reason, retryAfterMs });
}
