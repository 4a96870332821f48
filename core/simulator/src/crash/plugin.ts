/** The plugin of the crash test: a source that verifies its sender, and a destination that sends the number of each attempt. */
import {
  Clock,
  type Delivery,
  defineDestination,
  definePlugin,
  defineSource,
  HttpClient,
  outcomeOf,
  outcomeOfFailure,
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

const sender = defineSource({
  type: 'crashtest.sender',
  description: 'Takes the events of the crash test.',
  options: z.strictObject({ secret: secret('Secret the sender signs with.') }),
  create: (options) => ({
    receive: (request) => {
      const verified = verifySignature(signing, [options.secret], request, request.receivedAtMs);
      if (!verified.verified) throw refuse('UNVERIFIED', verified.reason);
      const data = readJsonObject(request.body);
      const { id, type, subject } = data;
      if (typeof id !== 'string' || typeof type !== 'string' || typeof subject !== 'string')
        throw refuse('MALFORMED', 'the body has no id, type and subject');
      const draft = { key: id, type, subject, agent: null, occurredAtMs: null, data, body: request.body };
      return { kind: 'events', events: [draft] };
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

export default definePlugin({ name: 'crashtest', components: [sender, receiver] });
