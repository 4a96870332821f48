/**
 * Finds the fields of a body. The shape of SigmaMind's event bodies is not public, so the names and nestings
 * its API uses elsewhere are understood, in camelCase and snake_case. All of it is our reading, none of it a fact.
 */
import { idOf, type JsonObject, type JsonValue, sentTimeMs } from '@switchhook/sdk';

/** A body's objects by the key they stand under: itself (`''`), what is nested in it, and what is nested in that. */
export interface Envelope {
  readonly layers: readonly (readonly [name: string, fields: JsonObject])[];
  readonly bytes: Uint8Array;
}

const nestings = ['event', 'data', 'payload', 'conversation', 'call', 'chat', 'campaign'];
/** Where a plain `type` is the event's, and not a call's or a message's. */
const typed = ['', 'event', 'data', 'payload'];
/** Where a plain `id` is the subject's. That of the body itself may as well be the event's. */
const identified = ['conversation', 'call', 'chat', 'data', 'payload'];

const names = {
  type: spelled('event', 'eventType', 'eventName', 'type'),
  id: ['id'],
  event: spelled('eventId'),
  subject: spelled('conversationId', 'callId', 'chatId'),
  agent: spelled('agentId'),
  from: spelled('fromNumber'),
  to: spelled('toNumber'),
} as const;
const anyTime = spelled('timestamp', 'occurredAt', 'eventTime', 'createdAt');
/** The documented types, and what their time may be called. */
const times: Readonly<Record<string, readonly string[]>> = {
  conversation_started: [...spelled('startTime', 'startedAt'), ...anyTime],
  conversation_ended: [...spelled('endTime', 'endedAt'), ...anyTime],
  conversation_analysed: [...spelled('analysedAt', 'analyzedAt'), ...anyTime],
};
/** The types as `typeOf` spells them. */
export const documentedTypes = Object.keys(times);

/** Opens a body; `bytes` are the body as it was sent. */
export function openEnvelope(body: JsonObject, bytes: Uint8Array): Envelope {
  const outer = nestedIn(body, nestings);
  const inner = outer.flatMap(([, fields]) => nestedIn(fields, nestings));
  return { layers: [['', body], ...outer, ...inner], bytes };
}

/** The event's type. */
export function typeIn({ layers }: Envelope): string | null {
  const places = layers.filter(([name]) => typed.includes(name));
  return first(places, names.type, typeOf);
}

/** The first id, or number of a phone, under the names of what is looked for. */
export function idIn({ layers }: Envelope, what: keyof typeof names): string | null {
  return first(layers, names[what], idOf);
}

/** Conversation, call or chat id, in this order, so that all events of a conversation have the same. */
export function subjectIn(envelope: Envelope): string | null {
  const named = idIn(envelope, 'subject');
  if (named !== null) return named;
  const layers = identified.flatMap((place) => envelope.layers.filter(([name]) => name === place));
  return idIn({ ...envelope, layers }, 'id');
}

/** The call's own id: under an unambiguous name, or as that of a nested call. */
export function callIdIn(envelope: Envelope): string | null {
  const layers = envelope.layers.filter(([name]) => name === 'call');
  return idIn(envelope, 'subject') ?? idIn({ ...envelope, layers }, 'id');
}

/** The agent's id. */
export function agentIn(envelope: Envelope): string | null {
  const named = idIn(envelope, 'agent');
  if (named !== null) return named;
  const layers = envelope.layers.flatMap(([, fields]) => nestedIn(fields, ['agent']));
  return idIn({ ...envelope, layers }, 'agent') ?? idIn({ ...envelope, layers }, 'id');
}

/** When it happened, in milliseconds since the epoch. */
export function timeIn({ layers }: Envelope, type: string | null): number | null {
  return first(layers, times[type ?? ''] ?? anyTime, sentTimeMs);
}

/** A documented type in any spelling (`conversation-ended`, `ConversationAnalyzed`) as SigmaMind's guide has it, any other as it came. */
export function typeOf(value: JsonValue | undefined): string | null {
  if (typeof value !== 'string' || value === '') return null;
  if (Object.hasOwn(times, value)) return value;
  const letters = value
    .toLowerCase()
    .replace(/[-_. ]/g, '')
    .replace('analyz', 'analys');
  return documentedTypes.find((type) => type.replace('_', '') === letters) ?? value;
}

/** Whether a type is one of those SigmaMind documents for agent webhooks. */
export function isAgentWebhook(type: string): boolean {
  return Object.hasOwn(times, typeOf(type) ?? '');
}

type Read<T> = (value: JsonValue | undefined) => T | null;

/** An earlier name in a deeper layer goes before a later name further out. */
function first<T>(layers: Envelope['layers'], names: readonly string[], read: Read<T>): T | null {
  for (const name of names)
    for (const [, fields] of layers) {
      const value = read(fields[name]);
      if (value !== null) return value;
    }
  return null;
}

function nestedIn(fields: JsonObject, names: readonly string[]): Envelope['layers'] {
  const found: (readonly [string, JsonObject])[] = [];
  for (const name of names) {
    const inner = fields[name];
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) found.push([name, inner as JsonObject]);
  }
  return found;
}

/** Each name in camelCase and in snake_case. */
function spelled(...names: readonly string[]): readonly string[] {
  return names.flatMap((name) => [name, name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]);
}
