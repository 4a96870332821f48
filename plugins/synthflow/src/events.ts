/** `synthflow.events`: a post-call webhook, the id of whose call is signed, becomes one event, its body kept as it was sent. */
import {
  defineSource,
  fieldReader,
  fieldsOption,
  headerName,
  type JsonObject,
  Log,
  type RawRequest,
  readJsonObject,
  refuse,
  requireSignature,
  type SignatureScheme,
  secretAt,
  secretList,
  signatureHeaders,
  textAt,
  type VerifiedBy,
  valueAt,
  z,
} from '@switchhook/sdk';
import { eventSamples } from './samples.js';

/** Waits for an answer. */
export const inboundCall = 'call_inbound';
/** The body of a post-call webhook has no type. */
export const postCall = 'post_call';

/** HTTP_SYNTHFLOW_SIGNATURE in the documentation is how some servers name the header to their programs. */
const headers = ['Synthflow-Signature', 'HTTP_SYNTHFLOW_SIGNATURE', 'HTTP-Synthflow-Signature'];

/** What is signed is the id of the call, which is given as the body. */
const scheme: Omit<SignatureScheme, 'header'> = {
  algorithm: 'sha256',
  encoding: 'base64',
  prefix: '',
  timestampHeader: null,
  toleranceMs: 0,
  signed: '{body}',
};

/** The component. */
export const events = defineSource({
  type: 'synthflow.events',
  description: "Synthflow's signed post-call webhooks.",
  options: z.strictObject({
    secrets: secretList('The secret key of the workspace (Settings, Security, Webhooks), or a list of keys.'),
    header: headerName.optional().meta({
      description: `Header that carries the signature. Synthflow's documentation calls it HTTP_SYNTHFLOW_SIGNATURE. Default: one of ${headers.join(', ')}, which is an assumption.`,
    }),
    fields: fieldsOption('The body has no type: that of each event is post_call.', {
      type: `default(body.event, "${postCall}")`,
      subject: 'default(body.call.call_id, null)',
      agent: 'default(body.call.model_id, null)',
      party: 'default(body.lead.phone_number, null)',
      occurredAt: 'default(body.call.start_time, null)',
    }).prefault({}),
  }),
  types: [postCall],
  samples: eventSamples,
  inject: { log: Log },
  create({ secrets, header, fields }, { log }) {
    const names = header === undefined ? headers : [header];
    const [first = ''] = names;
    const read = fieldReader(fields, log);
    return {
      receive(request) {
        const data = readJsonObject(request.body);
        if (textAt(data, 'event', 128) === inboundCall)
          throw refuse(
            'MALFORMED',
            `${inboundCall} waits for an answer: it belongs to a source that uses synthflow.call`,
          );
        const verifiedBy = verify(request, data, secrets, names);
        const { type, ...draft } = read(request, data);
        return { kind: 'events', events: [{ ...draft, type: type ?? postCall }], verifiedBy };
      },
      sign(body, nowMs) {
        const signed = { body: Buffer.from(callIdIn(jsonOrNothing(body)) ?? ''), method: 'POST' };
        return { headers: signatureHeaders({ ...scheme, header: first }, secrets[0] ?? '', signed, nowMs), rest: '' };
      },
    };
  },
});

function verify(
  request: RawRequest,
  data: JsonObject,
  secrets: readonly string[],
  names: readonly string[],
): VerifiedBy {
  const [first = ''] = names;
  const header = names.find((name) => request.headers[name.toLowerCase()] !== undefined) ?? first;
  const id = callIdIn(data);
  if (id === null) throw refuse('UNVERIFIED', 'the body has no call.call_id, which is what Synthflow signs');
  return secretAt(requireSignature({ ...scheme, header }, secrets, { ...request, body: Buffer.from(id) }), secrets);
}

function callIdIn(data: JsonObject): string | null {
  const id = valueAt(data, 'call.call_id');
  return typeof id === 'string' && id !== '' ? id : null;
}

function jsonOrNothing(body: Uint8Array): JsonObject {
  try {
    return readJsonObject(body);
  } catch {
    // It has no id that could be signed, and is refused as what it is.
    return {};
  }
}
