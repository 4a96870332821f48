/** The statements that only read. Lists are read newest first, along an index. */
import { quoted } from '../sql.js';
import { gatheredOf } from './sql-gatherings.js';
import type { Statement } from './sql-schema.js';

const event =
  'e.seq, e.id, e.source, e.key, e.type, e.subject, e.agent, e.party, e.occurred_at, e.received_at, e.trace, e.verified, e.body';
/** Of a list without bodies: they need not be read from where PostgreSQL keeps large values. */
const briefEvent = event.replace('e.body', "''::bytea as body");
const openColumns = `d.seq, d.idx, d.route, d.destination, d.transforms, d.state, null as reason, d.attempts, d.tries, d.due_at,
  d.created_at, null::bigint as settled_at`;
/** Every transaction before this one has ended: no row of it is still to come. */
const xmin = 'pg_snapshot_xmin(pg_current_snapshot())';
const settledColumns = `d.seq, d.idx, d.route, d.destination, d.transforms, d.state, d.reason, d.attempts, d.tries,
  null::bigint as due_at, d.created_at, d.settled_at`;

/** The ways through the events. `numbered` is for few: they are looked up and sorted. */
const eventWays = {
  all: (s: string) => `${s}.events e`,
  party: (s: string) => `${s}.events e`,
  numbered: (s: string) =>
    `(select distinct unnest($11::bigint[]) as seq) n cross join lateral (select * from ${s}.events where seq = n.seq offset 0) e`,
} as const;
/** Parameters are typed also where a way does not use them. */
const eventConditions = {
  all: '$10::text is null and $11::bigint[] is null',
  party: 'hashtextextended(e.party, 0) = hashtextextended($10::text, 0) and e.party = $10 and $11::bigint[] is null',
  numbered: '($10::text is null or e.party = $10)',
} as const;
export type EventWay = keyof typeof eventWays;
/** The table of the deliveries in a state. */
export type Having = 'deliveries' | 'settled';

