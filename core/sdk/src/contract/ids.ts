/** Ids and keys as text: those of events, agents and deliveries. */

/**
 * The key of an event, made of several values. Different values never make the same key: `:` and `%` in a value are percent-encoded.
 * Null and `''` are the same.
 */
export function eventKey(...values: readonly (string | null)[]): string {
  return values.map((value) => (value ?? '').replace(/[%:]/g, encodeURIComponent)).join(':');
}

/** Whether a text is an id of an event. */
export function isEventId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** A platform's ids of agents are far shorter. */
const longestAgentId = 256;

/** Why a value cannot be the id of an agent, in a few words; null where it can. The space around it does not count. */
export function agentIdProblem(value: string | number | bigint | boolean): string | null {
  if (typeof value === 'boolean') return `it is ${value}, and no id`;
  const id = String(value).trim();
  if (id.length > longestAgentId) return `it is longer than ${longestAgentId} characters, which no id of an agent is`;
  return /[\s\p{Z}\p{Cc}\p{Cf}\p{Cs}]/u.test(id) ? 'an id of an agent has no spaces or control characters in it' : null;
}

/** Id of an event's delivery: the event's id, a dot, and the delivery's index from 0. Stable, and readable in a log. */
export function deliveryId(eventId: string, index: number): string {
  return `${eventId}.${index}`;
}

/** The parts of a delivery id; null where it is none. */
export function partsOfDeliveryId(id: string): { readonly eventId: string; readonly index: number } | null {
  const match = /^(.+)\.(\d{1,4})$/.exec(id);
  return match?.[1] === undefined || match[2] === undefined ? null : { eventId: match[1], index: Number(match[2]) };
}
