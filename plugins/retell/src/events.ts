/** `retell.events`: a signed webhook of a call or chat becomes one event, its body kept as it was sent. */
import {
  defineSource,
  type EventDraft,
  eventKey,
  fingerprint,
  fitting,
  type JsonObject,
  readJsonObject,
  refuse,
  sentTimeMs,
  textAt,
  valueAt,
  withBody,
} from '@switchhook/sdk';
import { eventSamples } from './samples.js';
import { options, verifierOf } from './signature.js';

/** Sent once for each call or chat: repeated, it is the same event, whatever its bytes. */
const once = ['call_started', 'call_ended', 'chat_started', 'chat_ended'];
/** The types that Retell documents. */
export const eventTypes = [
  ...once,
  'call_analyzed',
  'transcript_updated',
  'transfer_started',
  'transfer_bridged',
  'transfer_cancelled',
  'transfer_ended',
  'chat_analyzed',
];

/** The component. */
export const events = defineSource({
  type: 'retell.events',
  description: "Retell's signed webhooks of calls and chats: call_started, call_ended, call_analyzed, and others.",
  options,
  types: eventTypes,
  samples: eventSamples,
  create(credentials) {
    const { verify, sign } = verifierOf(credentials);
    return {
      receive(request) {
        const verifiedBy = verify(request);
        const { body } = request;
        const draft = draftOf(readJsonObject(body), body);
        return { kind: 'events', events: [withBody(draft, body)], verifiedBy };
      },
      sign,
    };
  },
});

function draftOf(data: JsonObject, body: Uint8Array): EventDraft {
  const type = textAt(data, 'event', 128);
  if (type === null) throw refuse('MALFORMED', 'the body has no event, which names its type');
  if (type.endsWith('_inbound'))
    throw refuse('MALFORMED', `${type} waits for an answer: it belongs to a source that uses retell.call`);
  const of = valueAt(data, 'chat.chat_id') === undefined ? 'call' : 'chat';
  const subject = textAt(data, `${of}.${of}_id`, 512);
  // A second analysis, or a longer transcript, has other bytes: delivering twice is better than losing one.
  const isOnce = subject !== null && once.includes(type);
  const key = fitting(eventKey(type, subject, isOnce ? '' : fingerprint(body)), 512);
  return { key, type, subject, agent: textAt(data, `${of}.agent_id`, 256), ...partyAndTime(data, type, of), data };
}

function partyAndTime(data: JsonObject, type: string, of: string): Pick<EventDraft, 'party' | 'occurredAtMs'> {
  const numbers = { inbound: 'from_number', outbound: 'to_number' } as const;
  const direction = valueAt(data, `${of}.direction`);
  const party = direction === 'inbound' || direction === 'outbound' ? numbers[direction] : null;
  const time = type.endsWith('_started') ? 'start_timestamp' : 'end_timestamp';
  const isTimed = once.includes(type);
  return {
    party: party === null ? null : textAt(data, `${of}.${party}`, 256),
    occurredAtMs:
      sentTimeMs(valueAt(data, 'event_timestamp')) ?? (isTimed ? sentTimeMs(valueAt(data, `${of}.${time}`)) : null),
  };
}
