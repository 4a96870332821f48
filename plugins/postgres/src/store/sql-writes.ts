/** The statements that change the store: each is one transaction, and one round trip. */
import { literal, quoted } from '../sql.js';
import { gatheringStatements, lacksBody } from './sql-gatherings.js';
import { leaseStatements } from './sql-leases.js';
import { addedEvent, type Statement } from './sql-schema.js';

const open = 'seq, idx, destination, route, transforms, line, state, attempts, tries, lease, due_at, created_at';
const ended =
  'seq, idx, destination, route, transforms, line, state, reason, attempts, tries, lease, created_at, settled_at';
const event =
  'e.id, e.source, e.key, e.type, e.subject, e.agent, e.party, e.occurred_at, e.received_at, e.trace, e.verified, e.body';
const byDue = 'order by due_at, seq, idx';

/** The statements, for tables in a schema. */
export function writeStatements(schemaName: string) {
  const s = quoted(schemaName);
  const statement = (name: string, text: string): Statement => ({ name, text });

  /** Inserts delivered, skipped and dead deliveries that were removed from the open ones. */
  const keepEnded = (from: string, state: string, reason: string, at: string): string =>
    `insert into ${s}.settled (${ended})
    select seq, idx, destination, route, transforms, line, ${state}, ${reason}, attempts, tries, lease, created_at, ${at} from ${from}`;

  /** Counts the attempt of those in `due`, which are locked, and ends those that have used up their attempts. */
  const takeDue = `
    taken as (
      update ${s}.deliveries set state = 1, attempts = attempts + 1, tries = tries + 1, lease = lease + 1, due_at = $3, claim = $6
      where ctid = any(array(select place from due where attempts < $5)) returning *),
    gone as (
      delete from ${s}.deliveries where ctid = any(array(select place from due where attempts >= $5)) returning *),
    kept as (${keepEnded('gone', '5', `'exhausted'`, '$2::bigint')}),
    found as (
      select seq, idx, route, transforms, attempts, lease, false as exhausted from taken
      union all select seq, idx, route, transforms, attempts, lease, true from gone)
    select f.idx, f.route, f.transforms, f.attempts, f.lease, f.exhausted, due.due_at, g.gathering, ${event}
    from found f join due using (seq, idx) left join ${s}.gathered g on g.seq = f.seq and g.idx = f.idx and g.first cross join lateral (select * from ${s}.events where seq = f.seq offset 0) e
    order by due.due_at, f.seq, f.idx`;
  const lockable = 'ctid as place, seq, idx, due_at, attempts';

  /** Of the deliveries in `open`, the oldest of each subject, with the time at which each can be claimed. */
  const heads = `
    heads as (
      select o.seq, o.idx, o.due_at, greatest(o.due_at, (
        select max(r.due_at) from ${s}.deliveries r
        where r.destination = $1 and r.line = o.line and r.state = 1 and (r.seq, r.idx) <> (o.seq, o.idx))) as ready_at
      from open o where o.line is null or not (${[0, 1]
        .map(
          (state) => `exists (select from ${s}.deliveries p
          where p.destination = $1 and p.line = o.line and p.state = ${state} and (p.seq, p.idx) < (o.seq, o.idx))`,
        )
        .join(' or ')}))`;
  /** The first open deliveries of the destination whose due time is in a range. Enough unless many wait behind others of their subject. */
  const firstWhere = (range: string): string => `open as materialized (
      select seq, idx, due_at, line from ${s}.deliveries where destination = $1 and ${range} ${byDue} limit ${firstOpen})`;
  /** The oldest of each subject, found by skipping from subject to subject in the index; and those without a subject. */
  const bySubject = `
    lines as (
      (select line from ${s}.deliveries where destination = $1 and line is not null order by line limit 1)
      union all
      select (select d.line from ${s}.deliveries d where d.destination = $1 and d.line > l.line order by d.line limit 1)
      from lines l where l.line is not null),
    open as materialized (
      select o.* from lines l cross join lateral (${[0, 1]
        .map(
          (state) => `(select seq, idx, due_at, line from ${s}.deliveries
        where destination = $1 and line = l.line and state = ${state} order by seq, idx limit 1)`,
        )
        .join(' union all ')}) o
      union all
      (select seq, idx, due_at, line from ${s}.deliveries where destination = $1 and line is null ${byDue} limit ${firstOpen}))`;
  /** Locks exactly the chosen ones: \`limit\` together with \`skip locked\` could take the next of a subject whose oldest is locked. */
  const claimHeads = (name: string, from: string) =>
    statement(
      name,
      `with recursive ${from}, ${heads},
      due as materialized (
        select d.* from (select seq, idx from heads where ready_at <= $2 ${byDue} limit $4) h cross join lateral (
          select ${lockable} from ${s}.deliveries
          where seq = h.seq and idx = h.idx and due_at <= $2 offset 0 for update skip locked) d),
      ${takeDue}`,
    );
  const nextHead = (name: string, from: string) =>
    statement(
      name,
      `with recursive ${from}, ${heads}
      select min(ready_at) as due_at, (select count(*) from open) as scanned, (select min(due_at) from open) as oldest from heads`,
    );

  /** Deliveries of $1 (event ids) and $2 (indexes). Locks their events, so that none is removed meanwhile. */
  const chosen = (condition = 'true') => `
    chosen as materialized (
      select e.seq, e.id, i.idx from (select distinct id, idx from unnest($1::uuid[], $2::int[]) i(id, idx)) i
      join ${s}.seen n on n.id = i.id
      join ${s}.events e on e.seq = n.seq where ${condition} order by e.seq for key share of e)`;

  return {
    gatherings: gatheringStatements(schemaName),
    leases: leaseStatements(schemaName),
    /** Duplicates are skipped; returns the places of the others. Sorted, so that two routers lock keys in the same order. */
    append: statement(
      'append_claimed',
      `with incoming as materialized (
        select i.*, nextval(${literal(`${s}.event_numbers`)}) as seq from (
          select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::bigint[], $11::bigint[], $12::boolean[], $13::int[], $14::int[], $26::text[]) with ordinality
          as i(id, digest, source, key, type, subject, agent, party, trace, occurred_at, received_at, routed, start, size, verified, n)
          order by n) i),
      fresh as (
        insert into ${s}.seen (digest, id, seq) select digest, id, seq from incoming order by digest, n
        on conflict (digest) do nothing returning seq),
      kept as (
        insert into ${s}.events (${addedEvent})
        select i.seq, id, source, key, type, subject, agent, party, trace, occurred_at, received_at, routed,
          substring($15::bytea from i.start for i.size), verified
        from incoming i join fresh using (seq)),
      made as (
        insert into ${s}.deliveries (${open}, claim)
        select i.seq, d.idx, d.destination, d.route, d.transforms, d.line, d.state, d.state, d.state, d.state, d.due_at, $16::bigint,
          case d.state when 1 then $25::bigint end
        from unnest($17::int[], $18::int[], $19::text[], $20::text[], $21::text[], $22::uuid[], $23::smallint[], $24::bigint[])
          as d(n, idx, destination, route, transforms, line, state, due_at)
        join incoming i using (n) join fresh using (seq))
      select n::int - 1 as place from incoming join fresh using (seq)`,
    ),
    known: statement(
      'known_or_erased',
      `select digest, id, erased_until is not null as erased from ${s}.seen where digest = any($1::uuid[])`,
    ),
    /** Writes a record to the log and commits it, to prove that a commit is possible. */
    prove: statement('prove', `select pg_logical_emit_message(true, 'switchhook', '')`),
    /** The same after the disk was full: the log may have room where tables have none. Writes and removes 256 KB. */
    proveSpace: statement(
      'prove_space',
      `create unlogged table ${s}.proof as
      select n, string_agg(md5(random()::text), '') as text from generate_series(1, 256) n, generate_series(1, 30) group by n;
      drop table ${s}.proof`,
    ),

    /** Reads from the due time $7 on: see `DueWindow`. */
    claim: statement(
      'claim_from',
      `with due as materialized (
        select ${lockable} from ${s}.deliveries
        where destination = $1 and due_at >= $7 and due_at <= $2 ${byDue} limit $4 for update skip locked),
      ${takeDue}`,
    ),
    nextDue: statement(
      'next_due_between',
      `select due_at from ${s}.deliveries where destination = $1 and due_at between $2 and $3 order by due_at limit 1`,
    ),

    claimHeads: claimHeads('claim_heads_from', firstWhere('due_at >= $7 and due_at <= $2')),
    claimHeadsBySubject: claimHeads('claim_due_heads_by_subject', bySubject),
    nextHead: nextHead('next_head_between', firstWhere('due_at between $2 and $3')),
    nextHeadBySubject: nextHead('next_head_by_subject', bySubject),

    /** `back`: 1 returns the attempt. A settlement whose lease is no longer the delivery's finds no row. */
    settle: statement(
      'settle_at',
      `with incoming as materialized (
        select d.*, i.* from unnest($1::uuid[], $2::int[], $3::int[], $4::smallint[], $5::text[], $6::bigint[], $7::int[],
          $8::bigint[], $9::float8[], $10::text[], $11::text[], $12::text[])
          as i(id, index, held, new_state, new_reason, until, back, started_at, duration, outcome, why, response)
        cross join lateral (select seq from ${s}.seen where id = i.id offset 0) n
        cross join lateral (
          select ctid as place, seq, idx from ${s}.deliveries
          where seq = n.seq and idx = i.index and lease = i.held and state = 1 offset 0 for update) d),
      removed as (
        delete from ${s}.deliveries where ctid = any(array(select place from incoming where new_state >= 3)) returning *),
      gone as (
        select r.*, new_state, new_reason, started_at, duration, outcome, why, response
        from removed r join incoming using (seq, idx)),
      again as (
        update ${s}.deliveries d set state = 0, due_at = i.until, attempts = d.attempts - i.back,
          tries = d.tries - case when i.outcome is null then i.back else 0 end
        from incoming i where d.ctid = any(array(select place from incoming where new_state = 0)) and i.place = d.ctid
        returning d.seq, d.idx, d.tries, i.started_at, i.duration, i.outcome, i.why, i.response),
      kept as (${keepEnded('gone', 'new_state', 'new_reason', '$13::bigint')})
      insert into ${s}.attempts (seq, idx, number, started_at, duration, outcome, reason, response)
      select seq, idx, tries, started_at, duration, outcome, why, response from gone where outcome is not null
      union all
      select seq, idx, tries, started_at, duration, outcome, why, response from again where outcome is not null`,
    ),

    replay: statement(
      'replay',
      `with ${chosen(`octet_length(e.body) > 0 and not ${lacksBody(schemaName, 'e.seq', 'i.idx')}`)},
      again as (
        update ${s}.deliveries d set due_at = $3, attempts = 0 from chosen c
        where d.seq = c.seq and d.idx = c.idx and d.state = 0 returning c.id, d.idx),
      back as (
        delete from ${s}.settled d using chosen c where d.seq = c.seq and d.idx = c.idx and d.state <> 6 returning c.id, d.*),
      made as (
        insert into ${s}.deliveries (${open})
        select seq, idx, destination, route, transforms, line, 0, 0, tries, lease, $3, created_at from back)
      select id, idx from again union all select id, idx from back`,
    ),
    discard: statement(
      'discard',
      `with ${chosen()},
      gone as (
        delete from ${s}.deliveries d using chosen c
        where d.seq = c.seq and d.idx = c.idx and d.state = 0 returning c.id, d.*),
      kept as (${keepEnded('gone', '5', `'discarded'`, '$3::bigint')}),
      dead as (
        update ${s}.settled d set reason = 'discarded', settled_at = $3 from chosen c
        where d.seq = c.seq and d.idx = c.idx and d.state = 5 and d.reason <> 'discarded' returning c.id, d.idx)
      select id, idx from gone union all select id, idx from dead`,
    ),

    /** Locks an event while deliveries are added to it. */
    lockEvent: statement(
      'lock_event',
      `select e.seq, e.subject, e.routed, octet_length(e.body) as bytes from ${s}.seen n join ${s}.events e on e.seq = n.seq where n.id = $1 and octet_length(e.body) > 0 for update of e`,
    ),
    nextIndex: statement(
      'next_index',
      `select greatest(
        (select max(idx) from ${s}.deliveries where seq = $1), (select max(idx) from ${s}.settled where seq = $1), -1) + 1 as idx`,
    ),
    extend: statement(
      'extend_claimed',
      `insert into ${s}.deliveries (${open}, claim)
      select $1, d.idx, d.destination, d.route, d.transforms, $2, d.state, d.state, d.state, d.state, d.due_at, $3,
        case d.state when 1 then $10::bigint end
      from unnest($4::int[], $5::text[], $6::text[], $7::text[], $8::smallint[], $9::bigint[])
        as d(idx, destination, route, transforms, state, due_at)`,
    ),
    markRouted: statement('mark_routed', `update ${s}.events set routed = true where seq = $1`),
  };
}

