/** Where the fields of a body are: by CEL of the configuration, or else as `envelope.ts` finds them. */
import {
  type EventFields,
  eventKey,
  type FoundFields,
  fieldsOption,
  fingerprint,
  fitting,
  idOf,
  longestAgent,
  type RawRequest,
  readJsonObject,
} from '@switchhook/sdk';
import { agentIn, type Envelope, idIn, openEnvelope, subjectIn, timeIn, typeIn } from './envelope.js';

/** The `fields` block. */
export const envelopeFields = fieldsOption(
  'SigmaMind does not publish this: the defaults are the names it uses in other places, in several spellings and nestings.',
);

/** The agent that a body names, before it is verified: nothing is logged, null where there is none. */
export function unverifiedAgent(
  { agent: chosen }: EventFields,
  { body, headers }: Pick<RawRequest, 'body' | 'headers'>,
): string | null {
  try {
    const data = readJsonObject(body, { harmful: 'drop' });
    const found =
      chosen === undefined ? agentIn(openEnvelope(data, body)) : idOf(chosen.evaluate({ body: data, headers }));
    return fitting(found, longestAgent);
  } catch {
    // It is no JSON object, or the expression has no value for it.
    return null;
  }
}

/** The fields of an envelope. */
export function foundIn(envelope: Envelope): FoundFields {
  return {
    type: typeIn(envelope),
    subject: subjectIn(envelope),
    agent: agentIn(envelope),
    key: (type, subject) => keyIn(envelope, type, subject),
    occurredAtMs: (type) => timeIn(envelope, type),
  };
}

/**
 * No event id is documented; if there is one, its type goes with it, in case it is the conversation's. A repeated delivery
 * is taken to have the same bytes. A second analysis has others: delivering twice is better than losing one.
 */
function keyIn(envelope: Envelope, type: string | null, subject: string | null): string {
  const id = idIn(envelope, 'event');
  return id === null ? eventKey(type, subject, fingerprint(envelope.bytes)) : eventKey(type, id);
}
