/** What happened since a cursor, in the order of transactions: of several routers, none commits before a place that was read. */
import { type Change, type Changes, refuse } from '@switchhook/sdk';
import type { Database } from './database.js';
import { type AttemptRow, attemptOf, type DeliveryRow, deliveryRecord, type EventRow, eventRecord } from './rows.js';
import type { readStatements } from './sql-reads.js';
import type { Statement } from './sql-schema.js';

interface KeptRow extends EventRow {
  readonly xid: string;
}
interface EndedRow extends KeptRow, Omit<DeliveryRow, 'id' | 'seq'>, Omit<AttemptRow, 'reason'> {
  readonly why: string | null;
}

/** Rows that were counted, and the place of the last one. */
interface CountedRow {
  readonly count: number;
  readonly place: readonly string[];
}

/** Where events end, and where attempts do. */
const cursorPattern = /^(\d{1,20})_(\d{1,16})\.(\d{1,20})_(\d{1,16})_(\d{1,4})_(\d{1,9})$/;

/** See `Store.changes`. */
export async function changesAfter(
  database: Database,
  sql: ReturnType<typeof readStatements>,
  after: string | null,
  { limit, counted }: { readonly limit: number; readonly counted: number },
): Promise<Changes> {
  if (after === null) {
    const [end] = await database.run<{ xid: string }>(sql.changesEnd);
    return { changes: [], cursor: `${end?.xid ?? 0}_0.${end?.xid ?? 0}_0_0_0` };
  }
  const place = cursorPattern.exec(after)?.slice(1);
  if (place === undefined)
    throw refuse('MALFORMED', 'the cursor is not one of the changes: pass the one of the last reply unchanged');
  const kept = await database.run<KeptRow>(sql.eventsAfter, [...place.slice(0, 2), limit]);
  const ended = await database.run<EndedRow>(sql.attemptsAfter, [...place.slice(2), limit]);
  const [lastKept, lastEnded] = [kept.at(-1), ended.at(-1)];
  const events = lastKept === undefined ? place.slice(0, 2) : [lastKept.xid, lastKept.seq];
  const attempts =
    lastEnded === undefined ? place.slice(2) : [lastEnded.xid, lastEnded.seq, lastEnded.idx, lastEnded.number];
  const further = async (statement: Statement, place: readonly unknown[], read: readonly unknown[]) =>
    counted === 0 || read.length < limit ? [] : database.run<CountedRow>(statement, [...place, counted]);
  const [moreEvents] = await further(sql.countedEvents, events, kept);
  const [moreAttempts] = await further(sql.countedAttempts, attempts, ended);
  return {
    changes: [...kept.map((row): Change => ({ kind: 'event', event: eventRecord(row) })), ...ended.map(endOf)],
    more: (moreEvents?.count ?? 0) + (moreAttempts?.count ?? 0),
    cursor: `${(moreEvents?.place ?? events).join('_')}.${(moreAttempts?.place ?? attempts).join('_')}`,
  };
}

function endOf(row: EndedRow): Change {
  const attempt = attemptOf({ ...row, reason: row.why });
  return { kind: 'attempt', event: eventRecord(row), delivery: deliveryRecord(row), attempt };
}
