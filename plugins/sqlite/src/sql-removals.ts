/** The statements that remove events, and those that keep the digests of erased keys. */
import { type Place, preparer } from './sql.js';
import type { Database } from './sql-connection.js';
import { isGatheredByNone } from './sql-gatherings.js';

/** Rewrites the file without what was removed from it. */
export const rewrite = 'vacuum';

/** Moves the write-ahead log into the file and empties it. 1 = others still read it. */
export const emptyLog = 'wal_checkpoint(truncate)';

export function removalStatements(db: Database) {
  const statement = preparer(db);
  return {
    prunable: statement<[number, number, number, number, number, number], { seq: number; source: string; key: string }>(
      `select e.seq, e.source, e.key from events e indexed by events_by_time
      where (e.received_at, e.seq) > (?, ?) and (e.received_at, e.seq) <= (?, ?) and e.received_at < ? and not exists (
        select 1 from deliveries d where d.id between e.seq * 1024 and e.seq * 1024 + 1023
          and (d.state < 3 or (d.state = 5 and d.reason <> 'discarded'))) and ${isGatheredByNone}
      order by e.received_at, e.seq limit ?`,
    ),
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
    erased: statement<[string], { id: string }>('select id from erased where digest = ?'),
    noteErased: statement<[string, string, number]>('insert or replace into erased values (?, ?, ?)'),
    dropErased: statement<[number, number]>(
      `delete from erased where digest in (
        select digest from erased indexed by erased_by_end where until <= ? order by until, id limit ?)`,
    ),
  };
}
