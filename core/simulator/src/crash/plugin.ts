/** The plugin of the crash test: sources that verify their sender, a destination that sends the number of each attempt, and a resolver that often fails. */
import {
  type Answer,
  Clock,
  callEvent,
  type Delivery,
  defineDestination,
  definePlugin,
  defineResolver,
  defineSource,
  HttpClient,
  type HttpReply,
  outcomeOf,
  outcomeOfFailure,
  Random,
  type RawRequest,
  readJsonObject,
  refuse,
  type SignatureScheme,
  secret,
  stringifyJson,
  verifySignature,
  z,
} from '@switchhook/sdk';

/** How its sender signs. */
export const signing: SignatureScheme = {
  header: 'X-Signature',
  algorithm: 'sha256',
  encoding: 'hex',
  prefix: '',
  timestampHeader: null,
  toleranceMs: 0,
  signed: '{body}',
};

/** How long a caller waits for a reply, as with SigmaMind: its documentation of the inbound webhook. */
export const callDeadlineMs = 10_000;
/** The first request of a call, and three more. */
export const callTries = 4;
/** Shares of the look-ups. */
const failing = 0.1;
const hanging = 0.1;

const credentials = z.strictObject({ secret: secret('Secret the sender signs with.') });

const sender = defineSource({
  type: 'crashtest.sender',
  description: 'Takes the events of the crash test.',
  options: credentials,
  create: (options) => ({
    receive: (request) => {
      const data = verifiedData(request, options.secret);
      const { id, type, subject } = data;
      if (typeof id !== 'string' || typeof type !== 'string' || typeof subject !== 'string')
        throw refuse('MALFORMED', 'the body has no id, type and subject');
      const draft = { key: id, type, subject, agent: null, occurredAtMs: null, data, body: request.body };
      return { kind: 'events', events: [draft] };
    },
  }),
});

const phone = defineSource({
  type: 'crashtest.phone',
  description: 'Takes the calls of the crash test.',
  options: credentials,
  calls: true,
  deadlineMs: callDeadlineMs,
  create: (options) => ({
    receive: (request) => {
      const data = verifiedData(request, options.secret);
      if (typeof data.call !== 'string') throw refuse('MALFORMED', 'the body has no call');
      const call = { id: data.call, from: '+15550100001', to: '+15550100002', agent: null, data };
      return {
        kind: 'call',
        event: callEvent('call', call, request),
        call,
        deadlineMs: callDeadlineMs,
        retryMs: callTries * callDeadlineMs,
        reply: replyWith,
        fallback: () => replyWith({ variables: {}, overrideAgent: null }),
      };
    },
    fallback: () => replyWith({ variables: {}, overrideAgent: null }),
  }),
});

function replyWith({ variables }: Answer): HttpReply {
  return { status: 200, body: { ...variables } };
}

function verifiedData(request: RawRequest, expected: string) {
  const verified = verifySignature(signing, [expected], request, request.receivedAtMs);
  if (!verified.verified) throw refuse('UNVERIFIED', verified.reason);
  return readJsonObject(request.body);
}

/** Each look-up finds something else, so that an answer that is made twice is noticed. */
const lookup = defineResolver({
  type: 'crashtest.lookup',
  description: 'Finds a number, fails, or hangs.',
  options: z.strictObject({}),
  inject: { random: Random },
  create: (_options, { random }) => ({
    resolve: (_call, _known, signal) => {
      const draw = random();
      if (draw < failing) return Promise.reject(new Error('the look-up failed, as intended'));
      if (draw < failing + hanging)
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      return Promise.resolve({ found: String(draw) });
    },
  }),
});

const receiver = defineDestination({
  type: 'crashtest.receiver',
  description: 'Posts the deliveries of the crash test.',
  options: z.strictObject({ url: z.url().meta({ description: 'Where the receiver listens.' }) }),
  inject: { http: HttpClient, clock: Clock },
  create: ({ url }, { http, clock }) => ({
    deliver: async (delivery, signal) => {
      const init = { method: 'POST', headers: headersOf(delivery), body: stringifyJson(delivery.event.data), signal };
      try {
        return outcomeOf(await http.fetch(url, init), clock.now());
      } catch (error) {
        return outcomeOfFailure(error);
      }
    },
  }),
});

function headersOf({ id, destination, attempt, event }: Delivery): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/json',
    'x-delivery': id,
    'x-destination': destination,
    'x-event-key': event.key,
    'x-attempt': String(attempt),
  };
}

export default definePlugin({ name: 'crashtest', components: [sender, phone, lookup, receiver] });
