/** `elevenlabs.events`: a signed post-call webhook becomes one event, its body kept as it was sent. */
import {
  defineSource,
  duration,
  type EventDraft,
  eventKey,
  fingerprint,
  fitting,
  type JsonObject,
  readJsonObject,
  refuse,
  requireSignature,
  type SignatureScheme,
  secretAt,
  secretList,
  sentTimeMs,
  signatureHeaders,
  textAt,
  valueAt,
  withBody,
  z,
} from '@switchhook/sdk';
import { eventSamples } from './samples.js';

/** Sent once for each conversation: repeated, it is the same event, whatever its bytes. */
const once = ['post_call_transcription', 'call_initiation_failure'];

/** `t=<seconds>,v0=<digest>`, as `constructEvent` of @elevenlabs/elevenlabs-js 2.73.0 checks it. That accepts times of the future, too. */
const signature = {
  header: 'ElevenLabs-Signature',
  algorithm: 'sha256',
  encoding: 'hex',
  prefix: 'v0=',
  separator: ',',
  timestampHeader: null,
  timestampPrefix: 't=',
  signed: '{timestamp}.{body}',
} as const;

/** The component. */
export const events = defineSource({
  type: 'elevenlabs.events',
  description:
    "ElevenLabs' signed webhooks: post_call_transcription, post_call_audio, call_initiation_failure, and others.",
  options: z.strictObject({
    secrets: secretList('The secret that was shown when the webhook was created, or a list of secrets.'),
    tolerance: duration(
      'Largest difference between the time of signing and the clock of the router, in either direction.',
    ).prefault('30m'),
  }),
  types: [...once, 'post_call_audio'],
  samples: eventSamples,
  create({ secrets, tolerance }) {
    const scheme: SignatureScheme = { ...signature, toleranceMs: tolerance };
    return {
      receive(request) {
        const verifiedBy = secretAt(requireSignature(scheme, secrets, request), secrets);
        const { body } = request;
        const draft = draftOf(readJsonObject(body), body);
        return { kind: 'events', events: [withBody(draft, body)], verifiedBy };
      },
      sign: (body, nowMs) => ({
        headers: signatureHeaders(scheme, secrets[0] ?? '', { body, method: 'POST' }, nowMs),
        rest: '',
      }),
    };
  },
});

function draftOf(data: JsonObject, body: Uint8Array): EventDraft {
  const type = textAt(data, 'type', 128);
  if (type === null) throw refuse('MALFORMED', 'the body has no type');
  const subject = textAt(data, 'data.conversation_id', 512);
  const isOnce = subject !== null && once.includes(type);
  return {
    key: fitting(eventKey(type, subject, isOnce ? '' : fingerprint(body)), 512),
    type,
    subject,
    agent: textAt(data, 'data.agent_id', 256),
    party: textAt(data, 'data.metadata.phone_call.external_number', 256),
    occurredAtMs: sentTimeMs(valueAt(data, 'event_timestamp')),
    data,
  };
}