export function readStatements(schemaName: string) {
  const s = quoted(schemaName);
  const statement = (name: string, text: string): Statement => ({ name, text });
  /** By their key: with the state inside, the index of what is dead would be read as a whole for each event. */
  const ofNumber = (table: Having) => `(select state from ${s}.${table} where seq = e.seq offset 0)`;
  /** A list of events by one of the ways through them, with or without bodies, of those with a delivery in a state where it is asked for. */
  const events = (way: EventWay, withBodies: boolean, having: Having | null) =>
    statement(
      ['events', way, ...(withBodies ? [] : ['brief']), ...(having === null ? [] : [`in_${having}`])].join('_'),
      `select ${withBodies ? event : briefEvent} from ${eventWays[way](s)}
      where ${eventConditions[way]} and (e.received_at, e.seq) < ($1::bigint, $2::bigint) and e.received_at >= $3
        and ($4::text is null or e.source = $4) and ($5::text is null or e.type = $5)
        and ($6::text is null or e.subject = $6) and ($7::text is null or e.agent = $7) and (not $8::boolean or not e.routed)
        and ${having === null ? '$12::int is null' : `e.routed and exists (select from ${ofNumber(having)} d where d.state = $12::int)`}
      order by e.received_at desc, e.seq desc limit $9`,
    );
  const lastFailure = (of: string) => `left join lateral (
        select reason as failure from ${s}.attempts where seq = ${of}.seq and idx = ${of}.idx order by number desc limit 1) a on true`;
  /** What a delivery takes from its event and its last attempt. */
  const joined = (
    of: string,
  ) => `cross join lateral (select id, type, subject from ${s}.events where seq = ${of}.seq offset 0) e
      ${lastFailure(of)} ${gatheredOf(schemaName, of)}`;
  /** Lists open or settled deliveries; their events are looked up for those of the page only. */
  const deliveries = (name: string, columns: string, from: string, way: string) =>
    statement(
      name,
      `with page as materialized (
        select ${columns} from ${from} d
        where ${way} and (d.created_at, d.seq, d.idx) < ($1::bigint, $2::bigint, $3::int) and d.created_at >= $4
          and ($5::int is null or d.state = $5) and ($6::text is null or d.destination = $6)
          and ($7::text is null or d.route = $7)
        order by d.created_at desc, d.seq desc, d.idx desc limit $8)
      select p.*, e.id, e.type, e.subject, a.failure, w.gathered from page p ${joined('p')}`,
    );
  /** Read first: the list of one event is short, and must not be looked for in the order of all. */
  const ofEvent = (table: string, seq: '$9' | '$11') => `(select * from ${s}.${table} where seq = ${seq} offset 0)`;
  const settledWhen = '($9::bigint is null or d.settled_at >= $9) and ($10::bigint is null or d.settled_at < $10)';
  return {
    event: statement(
      'event',
      `select ${event} from ${s}.seen n cross join lateral (select * from ${s}.events where seq = n.seq offset 0) e where n.id = $1`,
    ),
    number: statement('number', `select seq from ${s}.seen where id = $1`),
    numbers: statement('numbers', `select seq from ${s}.seen where id = any($1::uuid[])`),
    events,
    /** The numbers of the events of the newest deliveries that are open, and those that are dead; not more than so many. */
    newestOpen: statement(
      'newest_open',
      `select seq, state from ${s}.deliveries where created_at >= $1 order by created_at desc, seq desc, idx desc limit $2`,
    ),
    newestDead: statement(
      'newest_dead',
      `select seq, state from ${s}.settled where state = 5 and created_at >= $1 order by created_at desc, seq desc, idx desc limit $2`,
    ),
    /** The same of those in a state, 4 or 6. */
    newestPassedOver: statement(
      'newest_passed_over',
      `select seq, state from ${s}.settled where state in (4, 6) and state = $3::int and created_at >= $1
      order by created_at desc, seq desc, idx desc limit $2`,
    ),
    openDeliveries: deliveries('open_deliveries', openColumns, `${s}.deliveries`, 'true'),
    openOfEvent: deliveries('open_of_event', openColumns, ofEvent('deliveries', '$9'), 'true'),
    settledDeliveries: deliveries('settled_deliveries', settledColumns, `${s}.settled`, settledWhen),
    settledOfEvent: deliveries(
      'settled_of_event',
      settledColumns,
      ofEvent('settled', '$11'),
      `${settledWhen} and ($12::text is null or d.reason = $12)`,
    ),
    deadDeliveries: deliveries(
      'dead_deliveries',
      settledColumns,
      `${s}.settled`,
      `d.state = 5 and ${settledWhen} and ($11::text is null or d.reason = $11)`,
    ),
    /** Skipped or gathered ones. */
    passedOverDeliveries: deliveries(
      'passed_over_deliveries',
      settledColumns,
      `${s}.settled`,
      `d.state in (4, 6) and d.state = $5::int and ${settledWhen}`,
    ),
    /** Groups of the newest so many that are dead, how many these are, and the place of the last. */
    deadGroups: statement(
      'dead_groups',
      `with part as materialized (
        select d.seq, d.idx, d.destination, d.reason, d.created_at, d.settled_at from ${s}.settled d
        where d.state = 5 and (d.created_at, d.seq, d.idx) < ($1::bigint, $2::bigint, $3::int) and d.created_at >= $4
          and ($5::text is null or d.destination = $5) and ($6::text is null or d.route = $6)
          and ($7::bigint is null or d.settled_at >= $7) and ($8::bigint is null or d.settled_at < $8)
          and (case when $9::text is null then d.reason <> 'discarded' else d.reason = $9 end)
        order by d.created_at desc, d.seq desc, d.idx desc limit $10),
      groups as materialized (
        select p.destination, p.reason, a.failure, count(*)::int as count, min(p.settled_at) as first,
          max(array[p.settled_at, p.seq, p.idx]) as latest
        from part p ${lastFailure('p')} group by p.destination, p.reason, a.failure)
      select g.destination, g.reason, g.failure, g.count, g.first, g.latest[1] as last, g.latest[3]::int as idx, e.id,
        (select count(*)::int from part) as looked, (select min(array[created_at, seq, idx])::text from part) as place
      from groups g cross join lateral (select id from ${s}.events where seq = g.latest[2] offset 0) e`,
    ),
    delivery: statement(
      'delivery',
      `select d.*, e.id, e.type, e.subject, a.failure, w.gathered from ${s}.seen n cross join lateral (
        select ${openColumns} from ${s}.deliveries d where d.seq = n.seq and d.idx = $2
        union all select ${settledColumns} from ${s}.settled d where d.seq = n.seq and d.idx = $2 offset 0) d
      ${joined('d')}
      where n.id = $1`,
    ),
    attempts: statement(
      'attempts',
      `select a.* from ${s}.seen n cross join lateral (
        select number, started_at, duration, outcome, reason, response from ${s}.attempts
        where seq = n.seq and idx = $2 offset 0) a
      where n.id = $1 order by a.number`,
    ),
    /** What is committed later has this transaction or a later one. */
    changesEnd: statement('changes_end', `select ${xmin}::text as xid`),
    eventsAfter: statement(
      'events_after',
      `select ${briefEvent}, e.xid::text as xid from ${s}.events e
      where (e.xid, e.seq) > (least($1::text::xid8, ${xmin}), $2::bigint) and e.xid < ${xmin}
      order by e.xid, e.seq limit $3`,
    ),
    countedEvents: statement(
      'counted_events',
      `with page as (
        select e.xid, e.seq from ${s}.events e
        where (e.xid, e.seq) > (least($1::text::xid8, ${xmin}), $2::bigint) and e.xid < ${xmin} order by e.xid, e.seq limit $3)
      select (select count(*)::int from page) as count, array[xid::text, seq::text] as place
      from page order by xid desc, seq desc limit 1`,
    ),
    countedAttempts: statement(
      'counted_attempts',
      `with page as (
        select a.xid, a.seq, a.idx, a.number from ${s}.attempts a
        where (a.xid, a.seq, a.idx, a.number) > (least($1::text::xid8, ${xmin}), $2::bigint, $3::int, $4::int) and a.xid < ${xmin}
        order by a.xid, a.seq, a.idx, a.number limit $5)
      select (select count(*)::int from page) as count, array[xid::text, seq::text, idx::text, number::text] as place
      from page order by xid desc, seq desc, idx desc, number desc limit 1`,
    ),
    attemptsAfter: statement(
      'attempts_after',
      `with page as materialized (
        select a.* from ${s}.attempts a
        where (a.xid, a.seq, a.idx, a.number) > (least($1::text::xid8, ${xmin}), $2::bigint, $3::int, $4::int) and a.xid < ${xmin}
        order by a.xid, a.seq, a.idx, a.number limit $5)
      select ${briefEvent}, d.idx, d.route, d.destination, d.transforms, d.state, d.reason, d.attempts, d.tries, d.due_at, d.created_at,
        d.settled_at, a.failure, w.gathered, p.number, p.started_at, p.duration, p.outcome, p.reason as why, p.response, p.xid::text as xid
      from page p cross join lateral (select * from ${s}.events where seq = p.seq offset 0) e
      ${lastFailure('p')} ${gatheredOf(schemaName, 'p')}
      cross join lateral (
        select ${openColumns} from ${s}.deliveries d where d.seq = p.seq and d.idx = p.idx
        union all select ${settledColumns} from ${s}.settled d where d.seq = p.seq and d.idx = p.idx offset 0) d
      order by p.xid, p.seq, p.idx, p.number`,
    ),
    /** Reads the whole table, which is faster than through an index. One transaction: there are no parameters. */
    open: statement(
      'open',
      `set local enable_seqscan = on;
      select destination, count(*) as count, count(*) filter (where state = 1) as running, min(created_at) as oldest
      from ${s}.deliveries group by destination`,
    ),
    size: statement(
      'size',
      `select coalesce(sum(pg_total_relation_size(c.oid)), 0) as bytes from pg_class c
      where c.relnamespace = to_regnamespace('${s.replaceAll("'", "''")}') and c.relkind = 'r'`,
    ),
    dead: statement(
      'dead',
      `select destination, count(*) as count from ${s}.settled where state = 5 and reason <> 'discarded' group by destination`,
    ),
  };
}
