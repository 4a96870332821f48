/** Keeps events of another store as they are: each in the partition of the day on which it was received, so that retention finds it. */
import type { StoredDelivery, StoredEvent, StoredKey, StoredOthers } from '@switchhook/sdk';
import { DatabaseFailure } from '../failure.js';
import type { Connection, Database } from './database.js';
import type { Days } from './days.js';
import { gatheringValues } from './gatherings.js';
import { digestOf, lineOf, stateCodes, storable, textOf } from './rows.js';
import { gatheringStatements } from './sql-gatherings.js';
import { restoreStatements } from './sql-restore.js';
import { perDay } from './sql-schema.js';
import { eventValues, verifiedValues } from './write-values.js';

type Statements = ReturnType<typeof restoreStatements>;

/** A delivery with its event. */
interface Row extends StoredDelivery {
  readonly event: StoredEvent['event'];
  readonly index: number;
}

/** All in one transaction. */
export async function restore(
  { database, days, schema }: { readonly database: Database; readonly days: Days; readonly schema: string },
  all: readonly StoredEvent[],
  others: StoredOthers,
): Promise<void> {
  const sql = restoreStatements(schema);
  const erased = await database.run<{ id: string }>(sql.erased, [all.map(({ event }) => event.id)]);
  const events = all.filter(({ event }) => !erased.some(({ id }) => id === event.id));
  const ofDays = new Map<number, StoredEvent[]>();
  for (const one of events) {
    const day = days.numberOf(one.event.receivedAtMs);
    ofDays.set(day, [...(ofDays.get(day) ?? []), one]);
  }
  await days.make([...ofDays.keys()]);
  await database.transaction(async (connection) => {
    for (const [day, ofDay] of ofDays) await keepEvents(connection, sql, ofDay, day === days.today ? null : day);
    await keepDeliveries(connection, schema, events);
    await keepOthers(connection, sql, others);
  });
}

/** Removes everything but these. */
export async function clear(database: Database, schema: string, keep: StoredOthers = {}): Promise<void> {
  const sql = restoreStatements(schema);
  await database.transaction(async (connection) => {
    await connection.run(sql.removeAll);
    await keepOthers(connection, sql, keep);
  });
}

async function keepOthers(connection: Connection, sql: Statements, { texts = [], keys = [] }: StoredOthers) {
  await connection.run(sql.texts, [
    texts.map(({ key }) => storable(key)),
    texts.map(({ value }) => storable(value)),
    texts.map(({ expiresAtMs }) => expiresAtMs),
  ]);
  await keepKeys(connection, sql, keys);
}

/** By day, so that they are dropped with the others of it. */
async function keepKeys(connection: Connection, sql: Statements, keys: readonly StoredKey[]): Promise<void> {
  for (const dayStartMs of new Set(keys.map(({ dayMs }) => dayMs))) {
    const ofDay = keys.filter(({ dayMs }) => dayMs === dayStartMs);
    const from = Math.floor(dayStartMs / 86_400_000) * perDay;
    await connection.run(sql.removedKeys, [
      ofDay.map(({ digest }) => digest),
      ofDay.map(({ eventId }) => eventId),
      ofDay.map(({ untilMs }) => untilMs),
      ...[from + perDay / 2, from + perDay],
    ]);
  }
}

/** Keeps those that are not kept yet. `day`: null = today. */
async function keepEvents(connection: Connection, sql: Statements, events: readonly StoredEvent[], day: number | null) {
  const digests = events.map(({ event }) => digestOf(event.source, event.key));
  const rows = await connection.run<{ digest: string; id: string }>(sql.known, [digests]);
  const known = new Map(rows.map(({ digest, id }) => [digest.replaceAll('-', ''), id]));
  for (const [index, { event }] of events.entries())
    if ((known.get(digests[index] ?? '') ?? event.id) !== event.id)
      throw new DatabaseFailure('data', `another event has the source and key of event ${event.id}`);
  const added = events.filter((_, index) => !known.has(digests[index] ?? ''));
  if (added.length === 0) return;
  const numbers = await numbersFor(connection, sql, added.length, day);
  const ids = added.map(({ event }) => event.id);
  const ofAdded = digests.filter((digest) => !known.has(digest));
  await connection.run(sql.keys, [ofAdded, ids, numbers]);
  await connection.run(sql.events, [
    ...[numbers, ids],
    ...eventValues(added.map(({ event, deliveries }) => ({ event, isRouted: deliveries.length > 0 }))),
    verifiedValues(added),
  ]);
}

