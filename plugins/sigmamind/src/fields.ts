/** Where the fields of a body are: by CEL of the configuration, or else as `envelope.ts` finds them. */
import {
  eventKey,
  expression,
  fingerprint,
  type JsonObject,
  type JsonValue,
  type Log,
  parseJson,
  type RawRequest,
  sentTimeMs,
  z,
} from '@switchhook/sdk';
import {
  agentIn,
  type Envelope,
  fitting,
  idIn,
  idOf,
  openEnvelope,
  subjectIn,
  timeIn,
  typeIn,
  typeOf,
} from './envelope.js';

/** The `fields` block. */
export const fieldsOption = z
  .strictObject({
    type: field('Type of the event.'),
    key: field('Identifies an event that is sent more than once. Headers are not signed.'),
    subject: field('Conversation or call id.'),
    agent: field('Id of the agent.'),
    party: field("Phone number of the other party, by which `recent` finds the caller's history. No default."),
    occurredAt: field(
      'Time of the event: ISO 8601, RFC 1123, or seconds or milliseconds since the epoch. UTC if it names no zone.',
    ),
  })
  .meta({
    description:
      'Where the fields of a body are, in CEL over body and headers. SigmaMind does not publish this: the defaults are the names it uses in other places, in several spellings and nestings.',
  });

/** Characters of an agent's id. */
const longestAgent = 256;

/** The agent that a body names, before it is verified: nothing is logged, null where there is none. */
export function unverifiedAgent(
  { agent: chosen }: z.output<typeof fieldsOption>,
  { body, headers }: RawRequest,
): string | null {
  try {
    const data = parseJson(Buffer.from(body).toString()) as JsonObject;
    const found =
      chosen === undefined ? agentIn(openEnvelope(data, body)) : idOf(chosen.evaluate({ body: data, headers }));
    return fitting(found, longestAgent);
  } catch {
    // It is no JSON object, or the expression has no value for it.
    return null;
  }
}

/** Makes a reader of bodies. An expression without a value is a warning the first time, and at debug level from then on. */
export function fieldReader(fields: z.output<typeof fieldsOption>, log: Log) {
  const warned = new Set<string>();
  return (envelope: Envelope, headers: RawRequest['headers']) => {
    const scope = { body: envelope.layers[0]?.[1], headers };
    const read = <T>(name: keyof typeof fields, as: (value: JsonValue) => T | null, found: T | null): T | null => {
      const chosen = fields[name];
      if (chosen === undefined) return found;
      try {
        return as(chosen.evaluate(scope));
      } catch (error) {
        log[warned.has(name) ? 'debug' : 'warn']('field.missed', { field: `fields.${name}`, error });
        warned.add(name);
        return null;
      }
    };
    const id = (value: JsonValue) => idOf(value);
    const type = fitting(read('type', typeOf, typeIn(envelope)), 128);
    const subject = fitting(read('subject', id, subjectIn(envelope)), 512);
    const agent = fitting(read('agent', id, agentIn(envelope)), longestAgent);
    // Nothing is assumed: of a call that the agent made, the caller's number is one's own.
    const party = fitting(read('party', id, null), 256);
    const key = fitting(read('key', id, null) ?? keyIn(envelope, type, subject), 512);
    return { type, subject, agent, party, key, occurredAtMs: read('occurredAt', timeOf, timeIn(envelope, type)) };
  };
}

function timeOf(value: JsonValue): number | null {
  const ms = sentTimeMs(value);
  if (ms === null && value !== null && value !== '') throw new Error('the value is no time that can be read');
  return ms;
}

/**
 * No event id is documented; if there is one, its type goes with it, in case it is the conversation's. A repeated delivery
 * is taken to have the same bytes. A second analysis has others: delivering twice is better than losing one.
 */
function keyIn(envelope: Envelope, type: string | null, subject: string | null): string {
  const id = idIn(envelope, 'event');
  return id === null ? eventKey(type, subject, fingerprint(envelope.bytes)) : eventKey(type, id);
}

/** CEL, with or without `${{ }}` around it. Blanks take the place of the marks, so that the position of a mistake stays true. */
function field(description: string) {
  const bare = (value: unknown) =>
    typeof value === 'string' ? value.replace(/^(\s*)\$\{\{(.*)\}\}\s*$/s, '$1   $2') : value;
  return z.preprocess(bare, expression(description, ['body', 'headers'])).optional();
}
