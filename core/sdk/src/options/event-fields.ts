/** The `fields` block of sources: which values of a body are the type, the key and the other fields of its event. */
import { z } from 'zod';
import type { EventDraft } from '../contract/event.js';
import type { Expression } from '../contract/expression.js';
import { eventKey } from '../contract/ids.js';
import type { JsonObject, JsonValue } from '../contract/json.js';
import type { Log } from '../contract/services.js';
import type { RawRequest, Reception } from '../contract/source.js';
import { type Refusal, refuse } from '../errors/refusal.js';
import { fitting, readJsonObject } from '../http/json-body.js';
import { sentTimeMs } from '../http/sent-time.js';
import { fingerprint } from '../http/signature.js';
import { expression } from './templates.js';

const descriptions = {
  type: 'Type of the event.',
  key: 'Identifies an event that is sent more than once. Headers are not signed.',
  subject: 'Conversation or call id.',
  agent: 'Id of the agent.',
  party: "Phone number of the other party, by which `recent` finds the caller's history.",
  occurredAt:
    'Time of the event: ISO 8601, RFC 1123, or seconds or milliseconds since the epoch. UTC if it names no zone.',
};

/** Names of the fields. */
type FieldName = keyof typeof descriptions;

/** The `fields` block: CEL over `body` and `headers`. `note` ends its description; `defaults` are the expressions of fields that are not configured. */
export function fieldsOption(note: string, defaults: Partial<Record<FieldName, string>> = {}) {
  const field = (name: FieldName) => {
    const bare = z.preprocess(withoutMarks, expression(descriptions[name], ['body', 'headers'])).optional();
    const chosen = defaults[name];
    return chosen === undefined ? bare : bare.prefault(chosen).meta({ default: chosen });
  };
  return z
    .strictObject({
      type: field('type'),
      key: field('key'),
      subject: field('subject'),
      agent: field('agent'),
      party: field('party'),
      occurredAt: field('occurredAt'),
    })
    .meta({ description: `Where the fields of a body are, in CEL over body and headers. ${note}`.trim() });
}

/** What `fieldsOption` makes of the block. */
export type EventFields = { readonly [name in FieldName]?: Expression | undefined };

/** Expressions for bodies whose form is not known: names that many senders use. */
export const commonFields = {
  type: 'default(body.type, default(body.event_type, default(body.event, null)))',
  subject: 'default(body.call_id, default(body.conversation_id, null))',
  agent: 'default(body.agent_id, null)',
  occurredAt: 'default(body.timestamp, null)',
} as const;

/** What a source finds in a body by itself, for fields without an expression. `type` and `subject` are what the event gets. */
export interface FoundFields {
  readonly type?: string | null;
  readonly subject?: string | null;
  readonly agent?: string | null;
  /** Also where the expression for the key has no value. Default: type, subject and a fingerprint of the body. */
  key?(type: string | null, subject: string | null): string | null;
  occurredAtMs?(type: string | null): number | null;
}

/**
 * Makes a reader of verified requests: the fields that their event has. An expression without a value is a warning the first time, and at
 * debug level from then on. `typeOf` reads what the expression for the type comes to.
 */
export function fieldReader(fields: EventFields, log: Log, typeOf: (value: JsonValue) => string | null = idOf) {
  const warned = new Set<string>();
  return ({ body, headers }: Pick<RawRequest, 'body' | 'headers'>, data: JsonObject, found: FoundFields = {}) => {
    const read = <T>(name: FieldName, as: (value: JsonValue) => T | null, otherwise: T | null = null): T | null => {
      const chosen = fields[name];
      if (chosen === undefined) return otherwise;
      try {
        return as(chosen.evaluate({ body: data, headers }));
      } catch (error) {
        log[warned.has(name) ? 'debug' : 'warn']('field.missed', { field: `fields.${name}`, error });
        warned.add(name);
        return null;
      }
    };
    const type = fitting(read('type', typeOf, found.type), 128);
    const subject = fitting(read('subject', idOf, found.subject), 512);
    const agent = fitting(read('agent', idOf, found.agent), longestAgent);
    // Nothing is assumed: of a call that the agent made, the caller's number is one's own.
    const party = fitting(read('party', idOf), 256);
    const chosenKey = read('key', idOf) ?? found.key?.(type, subject);
    const key = fitting(chosenKey ?? eventKey(type, subject, fingerprint(body)), 512);
    const occurredAtMs = read('occurredAt', timeOf, found.occurredAtMs?.(type));
    return withBody({ type, subject, agent, party, key, occurredAtMs, data }, body);
  };
}

/** What to throw for a body that has no type where it needs one. `expected`: the field that is read where `fields.type` is not configured. */
export function untypedBody({ type }: EventFields, expected: string): Refusal {
  const isDefault = type === undefined || type.text === `default(body.${expected}, null)`;
  const reason = isDefault
    ? `the field ${expected} of the body, which names the type of the event, is missing or not a text; the option fields.type changes which field is read`
    : `the body has no text for fields.type, which names the type of the event and is ${type.text.trim().replace(/\s+/g, ' ')}`;
  return refuse('MALFORMED', reason);
}

const openingBrace = 0x7b;

/** An event whose data is the body of its request, with the bytes, which then need not be written again. */
export function withBody<T extends Omit<EventDraft, 'type'>>(draft: T, body: Uint8Array): T {
  // What begins otherwise, with a byte order mark for example, need not be what JSON.parse takes.
  return body[0] === openingBrace ? { ...draft, body } : draft;
}

/** Characters of an agent's id. */
export const longestAgent = 256;

/** Makes the reception of verified requests that are one event each. Its type is `webhook` where the body has none. */
export function eventReader(fields: EventFields, log: Log) {
  const read = fieldReader(fields, log);
  return (request: RawRequest, found?: FoundFields): Reception => {
    const draft = read(request, readJsonObject(request.body), found);
    return { kind: 'events', events: [{ ...draft, type: draft.type ?? 'webhook' }] };
  };
}

/** An id as text; null where the value is none. */
export function idOf(value: JsonValue | undefined): string | null {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The value at a path of names such as `call.agent.id` in a body; undefined where there is none. */
export function valueAt(data: JsonObject, path: string): JsonValue | undefined {
  return path.split('.').reduce<JsonValue | undefined>((value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined;
  }, data);
}

/** The id, as `idOf` and `fitting` have it, at a path such as `call.agent.id` in a body; null where there is none. */
export function textAt(data: JsonObject, path: string, limit: number): string | null {
  return fitting(idOf(valueAt(data, path)), limit);
}

function timeOf(value: JsonValue): number | null {
  const ms = sentTimeMs(value);
  if (ms === null && value !== null && value !== '') throw new Error('the value is no time that can be read');
  return ms;
}

/** CEL, with or without `${{ }}` around it. Blanks take the place of the marks, so that the position of a mistake stays true. */
function withoutMarks(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/^(\s*)\$\{\{(.*)\}\}\s*$/s, '$1   $2') : value;
}
