/** The statements that keep events of another store as they are. */
import { literal, quoted } from '../sql.js';
import { addedEvent, type Statement } from './sql-schema.js';

export function restoreStatements(schemaName: string) {
  const s = quoted(schemaName);
  const statement = (name: string, text: string): Statement => ({ name, text });
  const seqOf = `(select seq from ${s}.seen where id = i.id)`;
  return {
    /** Those of some events that were erased here. */
    erased: statement(
      'restore_erased',
      `select id from (select id, erased_until from ${s}.seen where id = any($1::uuid[]) offset 0) s where erased_until is not null`,
    ),
    known: statement('restore_known', `select digest, id from ${s}.seen where digest = any($1::uuid[])`),
    /** Numbers for new events of today. */
    numbers: statement(
      'restore_numbers',
      `select nextval(${literal(`${s}.event_numbers`)}) as seq from generate_series(1, $1::int)`,
    ),
    /** The last number of a day in the past. */
    lastOf: statement('restore_last', `select max(seq) as seq from ${s}.events where seq >= $1 and seq < $2`),
    keys: statement(
      'restore_keys',
      `insert into ${s}.seen (digest, id, seq) select * from unnest($1::uuid[], $2::uuid[], $3::bigint[])`,
    ),
    /** Of removed events of the day whose events have numbers from $3 to $4; far behind those that a day gives its events. */
    removedKeys: statement(
      'restore_removed_keys',
      `insert into ${s}.seen (digest, id, erased_until, seq)
      select digest, id, until, (select coalesce(max(seq), $4::bigint - 1) from ${s}.seen where seq >= $4 and seq < $5) + row_number() over ()
      from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as i(digest, id, until) on conflict do nothing`,
    ),
    texts: statement(
      'restore_texts',
      `insert into ${s}.state (key, value, expires_at)
      select key, value, expires_at from unnest($1::text[], $2::text[], $3::bigint[]) as i(key, value, expires_at)
      on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at`,
    ),
    removeAll: statement(
      'restore_remove_all',
      `truncate ${['events', 'settled', 'attempts', 'deliveries', 'gathered', 'seen', 'state'].map((table) => `${s}.${table}`).join(', ')}`,
    ),
    events: statement(
      'restore_events',
      `insert into ${s}.events (${addedEvent})
      select seq, id, source, key, type, subject, agent, party, trace, occurred_at, received_at, routed,
        substring($15::bytea from start for size), verified
      from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::bigint[], $11::bigint[], $12::boolean[], $13::int[], $14::int[], $16::text[])
        as i(seq, id, source, key, type, subject, agent, party, trace, occurred_at, received_at, routed, start, size, verified)`,
    ),
    clear: statement(
      'restore_clear',
      `with old as materialized (select seq from ${s}.seen where id = any($1::uuid[])),
      no_attempts as (delete from ${s}.attempts where seq = any(array(select seq from old))),
      no_deliveries as (delete from ${s}.deliveries where seq = any(array(select seq from old))),
      no_gathered as (delete from ${s}.gathered where seq = any(array(select seq from old))),
      no_settled as (delete from ${s}.settled where seq = any(array(select seq from old)))
      update ${s}.events set routed = true where seq = any(array(select seq from ${s}.seen where id = any($2::uuid[]))) and not routed`,
    ),
    dropBodies: statement(
      'restore_drop_bodies',
      `update ${s}.events set body = '' where seq = any(array(select seq from ${s}.seen where id = any($1::uuid[])))`,
    ),
    open: statement(
      'restore_open',
      `insert into ${s}.deliveries (seq, idx, destination, route, transforms, line, state, attempts, tries, lease, due_at, created_at)
      select ${seqOf}, idx, destination, route, transforms, line, state, attempts, tries, tries, due_at, created_at
      from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::smallint[], $8::int[], $9::int[],
        $10::bigint[], $11::bigint[])
        as i(id, idx, destination, route, transforms, line, state, attempts, tries, created_at, due_at)`,
    ),
    settled: statement(
      'restore_settled',
      `insert into ${s}.settled (seq, idx, destination, route, transforms, line, state, reason, attempts, tries, lease, created_at, settled_at)
      select ${seqOf}, idx, destination, route, transforms, line, state, reason, attempts, tries, tries, created_at, settled_at
      from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::smallint[], $8::int[], $9::int[],
        $10::bigint[], $11::bigint[], $12::text[])
        as i(id, idx, destination, route, transforms, line, state, attempts, tries, created_at, settled_at, reason)`,
    ),
    attempts: statement(
      'restore_attempts',
      `insert into ${s}.attempts (seq, idx, number, started_at, duration, outcome, reason, response)
      select ${seqOf}, idx, number, started_at, duration, outcome, reason, response
      from unnest($1::uuid[], $2::int[], $3::int[], $4::bigint[], $5::float8[], $6::text[], $7::text[], $8::text[])
        as i(id, idx, number, started_at, duration, outcome, reason, response)`,
    ),
  };
}
