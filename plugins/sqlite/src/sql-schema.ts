/** How a file is initialized, the settings of a connection, and the schema by version. */

/** Marks a file of Switchhook: "SwHk". */
export const applicationId = 0x5377486b;

/** Pages of 8 KB hold three bodies of 2 KB with little waste; 4 KB would hold one (measured: 40 % more bytes and time). */
export const pageBytes = 8_192;

/** Run before a new file has its first table. */
export const initialize = `pragma page_size = ${pageBytes}; pragma auto_vacuum = incremental; pragma application_id = ${applicationId};`;

/** Settings of each connection. `fullfsync` reaches the medium on macOS, too; with `secure_delete`, what is removed is overwritten with zeros. */
export const settings = (synchronous: 'full' | 'normal'): string => `
  pragma synchronous = ${synchronous};
  pragma fullfsync = 1;
  pragma checkpoint_fullfsync = 1;
  pragma wal_autocheckpoint = 1000;
  pragma journal_size_limit = 67108864;
  pragma cache_size = -16000;
  pragma secure_delete = on;`;

/** Held for the life of a store, in a file beside it. The system releases it when the process ends, also by kill -9. */
export const lock = 'begin exclusive';

/** Copies the whole database into an empty file. */
export const saveInto = (path: string): string => `vacuum into '${path.replaceAll("'", "''")}'`;

/**
 * The step at index n migrates a file from version n to n + 1. A change of the schema is a new step.
 * Codes for states keep rows and indexes small: 0 waiting, 1 running, 2 behind (waiting behind an older delivery of its
 * subject), 3 delivered, 4 skipped, 5 dead, 6 gathered. Below 3 is open.
 */
export const migrations: readonly string[] = [
  `
  create table events (
    seq integer primary key, id text not null unique, source text not null, key text not null, type text not null,
    subject text, agent text, party text, occurred_at integer not null, received_at integer not null,
    routed integer not null, body blob not null
  ) strict;
  -- Which event has which source and key: see duplicate-index.ts.
  create table keys (hash integer not null, seq integer not null, primary key (hash, seq)) strict, without rowid;
  create table new_keys (seq integer primary key, hash integer not null) strict;
  -- Grows at its end only, and answers every filter of a list without touching the bodies.
  create index events_by_time on events (received_at, seq, source, type, subject, agent, routed);
  -- Queried while a phone rings. Only events with a party are in it.
  create index events_by_party on events (party, received_at) where party is not null;

  create table deliveries (
    id integer primary key, -- the event's seq * 1024 + index
    route text not null, destination text not null, transforms text, state integer not null, reason text,
    attempts integer not null, tries integer not null, lease integer not null, due_at integer,
    line text, -- the event's subject, where the destination is ordered
    created_at integer not null, settled_at integer
  ) strict;
  create index deliveries_due on deliveries (destination, due_at, id, state) where state < 2;
  -- Open ones; includes settled_at so that counting needs no row.
  create index deliveries_open on deliveries (destination, settled_at, created_at) where settled_at is null;
  create index deliveries_in_line on deliveries (destination, line, state) where state < 3 and line is not null;
  create index deliveries_dead on deliveries (created_at, id, destination, reason) where state = 5;
  create index deliveries_by_time on deliveries (created_at);

  create table attempts (
    delivery integer not null, number integer not null, started_at integer not null, duration real not null,
    outcome text not null, reason text, response text,
    primary key (delivery, number)
  ) strict, without rowid;

  create table ordered_destinations (destination text primary key) strict, without rowid;
  `,
  'create table state (key text primary key, value text not null) strict, without rowid;',
  `
  alter table state add column expires_at integer;
  create index state_by_end on state (expires_at) where expires_at is not null;
  `,
  // Numbers attempts in the order of their commits: see `addAttempt`. Those of earlier versions have none.
  `
  alter table attempts add column change integer;
  create index attempts_by_change on attempts (change) where change is not null;
  `,
  'alter table events add column trace text;',
  `
  -- Keys of erased events, as digests: a repetition is a duplicate until the end.
  create table erased (digest text primary key, id text not null, until integer not null) strict, without rowid;
  create index erased_by_end on erased (until, id);
  `,
  `
  -- Deliveries that gather (first = 1), or that are gathered. line: a digest of destination, route and subject.
  create table gathered (id integer primary key, line text not null, first integer not null, ends integer not null) strict;
  create index gathered_by_line on gathered (line, id);
  create unique index gathered_first on gathered (line) where first = 1;
  `,
  `
  -- Of events that retention has removed: when they were received. Their keys have no end of their own. Null of erased events.
  alter table erased add column received_at integer;
  create index erased_by_receipt on erased (received_at, id) where received_at is not null;
  `,
  'alter table events add column verified text;',
  // Skipped and gathered ones, of which there are few.
  'create index deliveries_skipped on deliveries (created_at, id) where state in (4, 6);',
  // Each of the two states by itself: where all deliveries are gathered, none may be skipped.
  `
  create index deliveries_by_state on deliveries (state, created_at, id) where state in (4, 6);
  drop index deliveries_skipped;
  `,
];

/** Looks at the structure of every page, without the indexes' contents: one line, `ok` where nothing is damaged. */
export const quickCheck = 'quick_check(1)';

/** All tables of the newest version. */
export const tables = [
  'events',
  'keys',
  'new_keys',
  'deliveries',
  'attempts',
  'ordered_destinations',
  'state',
  'erased',
  'gathered',
] as const;
