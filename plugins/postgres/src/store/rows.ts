/** Maps between the records of the contract and the rows of the tables. */
import { createHash } from 'node:crypto';
import {
  type Attempt,
  type DeadGroup,
  type DeliveryRecord,
  type DeliveryState,
  deliveryId,
  type EndReason,
  type EventRecord,
  partsOfDeliveryId,
} from '@switchhook/sdk';
import { gatheredFrom } from './gatherings.js';

/** Most deliveries of one event, as the contract allows. */
export const maxDeliveries = 1_000;

export const stateCodes = {
  waiting: 0,
  running: 1,
  delivered: 3,
  skipped: 4,
  dead: 5,
  gathered: 6,
} as const satisfies Readonly<Record<DeliveryState, number>>;

export interface EventRow {
  readonly seq: number;
  readonly id: string;
  readonly source: string;
  readonly key: string;
  readonly type: string;
  readonly subject: string | null;
  readonly agent: string | null;
  readonly party: string | null;
  readonly occurred_at: number;
  readonly received_at: number;
  readonly body: Buffer;
  readonly trace: string | null;
  readonly verified: string | null;
}

export interface DeliveryRow {
  readonly seq: number;
  readonly idx: number;
  /** These three are of the event. */
  readonly id: string;
  readonly type: string;
  readonly subject: string | null;
  readonly route: string;
  readonly destination: string;
  readonly transforms: string | null;
  readonly state: number;
  readonly reason: EndReason | null;
  readonly attempts: number;
  /** With those before a replay. */
  readonly tries: number;
  readonly due_at: number | null;
  readonly created_at: number;
  readonly settled_at: number | null;
  /** Of the last attempt. */
  readonly failure: string | null;
  /** See `gatheredOf`. */
  readonly gathered: string | null;
}

/** A group of what is dead, with the number of its latest; and of all groups how many deliveries these are, and the place of the last: `{1,2,3}`. */
export interface DeadGroupRow extends Pick<DeadGroup, 'destination' | 'reason' | 'failure' | 'count'> {
  readonly first: number;
  readonly last: number;
  readonly id: string;
  readonly idx: number;
  readonly looked: number;
  readonly place: string;
}

export interface AttemptRow {
  readonly number: number;
  readonly started_at: number;
  readonly duration: number;
  readonly outcome: Attempt['outcome'];
  readonly reason: string | null;
  readonly response: string | null;
}

export function eventRecord(row: Omit<EventRow, 'seq'>): EventRecord {
  const { id, key, source, type, subject, agent, party, body, trace, verified } = row;
  const [occurredAtMs, receivedAtMs] = [row.occurred_at, row.received_at];
  const proof = verified === null ? {} : { verified };
  return { id, key, source, type, subject, agent, party, occurredAtMs, receivedAtMs, body, trace, ...proof };
}

export function deliveryRecord(row: DeliveryRow): DeliveryRecord {
  const { id: eventId, route, destination, reason, attempts } = row;
  return {
    id: deliveryId(eventId, row.idx),
    eventId,
    type: row.type,
    subject: row.subject,
    route,
    destination,
    transforms: transformsOf(row.transforms),
    state: stateOf(row.state),
    reason,
    attempts,
    attemptsInAll: row.tries,
    dueMs: row.due_at,
    createdAtMs: row.created_at,
    settledAtMs: row.settled_at,
    failure: row.failure,
    ...gatheredFrom(row.gathered),
  };
}

export function attemptOf({
  number,
  started_at: startedAtMs,
  duration,
  outcome,
  reason,
  response,
}: AttemptRow): Attempt {
  return { number, startedAtMs, durationMs: duration, outcome, reason, response };
}

export function deadGroupOf({ first, last, id, idx, looked: _, place: __, ...group }: DeadGroupRow): DeadGroup {
  return { ...group, firstMs: first, lastMs: last, latest: deliveryId(id, idx) };
}

export function transformsOf(text: string | null): readonly string[] {
  return text === null ? [] : JSON.parse(text);
}

export function textOf(transforms: readonly string[]): string | null {
  return transforms.length === 0 ? null : JSON.stringify(transforms);
}

/** The parts of a delivery id; null where it is none. */
export function partsOf(id: string): { readonly eventId: string; readonly index: number } | null {
  const parts = partsOfDeliveryId(id);
  return parts !== null && isEventId(parts.eventId) ? parts : null;
}

/** Whether a text is an id as the router makes them, so that the server can read it. */
export function isEventId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

/** 128 bits of a digest, as a UUID: identifies texts of any length and content in 16 bytes. */
export function digestOf(...texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text).update('\0');
  return hash.digest('hex').slice(0, 32);
}

/** The line of a subject; null where it has none. */
export function lineOf(subject: string | null): string | null {
  return subject === null ? null : digestOf(subject);
}

/** PostgreSQL cannot store U+0000. */
export function storable(text: string): string;
export function storable(text: string | null): string | null;
export function storable(text: string | null): string | null {
  return text?.includes('\0') === true ? text.replaceAll('\0', '\uFFFD') : text;
}

/** Columns hold whole milliseconds; a computed time with a fraction would be refused on every retry. */
export function whole(ms: number): number {
  return Math.ceil(ms);
}

function stateOf(code: number): DeliveryState {
  const found = Object.entries(stateCodes).find(([, known]) => known === code);
  if (found === undefined) throw new Error(`the database holds a delivery in the unknown state ${code}`);
  return found[0] as DeliveryState;
}
