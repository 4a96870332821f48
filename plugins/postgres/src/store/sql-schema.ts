/** The schema of the store by version, its partitions, and the statements that install them. */
import { literal, quoted } from '../sql.js';
import { dropGathered, isGathered } from './sql-gatherings.js';

/** A statement; `name` identifies it on connections where it is prepared. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** The oldest server whose features are used. */
export const oldestServer = 150_000;

/** The tables with a partition for each day. */
export const partitionedTables = ['events', 'settled', 'attempts'] as const;

/** Columns of a new event; the database fills in the others. */
export const addedEvent =
  'seq, id, source, key, type, subject, agent, party, trace, occurred_at, received_at, routed, body, verified';

/** Events of one day: the first has the sequence number `day * perDay`. */
export const perDay = 2 ** 32;

export const transaction = {
  begin: 'begin isolation level read committed',
  commit: 'commit',
  rollback: 'rollback',
} as const;

/**
 * Set on connections with prepared statements: a plan made while a table was nearly empty would read all of it later, with a
 * million rows. Without prepared statements each execution is planned for the size of that moment.
 */
export const useIndexes = 'set enable_seqscan = off';

/** Until it is promoted. A primary becomes one only by a restart, which ends its connections. */
export const isStandby = 'select pg_is_in_recovery() as found';

/** Set on a connection that holds a lock, so that the server notices within half a minute that its router is gone. */
export const noticeLostClient = `set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3`;

/**
 * The step at index n migrates the schema from version n to n + 1. A change of the schema is a new step, which must be safe
 * while routers of the previous version run. Codes for states: 0 waiting, 1 running, 3 delivered, 4 skipped, 5 dead,
 * 6 gathered.
 */
