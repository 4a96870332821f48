/** Ids: the one place where they are made. */
import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const randomBytesPerId = 16;
/** Asking the system for randomness costs more than the rest of an id, so it is asked for 256 ids at once. */
const pool = new Uint8Array(256 * randomBytesPerId);
let used = pool.length;

/** A new event id: a UUIDv7, so that ids made later sort later and a store's index grows at its end. */
export function newEventId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += randomBytesPerId;
  return v7({ random: pool.subarray(used - randomBytesPerId, used) });
}

/** Whether a text is an id of an event. */
export function isEventId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** A platform's ids of agents are far shorter. */
const longestAgentId = 256;

/** Why a value cannot be the id of an agent, in a few words; null where it can. The space around it does not count. */
export function agentIdProblem(value: string | number | boolean): string | null {
  if (typeof value === 'boolean') return `it is ${value}, and no id`;
  const id = String(value).trim();
  if (id.length > longestAgentId) return `it is longer than ${longestAgentId} characters, which no id of an agent is`;
  return /[\s\p{Z}\p{Cc}\p{Cf}\p{Cs}]/u.test(id) ? 'an id of an agent has no spaces or control characters in it' : null;
}

/** A new id of a replay. */
export function newReplayId(): string {
  return v7();
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

/** Chance, for the jitter of retries: numbers from 0 to below 1. */
export const chance: () => number = Math.random;
