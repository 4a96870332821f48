/** The statements of the store, with their parameters and rows. Those of lists are in sql-lists.ts. */
import type { Attempt } from '@switchhook/sdk';
import type { Database, Prepared } from './sql-connection.js';
import { applicationId, tables } from './sql-schema.js';

/** A row of `events`. */
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
  readonly body: Uint8Array;
  readonly trace: string | null;
  readonly verified: string | null;
}

/** A row of `deliveries`, and what it takes from its event. */
export interface DeliveryRow {
  readonly id: number;
  readonly event_id: string;
  readonly type: string;
  readonly subject: string | null;
  readonly route: string;
  readonly destination: string;
  readonly transforms: string | null;
  readonly state: number;
  readonly reason: 'rejected' | 'exhausted' | 'discarded' | null;
  readonly attempts: number;
  /** With those before a replay. */
  readonly tries: number;
  readonly due_at: number | null;
  readonly created_at: number;
  readonly settled_at: number | null;
  /** Of the last attempt. */
  readonly failure: string | null;
  /** See `gatheredColumn`. */
  readonly gathered: string | null;
}

/** An attempt with its delivery and its event. */
export interface AttemptChangeRow extends Omit<EventRow, 'id'>, DeliveryRow {
  readonly number: number;
  readonly started_at: number;
  readonly duration: number;
  readonly outcome: Attempt['outcome'];
  readonly why: string | null;
  readonly response: string | null;
  readonly change: number;
}

/** A due delivery with its event. */
export interface DueRow extends Omit<EventRow, 'id'> {
  readonly id: number;
  readonly event_id: string;
  readonly route: string;
  readonly transforms: string | null;
  readonly state: number;
  readonly attempts: number;
  readonly lease: number;
  readonly line: string | null;
}

/** The columns of a delivery that a change needs. */
export interface CurrentRow {
  readonly id: number;
  readonly state: number;
  readonly reason: string | null;
  readonly destination: string;
  readonly line: string | null;
  readonly subject: string | null;
  /** Of the event's body; see `bytesOfBody`. */
  readonly bytes: number;
}

/** A place in a list: by time, then by order of arrival. */
export interface Place {
  readonly atMs: number;
  readonly order: number;
}

const idOf = '(select seq from events where id = ?) * 1024 + ?';
const older = `select 1 from deliveries o
  where o.destination = d.destination and o.line = d.line and o.state < 3 and o.state in (0, 1, 2) and o.id < d.id`;
const underLease = `from deliveries o
  where o.destination = d.destination and o.line = d.line and o.state < 3 and o.state = 1 and o.id <> d.id`;
const due = `select d.id, e.id as event_id, d.route, d.transforms, d.state, d.attempts, d.lease, d.line, e.seq, e.source,
    e.key, e.type, e.subject, e.agent, e.party, e.occurred_at, e.received_at, e.trace, e.verified, e.body
  from deliveries d indexed by deliveries_due cross join events e on e.seq = d.id >> 10
  where d.destination = ? and d.state < 2 and d.due_at <= ?`;
/** Bytes of the body of the event `e` of the delivery `d`; of one that gathers, 0 where one of its events has no body. */
const bytesOfBody = `iif(exists (
  select 1 from gathered g join gathered m on m.line = g.line join events b on b.seq = m.id >> 10
  where g.id = d.id and g.first = 1 and length(b.body) = 0), 0, length(e.body))`;
/** The text of a key, unless it has ended. */
export const state = 'select value from state where key = ? and (expires_at is null or expires_at > ?)';
const byDue = 'order by d.due_at, d.id limit ?';

/** Prepares statements with their types. */
export function preparer(db: Database) {
  return <P extends unknown[], R = unknown>(text: string): Prepared<P, R> => db.prepare<P, R>(text);
}

/** The statements around a transaction. */
export function transactionStatements(db: Database) {
  const statement = preparer(db);
  return {
    begin: statement<[]>('begin immediate'),
    commit: statement<[]>('commit'),
  };
}

