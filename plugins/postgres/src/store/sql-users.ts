/** The statements that find out who uses a schema. They change nothing, and work with the tables of earlier versions, too. */
import { quoted } from '../sql.js';
import { serverMs } from './sql-routers.js';
import type { Statement } from './sql-schema.js';
import { routersLock } from './sql-session.js';

export function userStatements(schemaName: string) {
  const s = quoted(schemaName);
  const statement = (name: string, text: string): Statement => ({ name, text });
  return {
    /** Earlier versions have no column `beaten_at`. */
    beats: statement(
      'beats',
      `select id, beat, report, greatest(0, ${serverMs} - (to_jsonb(r) ->> 'beaten_at')::float8) as "ageMs" from ${s}.routers r`,
    ),
    /** Of the lock of open stores, as `pg_locks` shows its two halves. */
    holders: statement(
      'holders',
      `select pid from pg_locks where locktype = 'advisory' and objsubid = 1 and granted and pid <> $2
        and database = (select oid from pg_database where datname = current_database())
        and (classid::bigint << 32) | objid::bigint = ${routersLock}`,
    ),
  };
}
