/** The statements that remove events, and those that keep the digests of erased keys. */
import type { PruneScope } from '@switchhook/sdk';
import { type Place, preparer } from './sql.js';
import type { Database } from './sql-connection.js';
import { isGatheredByNone } from './sql-gatherings.js';

/** Rewrites the file without what was removed from it. */
export const rewrite = 'vacuum';

/** Moves the write-ahead log into the file and empties it. 1 = others still read it. */
export const emptyLog = 'wal_checkpoint(truncate)';

/** Ends keys that have no end of their own. */
const noEnd = Number.MAX_SAFE_INTEGER;

const isNeeded = `(exists (
  select 1 from deliveries d where d.id between e.seq * 1024 and e.seq * 1024 + 1023
    and (d.state < 3 or (d.state = 5 and d.reason <> 'discarded'))) or not ${isGatheredByNone})`;

/** Conditions of a scope on events, and their values: lists as JSON. */
function conditionsOf({ sources, exceptSources, types, exceptTypes }: PruneScope) {
  const given = (
    [
      ['source in', sources],
      ['source not in', exceptSources],
      ['type in', types],
      ['type not in', exceptTypes],
    ] as const
  ).flatMap(([condition, list]) => (list === undefined ? [] : [[condition, JSON.stringify(list)] as const]));
  return {
    text: given.map(([condition]) => `and e.${condition} (select value from json_each(?))`).join(' '),
    values: given.map(([, list]) => list),
  };
}

/** An event in the order of time, between two places. */
const between = '(e.received_at, e.seq) > (?, ?) and (e.received_at, e.seq) <= (?, ?) and e.received_at < ?';

export function removalStatements(db: Database) {
  const statement = preparer(db);
  const prepared = new Map<string, ReturnType<typeof statement>>();
  /** Prepared once for each set of conditions. */
  const scoped = <R>(text: string) => {
    const known = prepared.get(text) ?? statement<unknown[], unknown>(text);
    prepared.set(text, known);
    return known as ReturnType<typeof statement<unknown[], R>>;
  };
  return {
    /** Events that can be removed. */
    prunable: (from: Place, until: Place, beforeMs: number, scope: PruneScope, limit: number) => {
      const { text, values } = conditionsOf(scope);
      return scoped<{ seq: number; source: string; key: string; id: string; receivedMs: number }>(
        `select e.seq, e.source, e.key, e.id, e.received_at as receivedMs from events e indexed by events_by_time
        where ${between} ${text} and not ${isNeeded} order by e.received_at, e.seq limit ?`,
      ).all(from.atMs, from.order, until.atMs, until.order, beforeMs, ...values, limit);
    },
    /** Events with a body, those included whose body is still needed. */
    withBodies: (from: Place, until: Place, beforeMs: number, scope: PruneScope) => {
      const { text, values } = conditionsOf(scope);
      return scoped<{ seq: number; atMs: number; needed: number }>(
        `select e.seq, e.received_at as atMs, ${isNeeded} as needed from events e indexed by events_by_time
        where ${between} ${text} and length(e.body) > 0 order by e.received_at, e.seq`,
      ).all(from.atMs, from.order, until.atMs, until.order, beforeMs, ...values);
    },
    dropBody: statement<[number]>(`update events set body = x'' where seq = ?`),
    pruneWindow: statement<[number, number, number, number], Place>(
      `select received_at as atMs, seq as "order" from events indexed by events_by_time
      where (received_at, seq) > (?, ?) and received_at < ? order by received_at, seq limit 1 offset ?`,
    ),
    dropAttempts: statement<[number, number]>('delete from attempts where delivery between ? and ?'),
    dropDeliveries: statement<[number, number]>('delete from deliveries where id between ? and ?'),
    dropEvent: statement<[number]>('delete from events where seq = ?'),
    dropEndedState: statement<[number, number]>(
      `delete from state where key in (
        select key from state indexed by state_by_end where expires_at <= ? order by expires_at, key limit ?)`,
    ),
    /** Returns a row per page: run as a prepared statement it would stop after the first. */
    giveBack: (): void => {
      db.exec('pragma incremental_vacuum(128)');
    },

    keyed: statement<[string], { seq: number; source: string; key: string }>(
      'select seq, source, key from events where id = ?',
    ),
    anyErased: statement<[], { found: number }>('select exists (select 1 from erased) as found'),
    removed: statement<[string], { id: string; erased: number }>(
      'select id, received_at is null as erased from erased where digest = ?',
    ),
    noteErased: statement<[string, string, number]>(
      'insert or replace into erased (digest, id, until) values (?, ?, ?)',
    ),
    notePruned: statement<[string, string, number]>(
      `insert or replace into erased (digest, id, until, received_at) values (?, ?, ${noEnd}, ?)`,
    ),
    forget: statement<[string, string]>('delete from erased where digest = ? and id = ? and received_at is not null'),
    dropPruned: statement<[number, number]>(
      `delete from erased where digest in (
        select digest from erased indexed by erased_by_receipt
        where received_at is not null and received_at <= ? order by received_at, id limit ?)`,
    ),
    dropErased: statement<[number, number]>(
      `delete from erased where digest in (
        select digest from erased indexed by erased_by_end where until <= ? order by until, id limit ?)`,
    ),
  };
}