/** The statements that keep texts beside the events. */
export function stateStatements(schemaName: string) {
  const s = quoted(schemaName);
  const isKept = (now: string): string => `(expires_at is null or expires_at > ${now})`;
  const statement = (name: string, text: string): Statement => ({ name, text });
  return {
    state: statement('state_at', `select value from ${s}.state where key = $1 and ${isKept('$2')}`),
    stateKeys: statement(
      'state_keys',
      `select key from ${s}.state
      where key collate "C" >= $1 and key collate "C" < $1 || chr(1114111) and ${isKept('$2')} limit $3`,
    ),
    addState: statement(
      'add_state_until',
      `insert into ${s}.state as state (key, value, expires_at) values ($1, $2, $3)
      on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at
      where state.expires_at <= $4 returning 1`,
    ),
    changeState: statement(
      'change_state_until',
      `update ${s}.state set value = $2, expires_at = $3 where key = $1 and value = $5 and ${isKept('$4')} returning 1`,
    ),
    dropState: statement(
      'drop_state_at',
      `delete from ${s}.state where key = $1 and value = $3 and ${isKept('$2')} returning 1`,
    ),
    /** Skips those that another router removes at the same moment. */
    dropEndedState: statement(
      'drop_ended_state',
      `delete from ${s}.state where key = any(array(
        select key from ${s}.state where expires_at <= $1 order by expires_at, key limit $2 for update skip locked)) returning 1`,
    ),
  };
}

/** Open deliveries that a claim in order reads before it goes by subject. */
export const firstOpen = 500;
