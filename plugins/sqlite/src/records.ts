/** Maps rows to the records of the contract. */
import type { DeliveryRecord, EventRecord, Gathered } from '@switchhook/sdk';
import type { DeliveryRow, EventRow } from './sql.js';
import { stateOf } from './state-codes.js';

/** Most deliveries of one event, as the contract allows. */
export const maxDeliveries = 1_000;

/** A delivery's number is its event's number times this, plus its index. */
export const deliveriesPerEvent = 1_024;

export function eventRecord(row: EventRow): EventRecord {
  const { id, key, source, type, subject, agent, party, body, trace, verified } = row;
  const [occurredAtMs, receivedAtMs] = [row.occurred_at, row.received_at];
  const proof = verified === null ? {} : { verified };
  return { id, key, source, type, subject, agent, party, occurredAtMs, receivedAtMs, body, trace, ...proof };
}

export function deliveryRecord(row: DeliveryRow): DeliveryRecord {
  return {
    id: idOf(row.event_id, row.id),
    eventId: row.event_id,
    type: row.type,
    subject: row.subject,
    route: row.route,
    destination: row.destination,
    transforms: transformsOf(row.transforms),
    state: stateOf(row.state),
    reason: row.reason,
    attempts: row.attempts,
    attemptsInAll: row.tries,
    dueMs: row.due_at,
    createdAtMs: row.created_at,
    settledAtMs: row.settled_at,
    failure: row.failure,
    ...gatheredOf(row.gathered),
  };
}

/**
 * A delivery's id from its event's id and its number, as `deliveryId` of the sdk makes it. Importing the sdk here would add a
 * quarter of a second to each start of the store's thread (zod).
 */
export function idOf(eventId: string, number: number): string {
  return `${eventId}.${number % deliveriesPerEvent}`;
}

/** From the text of `gatheredColumn`. */
function gatheredOf(text: string | null): { readonly gathered?: Gathered } {
  if (text === null) return {};
  const [by = '', events, ends] = text.split(' ');
  return { gathered: { by, events: Number(events), ends: ends === '1' } };
}

/** The parts of a delivery id; those of no delivery where it is none. */
export function partsOf(id: string): { readonly eventId: string; readonly index: number } {
  const dot = id.lastIndexOf('.');
  const digits = id.slice(dot + 1);
  const isOne = dot > 0 && /^\d{1,4}$/.test(digits) && Number(digits) < deliveriesPerEvent;
  return isOne ? { eventId: id.slice(0, dot), index: Number(digits) } : { eventId: '', index: 0 };
}

export function transformsOf(text: string | null): readonly string[] {
  return text === null ? [] : JSON.parse(text);
}

export function textOf(transforms: readonly string[]): string | null {
  return transforms.length === 0 ? null : JSON.stringify(transforms);
}
