/** The SQL of the queries: a list is walked newest first along an index, one bounded window after the other. */
import type { Attempt, DeadGroup } from '@switchhook/sdk';
import { type AttemptChangeRow, type DeliveryRow, type EventRow, type Place, preparer, state } from './sql.js';
import type { Database, Prepared } from './sql-connection.js';
import { gatheredColumn } from './sql-gatherings.js';

/** Conditions on events: those of `eventConditions` that a list has, and the party where it is that party's. */
export type EventFilter = Window & Readonly<Record<string, string | number>>;

/** Conditions on deliveries; null = any. A state may be two numbers. */
export interface DeliveryFilter extends Window {
  readonly state: number | null;
  readonly otherState: number | null;
  readonly reason: string | null;
  readonly destination: string | null;
  readonly route: string | null;
  readonly eventSeq: number | null;
  readonly settledSinceMs: number | null;
  readonly settledUntilMs: number | null;
}

/** Conditions on what is dead; null = any. Without `reason`, discarded ones are left out. */
export type DeadFilter = Omit<Window, 'limit'> &
  Pick<DeliveryFilter, 'reason' | 'destination' | 'route' | 'settledSinceMs' | 'settledUntilMs'>;

/** Rows that were counted; null = none. */
interface Counted {
  readonly count: number;
  readonly last: number | null;
}

/** A group of what is dead; the number of the delivery that died last. */
export type DeadGroupRow = Omit<DeadGroup, 'latest'> & { readonly eventId: string; readonly number: number };

/** Part of a walk: after `start`, up to and including `end`, in the order of the list. */
export interface Window {
  readonly startMs: number;
  readonly startOrder: number;
  readonly endMs: number;
  readonly endOrder: number;
  readonly limit: number;
}

/** Where a window that begins at a place ends. */
export interface WindowQuestion {
  readonly startMs: number;
  readonly startOrder: number;
  readonly size: number;
  readonly destination: string | null;
}

/** The same of events; a party where it is that party's. */
export interface EventWindowQuestion extends Omit<WindowQuestion, 'destination'> {
  readonly party: string | null;
}

/** The ways through the events, each with what makes its index fit. Those by number are for few: they are sorted, not walked in windows. */
const eventWalks = {
  all: { index: 'indexed by events_by_time', where: 'true' },
  ofParty: { index: 'indexed by events_by_party', where: 'party = :party' },
  ids: { index: 'not indexed', where: 'seq in (select n.seq from json_each(:ids) j join events n on n.id = j.value)' },
  open: {
    index: 'not indexed',
    where: `seq in (select id >> 10 from deliveries indexed by deliveries_open
      where settled_at is null and state in (:state, :otherState))`,
  },
  dead: {
    index: 'not indexed',
    where: 'seq in (select id >> 10 from deliveries indexed by deliveries_dead where state = 5)',
  },
  /** Skipped or gathered. */
  passedOver: {
    index: 'not indexed',
    where: `seq in (select id >> 10 from deliveries indexed by deliveries_by_state
      where state in (4, 6) and state in (:state, :otherState))`,
  },
} as const;
export type EventWalk = keyof typeof eventWalks;

/** Each is in a statement only where a list has it: lists of what is rare look at all events. */
export const eventConditions = {
  source: 'source = :source',
  type: 'type = :type',
  subject: 'subject = :subject',
  agent: 'agent = :agent',
  unrouted: 'routed = 0',
  state: `routed = 1 and exists (select 1 from deliveries d
    where d.id between seq * 1024 and seq * 1024 + 1023 and d.state in (:state, :otherState))`,
  ids: 'id in (select value from json_each(:ids))',
} as const;
export type EventCondition = keyof typeof eventConditions;

/** The ways through the deliveries, each with what makes its index fit. */
const walks = {
  all: { index: 'indexed by deliveries_by_time', where: 'true' },
  dead: { index: 'indexed by deliveries_dead', where: 'd.state = 5' },
  skipped: { index: 'indexed by deliveries_by_state', where: 'd.state in (4, 6) and d.state = 4' },
  gathered: { index: 'indexed by deliveries_by_state', where: 'd.state in (4, 6) and d.state = 6' },
  openOf: { index: 'indexed by deliveries_open', where: 'd.destination = :destination and d.settled_at is null' },
  open: { index: 'indexed by deliveries_open', where: 'd.settled_at is null' },
  event: { index: 'not indexed', where: 'd.id between :eventSeq * 1024 and :eventSeq * 1024 + 1023' },
} as const;
export type Walk = keyof typeof walks;

