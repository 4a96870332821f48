/** The statements of a snapshot, which sees the file as it is when its transaction begins. */
import type { Attempt, StoredKey, StoredText } from '@switchhook/sdk';
import { type DeliveryRow, type EventRow, preparer } from './sql.js';
import type { Database } from './sql-connection.js';
import { columns } from './sql-lists.js';

/** Takes no lock that another connection waits for. Only the first read decides what it sees. */
export const beginSnapshot = 'begin';

/** How much there is, and when its events were received. */
export interface ContentRow {
  readonly events: number;
  readonly deliveries: number;
  readonly attempts: number;
  readonly texts: number;
  readonly keys: number;
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
}

export function snapshotStatements(db: Database) {
  const statement = preparer(db);
  const isKept = '(expires_at is null or expires_at > ?)';
  return {
    content: statement<[number], ContentRow>(
      `select (select count(*) from events) as events, (select count(*) from deliveries) as deliveries,
        (select count(*) from attempts) as attempts, (select count(*) from state where ${isKept}) as texts,
        (select count(*) from erased) as keys,
        (select min(received_at) from events) as oldestMs, (select max(received_at) from events) as newestMs`,
    ),
    events: statement<[number, number], EventRow>('select * from events where seq > ? order by seq limit ?'),
    deliveries: statement<[number, number], DeliveryRow>(
      `select ${columns} from deliveries d cross join events e on e.seq = d.id >> 10
      where d.id >= ? * 1024 and d.id < (? + 1) * 1024 order by d.id`,
    ),
    attempts: statement<[number, number], Attempt & { readonly delivery: number }>(
      `select delivery, number, started_at as startedAtMs, duration as durationMs, outcome, reason, response
      from attempts where delivery >= ? * 1024 and delivery < (? + 1) * 1024 order by delivery, number`,
    ),
    keys: statement<[string | null, string | null, number], StoredKey>(
      `select digest, id as eventId, coalesce(received_at, until) / 86400000 * 86400000 as dayMs,
        iif(received_at is null, until, null) as untilMs from erased
      where (? is null or digest > ?) order by digest limit ?`,
    ),
    texts: statement<[string | null, string | null, number, number], StoredText>(
      `select key, value, expires_at as expiresAtMs from state
      where (? is null or key > ?) and ${isKept} order by key limit ?`,
    ),
  };
}
