/** The statements that remove events, and the keys of those that are gone. */
import { quoted } from '../sql.js';
import { dropGathered, isGathered } from './sql-gatherings.js';
import type { Statement } from './sql-schema.js';

export function removalStatements(schemaName: string) {
  const s = quoted(schemaName);
  const statement = (name: string, text: string): Statement => ({ name, text });
  /** Nothing of these events is still to be delivered, alone or with others, nor dead. */
  const isSettled = `not exists (select from ${s}.deliveries d where d.seq = e.seq offset 0)
    and not exists (select from ${s}.settled d where d.seq = e.seq and d.state = 5 and d.reason <> 'discarded' offset 0)
    and not ${isGathered(schemaName, 'g.seq = e.seq')}`;
  /** Conditions of a scope, in four parameters from this one on. */
  const scoped = (first: number) =>
    ['source = any', 'source <> all', 'type = any', 'type <> all']
      .map((condition, index) => `($${first + index}::text[] is null or e.${condition}($${first + index}))`)
      .join(' and ');
  return {
    /** Removes settled events one by one, with numbers below $2. $4: also drops their keys. `+ 0`: in order of time, not of numbers. */
    removeEvents: statement(
      'remove_events',
      `with old as materialized (
        select e.seq from ${s}.events e
        where e.received_at < $1 and e.received_at >= $5 and e.seq + 0 < $2 and ${scoped(6)} and ${isSettled}
        order by e.received_at, e.seq limit $3 for update of e skip locked),
      no_attempts as (delete from ${s}.attempts where seq = any(array(select seq from old))),
      no_deliveries as (delete from ${s}.settled where seq = any(array(select seq from old))),
      no_gathered as (${dropGathered(schemaName, 'seq = any(array(select seq from old))')}),
      no_keys as (delete from ${s}.seen where seq = any(array(select seq from old)) and $4),
      gone as (delete from ${s}.events where seq = any(array(select seq from old)) returning seq)
      select count(*) as removed from gone`,
    ),
    lockBodies: statement(
      'lock_bodies',
      `select e.seq from ${s}.events e
      where e.received_at < $1 and e.received_at >= $3 and octet_length(e.body) > 0 and ${scoped(4)} and ${isSettled}
      order by e.received_at, e.seq limit $2 for update of e skip locked`,
    ),
    dropBodies: statement(
      'drop_bodies',
      `update ${s}.events e set body = '' where e.seq = any($1::bigint[]) and ${isSettled}`,
    ),
    /** Drops the keys of events that were removed with their day. Those of erased events have an end of their own. */
    dropKeys: statement(
      'drop_settled_keys',
      `delete from ${s}.seen where ctid = any(array(
        select ctid from ${s}.seen where seq < $1 and erased_until is null order by seq limit 20000))`,
    ),
    /** Skips those that another router drops at the same moment. */
    dropErasedKeys: statement(
      'drop_erased_keys',
      `delete from ${s}.seen where digest = any(array(
        select digest from ${s}.seen where erased_until <= $1 order by erased_until, id limit $2 for update skip locked))
      returning 1`,
    ),

    /** The events to erase, locked: no delivery is added to them, replayed or discarded meanwhile. */
    lockEvents: statement(
      'lock_events',
      `select e.seq, e.id from ${s}.seen n join ${s}.events e on e.seq = n.seq
      where n.id = any($1::uuid[]) order by e.seq for update of e`,
    ),
    /** A statement of its own: it waits for settlements under way, which move rows to where the next one finds them. */
    eraseOpen: statement(
      'erase_open',
      `delete from ${s}.deliveries where ctid = any(array(
        select ctid from ${s}.deliveries where seq = any($1::bigint[]) order by seq, idx for update))`,
    ),
    eraseEvents: statement(
      'erase_events',
      `with no_attempts as (delete from ${s}.attempts where seq = any($1::bigint[])),
      no_deliveries as (delete from ${s}.settled where seq = any($1::bigint[])),
      no_gathered as (${dropGathered(schemaName, 'seq = any($1::bigint[])')}),
      no_events as (delete from ${s}.events where seq = any($1::bigint[]))
      update ${s}.seen set erased_until = $2 where seq = any($1::bigint[])`,
    ),
  };
}
