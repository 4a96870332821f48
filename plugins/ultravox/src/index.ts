/** Ultravox for Switchhook: its signed webhooks become events. */
import {
  checkSignature,
  definePlugin,
  defineSource,
  eventKey,
  fieldReader,
  fieldsOption,
  Log,
  readJsonObject,
  requireSignature,
  schemeOf,
  secretAt,
  secretList,
  signatureHeaders,
  signatureOption,
  untypedBody,
  z,
} from '@switchhook/sdk';
import { samples } from './samples.js';

/** Sent once for each call: repeated, it is the same event, whatever its bytes. */
const once = ['call.started', 'call.ended'];

/** As the page on securing webhooks has it. Ultravox may send several signatures, one for each secret of the webhook. */
const documented = {
  header: 'X-Ultravox-Webhook-Signature',
  algorithm: 'sha256',
  encoding: 'hex',
  prefix: '',
  separator: ',',
  timestampHeader: 'X-Ultravox-Webhook-Timestamp',
  tolerance: '5m',
  signed: '{body}{timestamp}',
} as const;

/** The time of each type is a field of the call. */
const times = { 'call.started': 'created', 'call.joined': 'joined', 'call.ended': 'ended' };
const occurredAt = Object.entries(times).reduceRight(
  (otherwise, [type, name]) =>
    `default(body.event, null) == "${type}" ? default(body.call.${name}, null) : ${otherwise}`,
  'null',
);

const options = z.strictObject({
  secrets: secretList('The secret of the webhook, or a list of secrets, of which each is tried, for rotation.'),
  signature: signatureOption('The default is an assumption: no example of a whole request is published.', documented)
    .prefault({})
    .transform(({ tolerance = 300_000, ...settings }) => ({ ...documented, ...settings, tolerance }))
    .superRefine(checkSignature),
  fields: fieldsOption('The names of the fields of the call are assumptions.', {
    type: 'default(body.event, null)',
    subject: 'default(body.call.callId, null)',
    agent: 'default(body.call.agentId, null)',
    occurredAt,
  }).prefault({}),
});

const events = defineSource({
  type: 'ultravox.events',
  description: "Ultravox' signed webhooks: call.started, call.joined, call.ended, call.billed, and others.",
  options,
  types: [...once, 'call.joined', 'call.billed'],
  samples,
  inject: { log: Log },
  create({ secrets, signature, fields }, { log }) {
    const scheme = schemeOf(signature);
    const read = fieldReader(fields, log);
    return {
      receive(request) {
        const verifiedBy = secretAt(requireSignature(scheme, secrets, request), secrets);
        const { type, ...draft } = read(request, readJsonObject(request.body), {
          key: (found, subject) => (once.includes(found ?? '') && subject !== null ? eventKey(found, subject) : null),
        });
        if (type === null) throw untypedBody(fields, 'event');
        return { kind: 'events', events: [{ ...draft, type }], verifiedBy };
      },
      sign: (body, nowMs) => ({
        headers: signatureHeaders(scheme, secrets[0] ?? '', { body, method: 'POST' }, nowMs),
        rest: '',
      }),
    };
  },
});

export default definePlugin({ name: '@switchhook/plugin-ultravox', components: [events] });