export const migrations: readonly ((schema: string) => string)[] = [
  (s) => `
  create sequence ${s}.event_numbers;
  create sequence ${s}.router_numbers;
  -- Which event has which source and key. Narrow, so that duplicates can be found for longer than bodies are kept.
  create table ${s}.seen (digest uuid primary key, id uuid not null unique, seq bigint not null);
  create index seen_by_seq on ${s}.seen (seq);

  create table ${s}.events (
    seq bigint primary key, id uuid not null, source text not null, key text not null, type text not null, subject text,
    agent text, party text, occurred_at bigint not null, received_at bigint not null, routed boolean not null,
    body bytea not null
  ) partition by range (seq);
  create index events_by_time on ${s}.events (received_at, seq);
  -- Queried while a phone rings. A digest, because an index cannot hold long texts.
  create index events_by_party on ${s}.events (hashtextextended(party, 0), received_at, seq) where party is not null;

  -- Open deliveries only: small, however many have been delivered.
  create table ${s}.deliveries (
    seq bigint not null, idx integer not null, destination text not null, route text not null, transforms text,
    line uuid, -- a digest of the event's subject
    state smallint not null, attempts integer not null, tries integer not null, lease integer not null,
    due_at bigint not null, created_at bigint not null,
    claim bigint, -- number of the claim that took it, unique among all routers
    primary key (seq, idx)
  ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
  create index deliveries_due on ${s}.deliveries (destination, due_at, seq, idx);
  create index deliveries_in_line on ${s}.deliveries (destination, line, state, seq, idx) where line is not null;
  create index deliveries_by_time on ${s}.deliveries (created_at, seq, idx);

  create table ${s}.settled (
    seq bigint not null, idx integer not null, destination text not null, route text not null, transforms text, line uuid,
    state smallint not null, reason text, attempts integer not null, tries integer not null, lease integer not null,
    created_at bigint not null, settled_at bigint not null,
    primary key (seq, idx)
  ) partition by range (seq);
  create index settled_by_time on ${s}.settled (created_at, seq, idx);
  create index settled_dead on ${s}.settled (created_at, seq, idx) include (destination, reason) where state = 5;

  create table ${s}.attempts (
    seq bigint not null, idx integer not null, number integer not null, started_at bigint not null,
    duration double precision not null, outcome text not null, reason text, response text,
    primary key (seq, idx, number)
  ) partition by range (seq);
  `,
  (s) => `create table ${s}.state (key text primary key, value text not null)`,
  (s) => `
  alter table ${s}.state add column expires_at bigint;
  create index state_by_end on ${s}.state (expires_at) where expires_at is not null;
  `,
  // The transaction of each row, by which changes are found in an order in which none is missed; null in older rows.
  (s) => `
  alter table ${s}.events add column xid xid8;
  alter table ${s}.events alter column xid set default pg_current_xact_id();
  create index events_by_xid on ${s}.events (xid, seq) where xid is not null;
  alter table ${s}.attempts add column xid xid8;
  alter table ${s}.attempts alter column xid set default pg_current_xact_id();
  create index attempts_by_xid on ${s}.attempts (xid, seq, idx, number) where xid is not null;
  `,
  // The order of the database's language would not serve prefixes.
  (s) => `create index state_by_prefix on ${s}.state (key collate "C")`,
  (s) => `alter table ${s}.events add column trace text`,
  // Of erased events: until when their key is known.
  (s) => `
  alter table ${s}.seen add column erased_until bigint;
  create index seen_by_end on ${s}.seen (erased_until, id) where erased_until is not null;
  `,
  // Deliveries that gather (first), or are gathered. gathering: a digest of destination, route and subject.
  (s) => `
  create table ${s}.gathered (
    seq bigint not null, idx integer not null, gathering uuid not null, first boolean not null, ends boolean not null,
    primary key (seq, idx)
  );
  create index gathered_by_gathering on ${s}.gathered (gathering, seq, idx);
  create unique index gathered_first on ${s}.gathered (gathering) where first;
  `,
  // What routers exchange: nothing that a crash may not take. Updates change no index.
  (s) => `
  create unlogged table ${s}.routers (id text primary key, beat bigint not null, report text not null)
    with (fillfactor = 50);
  create unlogged table ${s}.buckets (key text primary key, free_at double precision not null) with (fillfactor = 50);
  -- Answers for repeated requests about calls, and facts about callers.
  create unlogged table ${s}.texts (key text primary key, text text not null, until double precision not null);
  create index texts_by_end on ${s}.texts (until);
  `,
  // Which claims are a router's: see sql-leases.ts. Null for routers of earlier versions, and once its leases have been ended.
  (s) => `alter table ${s}.routers add column number bigint`,
  // From PostgreSQL 18 on, an index can be searched by its later columns: in an almost empty table it was chosen in place of the primary
  // key, and read as a whole for each settlement once an old transaction kept removed rows in it. Both conditions always hold, and
  // keep each index to statements that compare its first column. Older routers do not wait behind a lock that is not granted soon.
  (s) => `
  set local lock_timeout = '3s';
  drop index ${s}.deliveries_due;
  create index deliveries_due on ${s}.deliveries (destination, due_at, seq, idx) where destination is not null;
  drop index ${s}.deliveries_by_time;
  create index deliveries_by_time on ${s}.deliveries (created_at, seq, idx) where created_at is not null;
  `,
  // Older routers go on without it; they do not wait behind a lock that is not granted soon.
  (s) => `
  set local lock_timeout = '3s';
  alter table ${s}.events add column verified text;
  `,
  // Deliveries that were skipped or gathered: rows of `settled` are never updated, and most have another state. Older routers go on without
  // it; they write no settlement while it is made, 0.4 s with a million rows.
  (s) => `
  set local lock_timeout = '3s';
  create index settled_by_state on ${s}.settled (state, created_at, seq, idx) where state in (4, 6);
  `,
  // When the last heartbeat was kept, in milliseconds since the epoch by the server's clock; null in rows of older routers.
  (s) => `
  set local lock_timeout = '3s';
  alter table ${s}.routers add column beaten_at double precision;
  `,
  // Routers that hold no lock by which others notice that they are there. In rows of older routers it is not known.
  (s) => `
  set local lock_timeout = '3s';
  alter table ${s}.routers add column listens boolean not null default true;
  `,
];