/** The statements of operations that change the store. */
export function writeStatements(db: Database) {
  const statement = preparer(db);
  type Text = string | null;
  return {
    /** Writes the first page again, to prove that a commit is possible. */
    prove: statement<[], unknown>(`pragma application_id = ${applicationId}`),
    lastSeq: statement<[], { seq: number }>('select coalesce(max(seq), 0) as seq from events'),
    addEvent: statement<
      [number, string, string, string, string, Text, Text, Text, number, number, number, Uint8Array, Text, Text]
    >('insert into events values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    addDelivery: statement<[number, string, string, Text, number, number, number, number, number, Text, number]>(
      'insert into deliveries values (?, ?, ?, ?, ?, null, ?, ?, ?, ?, ?, ?, null)',
    ),
    restoreDelivery: statement<
      [
        ...[number, string, string, Text, number, Text],
        ...[number, number, number, number | null, Text, number, number | null],
      ]
    >('insert into deliveries values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    deliveriesOf: statement<[number, number], CurrentRow>(
      `select id, state, reason, destination, line, null as subject, 0 as bytes from deliveries where id between ? * 1024 and ? * 1024 + 1023`,
    ),
    eventById: statement<[string], { seq: number; subject: Text; routed: number; bytes: number }>(
      'select seq, subject, routed, length(body) as bytes from events where id = ?',
    ),
    markRouted: statement<[number]>('update events set routed = 1 where seq = ?'),
    lastDelivery: statement<[number, number], { id: number | null }>(
      'select max(id) as id from deliveries where id between ? * 1024 and ? * 1024 + 1023',
    ),

    due: statement<[string, number, number], DueRow>(`${due} ${byDue}`),
    dueInOrder: statement<[string, number, number, number], DueRow>(
      `${due} and (d.line is null or (not exists (${older}) and not exists (select 1 ${underLease} and o.due_at > ?))) ${byDue}`,
    ),
    takeOver: statement<[number, number]>(
      'update deliveries set state = 1, attempts = attempts + 1, tries = tries + 1, lease = lease + 1, due_at = ? where id = ?',
    ),
    nextDue: statement<[string], { due_at: number }>(
      'select due_at from deliveries indexed by deliveries_due where destination = ? and state < 2 order by due_at limit 1',
    ),
    /** In order of `due_at`; `ready_at` also waits for deliveries of the subject that are under a lease. */
    nextInOrder: statement<[string], { due_at: number; ready_at: number }>(
      `select d.due_at, max(d.due_at, coalesce((select max(o.due_at) ${underLease}), d.due_at)) as ready_at
      from deliveries d indexed by deliveries_due
      where d.destination = ? and d.state < 2 and (d.line is null or d.state = 0 or not exists (${older}))
      order by d.due_at, d.id`,
    ),

    settle: statement<
      [number, Text, number | null, number | null, number, number, string, number, number],
      { id: number; destination: string; line: Text; tries: number }
    >(
      `update deliveries set state = ?, reason = ?, due_at = ?, settled_at = ?, attempts = attempts - ?, tries = tries - ?
      where id = ${idOf} and state = 1 and lease = ? returning id, destination, line, tries`,
    ),
    /** Its change is a number that no earlier attempt had, also after those were removed: at least the microseconds since 1970. */
    addAttempt: statement<[number, number, number, number, string, Text, Text]>(
      `insert into attempts values (?, ?, ?, ?, ?, ?, ?, max(
        coalesce((select max(change) from attempts indexed by attempts_by_change where change is not null), 0) + 1,
        cast((julianday('now') - 2440587.5) * 86400000 as integer) * 1000))`,
    ),
    current: statement<[string, number], CurrentRow>(
      `select d.id, d.state, d.reason, d.destination, d.line, e.subject, ${bytesOfBody} as bytes
      from deliveries d join events e on e.seq = d.id >> 10 where d.id = ${idOf}`,
    ),
    wait: statement<[number, Text, number]>(
      `update deliveries set state = 0, reason = null, attempts = 0, due_at = ?, settled_at = null, line = ? where id = ?`,
    ),
    end: statement<[string, number, number]>(
      'update deliveries set state = 5, reason = ?, due_at = null, settled_at = ? where id = ?',
    ),

    pages: statement<[], { total: number; free: number; allowed: number }>(
      `select page_count as total, freelist_count as free, max_page_count as allowed
      from pragma_page_count, pragma_freelist_count, pragma_max_page_count`,
    ),
    state: statement<[string, number], { value: string }>(state),
    setState: statement<[string, string, number | null]>(
      'insert or replace into state (key, value, expires_at) values (?, ?, ?)',
    ),
    dropState: statement<[string]>('delete from state where key = ?'),
    clear: (): void => {
      for (const table of tables) db.exec(`delete from ${table}`);
    },
  };
}

