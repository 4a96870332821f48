/** Server messages of Vapi: the body is `{ message: { type, timestamp, call, customer, … } }`. */
import {
  type EventDraft,
  eventKey,
  fingerprint,
  fitting,
  type JsonObject,
  sentTimeMs,
  textAt,
  valueAt,
} from '@switchhook/sdk';

/** The message that waits for an assistant. */
export const assistantRequest = 'assistant-request';

/** The types of messages that Vapi documents by name, but for the one that is a call. */
export const messageTypes = [
  'status-update',
  'end-of-call-report',
  'conversation-update',
  'handoff-destination-request',
  'hang',
  'knowledge-base-request',
  'model-output',
  'phone-call-control',
  'speech-update',
  'tool-calls',
  'transfer-destination-request',
  'transfer-update',
  'transcript',
  'user-interrupted',
  'language-change-detected',
  'voice-input',
  'assistant.speechStarted',
  'voice-request',
  'call.endpointing.request',
  'chat.created',
  'chat.deleted',
  'session.created',
  'session.updated',
  'session.deleted',
];

/** A call's report comes once, and it starts and ends once: repeated, it is the same event, whatever its bytes. */
const once = ['end-of-call-report:', 'status-update:in-progress', 'status-update:ended'];

/** Type of a message; null where the body names none. */
export function typeIn(data: JsonObject): string | null {
  return textAt(data, 'message.type', 128);
}

/** Numbers and ids of a message. */
export function partiesIn(data: JsonObject) {
  const at = (path: string, limit: number) => textAt(data, `message.${path}`, limit);
  return {
    id: at('call.id', 512),
    from: at('customer.number', 256) ?? at('call.customer.number', 256),
    to: at('phoneNumber.number', 256) ?? at('call.phoneNumber.number', 256),
    agent: at('call.assistantId', 256) ?? at('assistant.id', 256),
  };
}

/** A message as an event. */
export function draftOf(data: JsonObject, type: string, body: Uint8Array): EventDraft {
  const { id, from, agent } = partiesIn(data);
  const status = textAt(data, 'message.status', 128);
  const subject = id ?? textAt(data, 'message.chat.id', 512);
  // Anything else can come several times for one call: delivering twice is better than losing one.
  const isOnce = id !== null && once.includes(`${type}:${status ?? ''}`);
  const key = fitting(eventKey(type, status, subject, isOnce ? '' : fingerprint(body)), 512);
  return { key, type, subject, agent, party: from, occurredAtMs: sentTimeMs(valueAt(data, 'message.timestamp')), data };
}
