/** The statements by which routers that share a schema notice each other. */
import { quoted } from '../sql.js';
import { serverMs } from './sql-routers.js';
import type { Statement } from './sql-schema.js';

/** One for all schemas; the text of a notification is the schema. */
export const channel = 'switchhook';

/** `names`: each destination with open deliveries. Skips from one to the next in the index. */
export function destinations(s: string): string {
  return `names as (
        (select destination from ${s}.deliveries where destination > '' order by destination limit 1)
        union all
        select (select d.destination from ${s}.deliveries d where d.destination > n.destination order by d.destination limit 1)
        from names n where n.destination is not null)`;
}

/** The lock that every open store of the schema $1 holds, shared. */
export const routersLock = `hashtextextended('switchhook.routers.' || $1, 0)`;

export function sessionStatements(schemaName: string) {
  const s = quoted(schemaName);
  const statement = (name: string, text: string): Statement => ({ name, text });
  return {
    processId: statement('process_id', 'select pg_backend_pid() as id'),
    listen: statement('listen', `listen ${channel}`),
    notify: statement('notify', `select pg_notify('${channel}', $1)`),
    /** Every open store holds the lock, shared; one that gets it alone is the only one. */
    lockAlone: statement('lock_alone', `select pg_try_advisory_lock(${routersLock}) as is_locked`),
    /** Routers without a lock whose last heartbeat is younger than $1 ms. */
    beating: statement(
      'beating',
      `select id from ${s}.routers where not listens and beaten_at > ${serverMs} - $1::float8 limit 1`,
    ),
    lockShared: statement('lock_shared', `select pg_advisory_lock_shared(${routersLock})`),
    unlockAlone: statement('unlock_alone', `select pg_advisory_unlock(${routersLock})`),
    unlockShared: statement('unlock_shared', `select pg_advisory_unlock_shared(${routersLock})`),
    due: statement(
      'earliest_due',
      `with recursive ${destinations(s)}
      select n.destination, d.due_at from names n cross join lateral (
        select due_at from ${s}.deliveries where destination = n.destination and due_at <= $1 order by due_at limit 1) d`,
    ),
  };
}