/** The statements that install the schema and keep its partitions. */
export function schemaStatements(schemaName: string) {
  const s = quoted(schemaName);
  const statement = (name: string, text: string): Statement => ({ name, text });
  return {
    server: statement(
      'server',
      `select current_setting('server_version_num')::int as version, current_setting('server_version') as text,
        current_setting('fsync') = 'on' and current_setting('synchronous_commit') <> 'off' as durable`,
    ),
    isInstalled: statement('is_installed', `select to_regclass(${literal(`${s}.migrations`)}) is not null as found`),
    version: statement('version', `select coalesce(max(version), 0) as version from ${s}.migrations`),
    hasSchema: statement('has_schema', 'select exists (select from pg_namespace where nspname = $1) as found'),
    mayCreateSchema: statement('may_create', `select has_database_privilege(current_database(), 'create') as found`),
    mayCreateTables: statement('may_use', `select has_schema_privilege($1, 'create, usage') as found`),
    createSchema: statement('create_schema', `create schema if not exists ${s}`),
    createMigrations: statement(
      'create_migrations',
      `create table if not exists ${s}.migrations (version integer primary key, applied_at timestamptz not null default now())`,
    ),
    migrations: migrations.map((text, index) => statement(`migrate_${index + 1}`, text(s))),
    noteMigration: statement('note_migration', `insert into ${s}.migrations (version) values ($1)`),

    /** One migration or change of partitions at a time. */
    lockSchema: statement(
      'lock_schema',
      `select pg_advisory_xact_lock(hashtextextended('switchhook.schema.' || $1, 0))`,
    ),
    routerNumber: statement('router_number', `select nextval(${literal(`${s}.router_numbers`)}) as number`),
    lastNumber: statement('last_number', `select last_value as seq from ${s}.event_numbers`),
    moveNumbers: statement(
      'move_numbers',
      `select setval(${literal(`${s}.event_numbers`)}, $1, false) from ${s}.event_numbers where last_value < $1`,
    ),
    partitions: statement(
      'partitions',
      `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = ${literal(`${s}.events`)}::regclass order by 1`,
    ),
    /** Attached after it was created: a table created as a partition would lock out all others for a moment. */
    addPartition: (table: string, suffix: string, from: number, until: number): Statement =>
      statement(
        'add_partition',
        `create table if not exists ${s}.${table}_${suffix} (like ${s}.${table} including defaults);
        alter table ${s}.${table} attach partition ${s}.${table}_${suffix} for values from (${from}) to (${until})`,
      ),
    /** What must be kept of a day, and how many events it has. */
    dayContent: (suffix: string): Statement =>
      statement(
        `day_content_${suffix}`,
        `select needed, case when needed then 0 else (select count(*) from ${s}.events_${suffix}) end as events
        from (select exists (select from ${s}.deliveries where seq >= $1 and seq < $2)
          or exists (select from ${s}.settled_${suffix} where state = 5 and reason <> 'discarded')
          or ${isGathered(schemaName, 'g.seq >= $1 and g.seq < $2')} as needed) content`,
      ),
    limitLockWait: statement('limit_lock_wait', `set local lock_timeout = '1s'`),
    /** In the order in which other statements lock them. */
    lockPartitioned: statement(
      'lock_partitioned',
      `lock table only ${s}.events, only ${s}.settled, only ${s}.attempts in access exclusive mode`,
    ),
    dropGathered: statement('drop_gathered', dropGathered(schemaName, '(seq >= $1 and seq < $2)')),
    dropDay: (suffix: string): Statement =>
      statement('drop_day', partitionedTables.map((table) => `drop table ${s}.${table}_${suffix}`).join('; ')),
  };
}