/** Of a delivery, with what it takes from its event and its last attempt. */
export const columns = `d.id, e.id as event_id, e.type, e.subject, d.route, d.destination, d.transforms, d.state, d.reason, d.attempts, d.tries, d.due_at,
  d.created_at, d.settled_at,
  (select a.reason from attempts a where a.delivery = d.id order by a.number desc limit 1) as failure,
  ${gatheredColumn}`;

/** The statements that only read. */
export function readStatements(db: Database) {
  const statement = preparer(db);
  /** By walk, conditions and body: those that were asked for. */
  const eventLists = new Map<string, Prepared<[EventFilter], EventRow>>();
  const events = (walk: EventWalk, conditions: readonly EventCondition[], body: 'body' | "x'' as body") => {
    const columns = `seq, id, source, key, type, subject, agent, party, occurred_at, received_at, trace, verified, ${body}`;
    const isSorted = walk === 'all' || walk === 'ofParty';
    const found = (what: string) => `select ${what}
      from events ${eventWalks[walk].index}
      where ${[eventWalks[walk].where, ...conditions.map((condition) => eventConditions[condition])].join(' and ')}
        and (received_at, seq) < (:startMs, :startOrder) and (received_at, seq) >= (:endMs, :endOrder)
      order by received_at desc, seq desc limit :limit`;
    // Bodies are not sorted with their events.
    const text = isSorted
      ? found(columns)
      : `select ${columns} from events where seq in (${found('seq')}) order by received_at desc, seq desc`;
    const prepared = eventLists.get(text) ?? statement<[EventFilter], EventRow>(text);
    eventLists.set(text, prepared);
    return prepared;
  };
  const eventWindow = (walk: EventWalk) =>
    statement<[EventWindowQuestion], Place>(
      `select received_at as atMs, seq as "order" from events ${eventWalks[walk].index}
      where ${eventWalks[walk].where} and (received_at, seq) < (:startMs, :startOrder)
      order by received_at desc, seq desc limit 1 offset :size - 1`,
    );
  const deliveries = (walk: Walk) =>
    statement<[DeliveryFilter], DeliveryRow>(
      `select ${columns} from deliveries d ${walks[walk].index} cross join events e on e.seq = d.id >> 10
      where ${walks[walk].where}
        and (d.created_at, d.id) < (:startMs, :startOrder) and (d.created_at, d.id) >= (:endMs, :endOrder)
        and (:state is null or d.state in (:state, :otherState)) and (:reason is null or d.reason = :reason)
        and (:destination is null or d.destination = :destination) and (:route is null or d.route = :route)
        and (:settledSinceMs is null or d.settled_at >= :settledSinceMs)
        and (:settledUntilMs is null or d.settled_at < :settledUntilMs)
      order by d.created_at desc, d.id desc limit :limit`,
    );
  /** The latest one is found in one text with its time, of a fixed length: SQLite returns the row of a maximum only where nothing else is aggregated. */
  const deadGroups = statement<[DeadFilter], DeadGroupRow>(
    `select g.destination, g.reason, g.failure, g.count, g.firstMs, g.lastMs, e.id as eventId, g.number from (
      select destination, reason, failure, count(*) as count, min(at) as firstMs, max(at) as lastMs,
        cast(substr(max((at + 10000000000000000) || id), 18) as integer) as number
      from (
        select d.id, d.destination, d.reason, d.settled_at as at,
          (select a.reason from attempts a where a.delivery = d.id order by a.number desc limit 1) as failure
        from deliveries d indexed by deliveries_dead
        where d.state = 5
          and (d.created_at, d.id) < (:startMs, :startOrder) and (d.created_at, d.id) >= (:endMs, :endOrder)
          and iif(:reason is null, d.reason <> 'discarded', d.reason = :reason)
          and (:destination is null or d.destination = :destination) and (:route is null or d.route = :route)
          and (:settledSinceMs is null or d.settled_at >= :settledSinceMs)
          and (:settledUntilMs is null or d.settled_at < :settledUntilMs))
      group by destination, reason, failure) g
    cross join events e on e.seq = g.number >> 10`,
  );
  const deliveryWindow = (walk: Walk) =>
    statement<[WindowQuestion], Place>(
      `select d.created_at as atMs, d.id as "order" from deliveries d ${walks[walk].index}
      where ${walks[walk].where} and (d.created_at, d.id) < (:startMs, :startOrder)
      order by d.created_at desc, d.id desc limit 1 offset :size - 1`,
    );
  return {
    /** The last event and the last attempt. */
    changesEnd: statement<[], { seq: number; change: number }>(
      `select coalesce((select max(seq) from events), 0) as seq, coalesce(
        (select max(change) from attempts indexed by attempts_by_change where change is not null), 0) as change`,
    ),
    eventsAfter: statement<[number, number], EventRow>(
      `select seq, id, source, key, type, subject, agent, party, occurred_at, received_at, trace, verified, x'' as body
      from events where seq > ? order by seq limit ?`,
    ),
    attemptsAfter: statement<[number, number], AttemptChangeRow>(
      `select ${columns}, e.seq, e.source, e.key, e.type, e.subject, e.agent, e.party, e.occurred_at, e.received_at,
        e.trace, e.verified, x'' as body, a.number, a.started_at, a.duration, a.outcome, a.reason as why, a.response, a.change
      from attempts a indexed by attempts_by_change
      cross join deliveries d on d.id = a.delivery cross join events e on e.seq = a.delivery >> 10
      where a.change > ? order by a.change limit ?`,
    ),
    countedEvents: statement<[number, number], Counted>(
      'select count(*) as count, max(seq) as last from (select seq from events where seq > ? order by seq limit ?)',
    ),
    countedAttempts: statement<[number, number], Counted>(
      `select count(*) as count, max(change) as last
      from (select change from attempts indexed by attempts_by_change where change > ? order by change limit ?)`,
    ),
    state: statement<[string, number], { value: string }>(state),
    /** U+10FFFF is behind all other characters. */
    stateKeys: statement<[string, string, number, number], { key: string }>(
      `select key from state where key >= ? and key < ? || char(0x10ffff) and (expires_at is null or expires_at > ?) limit ?`,
    ),
    event: statement<[string], EventRow>('select * from events where id = ?'),
    seq: statement<[string], { seq: number }>('select seq from events where id = ?'),
    events,
    /** How many are dead, up to a limit. */
    deadUpTo: statement<[number], { count: number }>(
      'select count(*) as count from (select 1 from deliveries indexed by deliveries_dead where state = 5 limit ?)',
    ),
    /** How many are in this state, 4 or 6, up to a limit. */
    passedOverUpTo: statement<[number, number], { count: number }>(
      `select count(*) as count from (
        select 1 from deliveries indexed by deliveries_by_state where state in (4, 6) and state = ? limit ?)`,
    ),
    eventWindows: { all: eventWindow('all'), ofParty: eventWindow('ofParty') },
    /** Where a window ends if events have come in the order of their times: found without a look at those between. */
    eventJump: statement<[number, number, number], Place>(
      `select received_at as atMs, seq as "order" from events where seq <= (
        select seq from events indexed by events_by_time where (received_at, seq) < (?, ?) order by received_at desc, seq desc limit 1
      ) - ? order by seq desc limit 1`,
    ),
    delivery: statement<[number, string], DeliveryRow>(
      `select ${columns} from events e join deliveries d on d.id = e.seq * 1024 + ? where e.id = ?`,
    ),
    attempts: statement<[number, string], Attempt>(
      `select a.number, a.started_at as startedAtMs, a.duration as durationMs, a.outcome, a.reason, a.response
      from events e join attempts a on a.delivery = e.seq * 1024 + ? where e.id = ? order by a.number`,
    ),
    deliveries: {
      all: deliveries('all'),
      dead: deliveries('dead'),
      skipped: deliveries('skipped'),
      gathered: deliveries('gathered'),
      openOf: deliveries('openOf'),
      open: deliveries('open'),
      event: deliveries('event'),
    },
    deadGroups,
    deliveryWindows: {
      all: deliveryWindow('all'),
      dead: deliveryWindow('dead'),
      skipped: deliveryWindow('skipped'),
      gathered: deliveryWindow('gathered'),
      openOf: deliveryWindow('openOf'),
    },
  };
}
