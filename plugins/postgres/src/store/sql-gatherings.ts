/** The statements of deliveries that gather the events of a subject. */
import { quoted } from '../sql.js';
import type { Statement } from './sql-schema.js';

/** What `Gather` allows. */
const mostEvents = 1_000;
export const mostBytes = 2 ** 24;

/** Joins `gathered` to a delivery: `<id of the one that gathers> <number of events> <1 = ends the wait>`; null where none gathers. */
export function gatheredOf(schemaName: string, of: string): string {
  const s = quoted(schemaName);
  return `left join lateral (
        select e.id || '.' || f.idx || ' ' || (select count(*) from ${s}.gathered where gathering = g.gathering) || ' ' || g.ends::int as gathered
        from ${s}.gathered g join ${s}.gathered f on f.gathering = g.gathering and f.first
        cross join lateral (select id from ${s}.events where seq = f.seq offset 0) e
        where g.seq = ${of}.seq and g.idx = ${of}.idx) w on true`;
}

/** Whether a delivery of events of which this holds (of \`g.seq\`) is gathered by one that is open or dead. */
export function isGathered(schemaName: string, where: string): string {
  const s = quoted(schemaName);
  return `exists (
            select from ${s}.gathered g join ${s}.gathered f on f.gathering = g.gathering and f.first
            where ${where} and (exists (select from ${s}.deliveries d where d.seq = f.seq and d.idx = f.idx offset 0)
              or exists (
                select from ${s}.settled d
                where d.seq = f.seq and d.idx = f.idx and d.state = 5 and d.reason <> 'discarded' offset 0)) offset 0)`;
}

/** Whether one of the events of a delivery that gathers them has no body any more. */
export function lacksBody(schemaName: string, seq: string, idx: string): string {
  const s = quoted(schemaName);
  return `exists (
        select from ${s}.gathered g join ${s}.gathered m on m.gathering = g.gathering
        cross join lateral (select octet_length(body) as size from ${s}.events where seq = m.seq offset 0) b
        where g.seq = ${seq} and g.idx = ${idx} and g.first and b.size = 0)`;
}

/** Removes what deliveries of some events are part of; with one that gathers, the whole gathering. */
export function dropGathered(schemaName: string, isOfEvent: string): string {
  const s = quoted(schemaName);
  return `delete from ${s}.gathered where ctid = any(array(
        select ctid from ${s}.gathered where ${isOfEvent}
        union all
        select m.ctid from (select gathering from ${s}.gathered where first and ${isOfEvent} offset 0) f
        cross join lateral (select ctid from ${s}.gathered where gathering = f.gathering offset 0) m))`;
}