/** The statements that find duplicates. */
export function duplicateStatements(db: Database) {
  const statement = preparer(db);
  return {
    noted: statement<[], { seq: number; hash: number }>('select seq, hash from new_keys'),
    note: statement<[number, number]>('insert into new_keys values (?, ?)'),
    dropNoted: statement<[number]>('delete from new_keys where seq = ?'),
    dropNotedUpTo: statement<[number]>('delete from new_keys where seq <= ?'),
    indexed: statement<[number], { seq: number }>('select seq from keys where hash = ?'),
    index: statement<[number, number]>('insert or ignore into keys values (?, ?)'),
    dropIndexed: statement<[number, number]>('delete from keys where hash = ? and seq = ?'),
    event: statement<[number, string, string], { id: string }>(
      'select id from events where seq = ? and source = ? and key = ?',
    ),
  };
}

/** The statements that keep the deliveries of a subject in order. */
export function orderStatements(db: Database) {
  const statement = preparer(db);
  const ofSubject = 'destination = ? and line = ? and state < 3';
  return {
    destinations: statement<[], { destination: string }>('select destination from ordered_destinations'),
    addDestination: statement<[string]>('insert into ordered_destinations values (?)'),
    dropDestination: statement<[string]>('delete from ordered_destinations where destination = ?'),
    setSubjects: statement<[string]>(
      `update deliveries set line = (select subject from events where seq = deliveries.id >> 10)
      where destination = ? and settled_at is null`,
    ),
    makeAllBehind: statement<[string]>(
      `update deliveries as d set state = 2
      where destination = ? and state < 3 and state = 0 and line is not null and exists (${older})`,
    ),
    clearSubjects: statement<[string]>(
      `update deliveries set line = null, state = iif(state = 2, 0, state)
      where destination = ? and state < 3 and line is not null`,
    ),
    oldest: statement<[string, string, string, string, string, string], { id: number | null }>(
      `select min(id) as id from (${[0, 1, 2].map((state) => `select min(id) as id from deliveries where ${ofSubject} and state = ${state}`).join(' union all ')})`,
    ),
    makeWaiting: statement<[number]>('update deliveries set state = 0 where id = ? and state = 2'),
    makeBehind: statement<[string, string, number]>(
      `update deliveries set state = 2 where ${ofSubject} and state = 0 and id > ?`,
    ),
  };
}

/** The statements that count deliveries and end leases, run when the file is opened. */
export function backlogStatements(db: Database) {
  const statement = preparer(db);
  return {
    open: statement<[], { destination: string; count: number }>(
      'select destination, count(*) as count from deliveries indexed by deliveries_open where settled_at is null group by destination',
    ),
    dead: statement<[], { destination: string; count: number }>(
      `select destination, count(*) as count from deliveries indexed by deliveries_dead
      where state = 5 and reason <> 'discarded' group by destination`,
    ),
    running: statement<[], { destination: string; count: number }>(
      `select destination, count(*) as count from deliveries indexed by deliveries_due
      where state < 2 and state = 1 group by destination`,
    ),
    /** `unanswered`: attempts that started and have no outcome. Ordered by them, fewest first. */
    leftRunning: statement<[], { id: number; unanswered: number }>(
      `select id, tries - (select count(*) from attempts where delivery = deliveries.id) as unanswered
      from deliveries indexed by deliveries_due where state < 2 and state = 1 order by unanswered, id`,
    ),
    endLease: statement<[number, number, number]>('update deliveries set due_at = ? where id = ? and due_at > ?'),
    oldest: statement<[string], { created_at: number | null }>(
      `select min(created_at) as created_at from deliveries indexed by deliveries_open
      where destination = ? and settled_at is null`,
    ),
  };
}
