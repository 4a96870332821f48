/** The statements of a snapshot: one transaction holds it, and each page is read in a transaction of its own, which shares it. */
import { literal, quoted } from '../sql.js';
import { gatheredOf } from './sql-gatherings.js';
import { type Statement, transaction } from './sql-schema.js';

/** How much there is, and when its events were received. Keys: of all events, removed ones included. */
export interface ContentRow {
  readonly events: number;
  readonly deliveries: number;
  readonly attempts: number;
  readonly texts: number;
  readonly keys: number;
  readonly oldest: number | null;
  readonly newest: number | null;
}

const begin = 'begin isolation level repeatable read read only';

/** Whether a day may be removed: not while a snapshot may still read it, which would not find its tables. */
export function noSnapshot(schemaName: string): Statement {
  return {
    name: 'no_snapshot',
    text: `select pg_try_advisory_xact_lock(${lockOf(schemaName)}) as found`,
  };
}

function lockOf(schemaName: string): string {
  return `hashtextextended(${literal(`switchhook.snapshot.${schemaName}`)}, 0)`;
}

export function snapshotStatements(schemaName: string) {
  const s = quoted(schemaName);
  const statement = (name: string, text: string): Statement => ({ name, text });
  const isKept = (now: string): string => `(expires_at is null or expires_at > ${now})`;
  const range = 'seq >= $1 and seq <= $2 order by seq, idx';
  /** With what they are part of: joined to the rows of the page alone. */
  const page = (name: string, columns: string, table: string) =>
    statement(
      name,
      `with page as materialized (select ${columns} from ${s}.${table} where seq >= $1 and seq <= $2)
      select page.*, w.gathered from page ${gatheredOf(schemaName, 'page')} order by seq, idx`,
    );
  return {
    /** Held for as long as the pages are read, however slowly. It locks no table: a new day can begin meanwhile. */
    begin: statement(
      'snapshot_begin',
      `${begin}; set local idle_in_transaction_session_timeout = 0; set local statement_timeout = 0;
      select pg_advisory_xact_lock_shared(${lockOf(schemaName)})`,
    ),
    export: statement('snapshot_export', 'select pg_export_snapshot() as id'),
    share: (id: string): Statement =>
      statement('snapshot_share', `${begin}; set transaction snapshot ${literal(id)}; set local statement_timeout = 0`),
    end: statement('snapshot_end', transaction.commit),
    /** Reads whole tables, which is faster than through an index. */
    wholeTables: statement('snapshot_tables', 'set local enable_seqscan = on'),
    content: statement(
      'snapshot_content',
      `select (select count(*) from ${s}.events) as events,
        (select count(*) from ${s}.deliveries) + (select count(*) from ${s}.settled) as deliveries,
        (select count(*) from ${s}.attempts) as attempts, (select count(*) from ${s}.seen) as keys,
        (select count(*) from ${s}.state where ${isKept('$1')}) as texts,
        (select min(received_at) from ${s}.events) as oldest, (select max(received_at) from ${s}.events) as newest`,
    ),
    /** At most $2, and those whose bodies begin within the first $3 bytes. */
    events: statement(
      'snapshot_events',
      `with page as materialized (select seq, octet_length(body) as size from ${s}.events where seq > $1 order by seq limit $2),
      sized as (select seq, sum(size) over (order by seq) - size as before from page)
      select e.seq, e.id, e.source, e.key, e.type, e.subject, e.agent, e.party, e.occurred_at, e.received_at, e.trace, e.verified, e.body
      from sized i cross join lateral (select * from ${s}.events where seq = i.seq offset 0) e where before < $3 order by e.seq`,
    ),
    open: page(
      'snapshot_open',
      'seq, idx, route, destination, transforms, state, null as reason, attempts, tries, due_at, created_at, null::bigint as settled_at',
      'deliveries',
    ),
    settled: page(
      'snapshot_settled',
      'seq, idx, route, destination, transforms, state, reason, attempts, tries, null::bigint as due_at, created_at, settled_at',
      'settled',
    ),
    attempts: statement(
      'snapshot_attempts',
      `select seq, idx, number, started_at, duration, outcome, reason, response from ${s}.attempts where ${range}, number`,
    ),
    texts: statement(
      'snapshot_texts',
      `select key, value, expires_at from ${s}.state where key collate "C" >= coalesce($1::text, '') and key is distinct from $1 and ${isKept('$2')}
      order by key collate "C" limit $3`,
    ),
    /** Of all events, and whether the event is removed. */
    keys: statement(
      'snapshot_keys',
      `select n.digest, n.id, n.seq, n.erased_until, e.seq is null as removed
      from (select * from ${s}.seen where seq > $1 order by seq limit $2) n
      left join lateral (select seq from ${s}.events where seq = n.seq offset 0) e on true
      order by n.seq`,
    ),
  };
}