export function gatheringStatements(schemaName: string) {
  const s = quoted(schemaName);
  const statement = (name: string, text: string): Statement => ({ name, text });
  const place = `cross join lateral (select seq from ${s}.seen where id = i.id offset 0) n`;
  const size = (of: string) =>
    `cross join lateral (select octet_length(body) as size from ${s}.events where seq = ${of}.seq offset 0) b`;
  return {
    /**
     * Of each gathering, the first one. Waits for transactions that have just added the first of the same one. In their order, so that two
     * routers do not wait for each other. Those that are there without a first one are dropped: it was erased before a copy brought them.
     */
    addFirst: statement(
      'gather_first_of',
      `with added as (
        insert into ${s}.gathered (seq, idx, gathering, first, ends)
        select distinct on (i.gathering) n.seq, i.idx, i.gathering, true, i.ends
        from unnest($1::uuid[], $2::int[], $3::uuid[], $4::boolean[]) as i(id, idx, gathering, ends) ${place}
        order by i.gathering, n.seq, i.idx on conflict (gathering) where first do nothing returning gathering),
      dropped as (delete from ${s}.gathered g using added a where g.gathering = a.gathering)
      select gathering from added`,
    ),
    /** Locks the first ones of gatherings, and so waits for all that adds to them, takes or removes them. */
    lockFirst: statement(
      'lock_first',
      `select seq, idx from ${s}.deliveries
      where (seq, idx) in (select seq, idx from ${s}.gathered where gathering = any($1::uuid[]) and first) order by seq, idx for update`,
    ),
    /**
     * Ends the others: gathered where the first one waits and no attempt of it has begun, otherwise skipped. A statement of its own:
     * it sees, and counts, what those before have waited for. Returns a row for each that has a first one.
     */
    addOthers: statement(
      'gather_others_of',
      `with incoming as materialized (
        select d.seq, d.idx, d.due_at, i.gathering, i.ends, i.late, f.seq as first_seq, f.idx as first_idx
        from unnest($1::uuid[], $2::int[], $3::uuid[], $4::boolean[], $5::text[]) as i(id, idx, gathering, ends, late) ${place}
        join ${s}.deliveries d on d.seq = n.seq and d.idx = i.idx
        join ${s}.gathered f on f.gathering = i.gathering and f.first
        where (f.seq, f.idx) <> (d.seq, d.idx)),
      waiting as materialized (
        select seq, idx from ${s}.deliveries
        where (seq, idx) in (select first_seq, first_idx from incoming) and state = 0 and tries = 0
        order by seq, idx for update),
      held as materialized (
        select g.gathering, count(*) as events, sum(b.size) as bytes
        from (select distinct gathering from incoming) i join ${s}.gathered g on g.gathering = i.gathering ${size('g')} group by g.gathering),
      counted as materialized (
        select i.*, w.seq is not null as waits, h.events + row_number() over line as events, h.bytes + sum(b.size) over line as bytes, b.size
        from incoming i join held h on h.gathering = i.gathering ${size('i')}
        left join waiting w on w.seq = i.first_seq and w.idx = i.first_idx
        window line as (partition by i.gathering order by i.seq, i.idx)),
      placed as materialized (
        select c.*, waits and events <= ${mostEvents} and bytes - size < ${mostBytes} as joins from counted c),
      hurried as (
        update ${s}.deliveries d set due_at = h.due_at
        from (
          select first_seq, first_idx,
            least(min(due_at), case when max(events) = ${mostEvents} or max(bytes) >= ${mostBytes} then $6::bigint end) as due_at
          from placed where joins group by first_seq, first_idx) h
        where d.seq = h.first_seq and d.idx = h.first_idx and d.due_at > h.due_at),
      joined as (
        insert into ${s}.gathered (seq, idx, gathering, first, ends)
        select seq, idx, gathering, false, ends from placed where joins),
      removed as (
        delete from ${s}.deliveries d using placed p where d.seq = p.seq and d.idx = p.idx returning d.*, p.joins, p.late),
      kept as (
        insert into ${s}.settled
          (seq, idx, destination, route, transforms, line, state, reason, attempts, tries, lease, created_at, settled_at)
        select seq, idx, destination, route, transforms, line, case when joins then 6 else 4 end, null,
          (not joins)::int, (not joins)::int, lease, created_at, $6::bigint from removed),
      noted as (
        insert into ${s}.attempts (seq, idx, number, started_at, duration, outcome, reason, response)
        select seq, idx, 1, $6, 0, 'skipped', late, null from removed where not joins)
      select seq, idx from placed`,
    ),
    /** Makes due what has an event with a body that is the limit alone. */
    hurryLarge: statement(
      'hurry_large',
      `update ${s}.deliveries d set due_at = $2
      from ${s}.gathered f where f.gathering = any($1::uuid[]) and f.first and d.seq = f.seq and d.idx = f.idx
        and d.state = 0 and d.tries = 0 and d.due_at > $2`,
    ),
    /** All events of gatherings, in order of arrival. */
    events: statement(
      'gathered_events',
      `select g.gathering, g.ends, e.id, e.source, e.key, e.type, e.subject, e.agent, e.party, e.occurred_at, e.received_at, e.trace, e.verified, e.body
      from ${s}.gathered g cross join lateral (select * from ${s}.events where seq = g.seq offset 0) e
      where g.gathering = any($1::uuid[]) order by g.seq, g.idx`,
    ),
    restore: statement(
      'restore_gathered',
      `insert into ${s}.gathered (seq, idx, gathering, first, ends)
      select n.seq, i.idx, i.gathering, i.first, i.ends
      from unnest($1::uuid[], $2::int[], $3::uuid[], $4::boolean[], $5::boolean[]) as i(id, idx, gathering, ends, first) ${place}
      on conflict do nothing`,
    ),
  };
}