async function numbersFor(connection: Connection, sql: Statements, count: number, day: number | null) {
  if (day === null) return (await connection.run<{ seq: number }>(sql.numbers, [count])).map(({ seq }) => seq);
  const [last] = await connection.run<{ seq: number | null }>(sql.lastOf, [day * perDay, (day + 1) * perDay]);
  const first = last?.seq == null ? day * perDay : last.seq + 1;
  return Array.from({ length: count }, (_, index) => first + index);
}

async function keepDeliveries(connection: Connection, schema: string, events: readonly StoredEvent[]): Promise<void> {
  const sql = restoreStatements(schema);
  const rows = events.flatMap(({ event, deliveries }): Row[] =>
    deliveries.map((delivery, index) => ({ ...delivery, event, index })),
  );
  const routed = events.filter(({ deliveries }) => deliveries.length > 0);
  await connection.run(sql.clear, [events.map(({ event }) => event.id), routed.map(({ event }) => event.id)]);
  const withoutBody = events.filter(({ event }) => event.body.length === 0);
  if (withoutBody.length > 0) await connection.run(sql.dropBodies, [withoutBody.map(({ event }) => event.id)]);
  const [open, settled] = [rows.filter(isOpen), rows.filter((row) => !isOpen(row))];
  await connection.run(sql.open, [...deliveryValues(open), open.map(({ record }) => record.dueMs)]);
  await connection.run(sql.settled, [
    ...deliveryValues(settled),
    settled.map(({ record }) => record.settledAtMs),
    settled.map(({ record }) => record.reason),
  ]);
  const gathered = rows
    .filter(({ record, event }) => record.gathered && event.subject !== null)
    .map(({ record, event, index }) => ({
      ...{ id: event.id, idx: index, subject: event.subject, bytes: event.body.length },
      delivery: record,
    }));
  await connection.run(gatheringStatements(schema).restore, [
    ...gatheringValues(gathered, ({ delivery }) => delivery.gathered?.ends === true),
    gathered.map(({ delivery }) => delivery.gathered?.by === delivery.id),
  ]);
  const attempts = rows.flatMap((row) =>
    row.attempts.map((attempt) => ({ ...attempt, id: row.event.id, index: row.index })),
  );
  await connection.run(sql.attempts, [
    attempts.map(({ id }) => id),
    attempts.map(({ index }) => index),
    attempts.map(({ number }) => number),
    attempts.map(({ startedAtMs }) => startedAtMs),
    attempts.map(({ durationMs }) => durationMs),
    attempts.map(({ outcome }) => outcome),
    attempts.map(({ reason }) => storable(reason)),
    attempts.map(({ response }) => storable(response)),
  ]);
}

/** Columns that open and settled deliveries have in common. */
function deliveryValues(rows: readonly Row[]): readonly unknown[] {
  return [
    rows.map(({ event }) => event.id),
    rows.map(({ index }) => index),
    rows.map(({ record }) => record.destination),
    rows.map(({ record }) => record.route),
    rows.map(({ record }) => textOf(record.transforms)),
    rows.map(({ event }) => lineOf(event.subject)),
    rows.map(({ record }) => stateCodes[record.state]),
    rows.map(({ record }) => record.attempts),
    rows.map(({ record, attempts }) => Math.max(record.attemptsInAll ?? record.attempts, attempts.at(-1)?.number ?? 0)),
    rows.map(({ record }) => record.createdAtMs),
  ];
}

function isOpen({ record }: Row): boolean {
  return record.state === 'waiting' || record.state === 'running';
}
