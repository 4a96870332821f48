/** The scenarios of the PostgreSQL store, on a durable server of their own: against SQLite, with several routers, and with an old transaction. */
import plugin from '@switchhook/plugin-postgres';
import pg from 'pg';
import { filledStore } from './backlog.js';
import { type Database, processorSeconds, schema, withDatabase } from './database.js';
import {
  arrived,
  connections,
  loaded,
  median,
  type Pair,
  perSecondRow,
  type Row,
  ratioRow,
  repeated,
  type Size,
} from './measuring.js';
import { delivered, eventsPath, forwarding, twoDeliveries } from './scenarios.js';
import { inDirectory, measure, type Server, secret, startReceiver, startRouter } from './servers.js';

const megabyte = 2 ** 20;

/** What the server has done so far. */
const work = `select xact_commit as transactions, pg_current_wal_lsn() - '0/0'::pg_lsn as wal, pg_database_size(datname) as size
  from pg_stat_database where datname = current_database()`;

/** What an event costs, from request to settlement. */
interface Cost {
  readonly transactions: number;
  /** Bytes of the write-ahead log, and by which the database has grown. */
  readonly wal: number;
  readonly size: number;
  /** Processor time in microseconds: of the routers, and of the server. */
  readonly router: number;
  readonly server: number;
}

/** Measures what so many events cost: from the call to the call of what it returns. */
async function metered(routers: readonly Server[], database: Database | null, events: number) {
  const taken = async () => ({
    ...((await database?.query(work)) ?? {}),
    router: 1e6 * processorSeconds(routers),
    server: 1e6 * (database?.processorSeconds() ?? 0),
  });
  const before: Partial<Cost> = await taken();
  return async (): Promise<Cost> => {
    const after: Partial<Cost> = await taken();
    const of = (what: keyof Cost): number => ((after[what] ?? 0) - (before[what] ?? 0)) / events;
    const [transactions, wal, size] = [of('transactions'), of('wal'), of('size')];
    return { transactions, wal, size, router: of('router'), server: of('server') };
  };
}

/** The row of processor times: all of one side ÷ all of the other. */
function processorRow(id: string, what: string, costs: readonly (readonly [Cost, Cost])[]): Row {
  const of = (side: 0 | 1, part: keyof Cost): number => median(costs.map((pair) => pair[side][part]));
  const sum = (side: 0 | 1): number => of(side, 'router') + of(side, 'server');
  const text = (side: 0 | 1): string => `(${Math.round(of(side, 'router'))} + ${Math.round(of(side, 'server'))})`;
  return { ...ratioRow(id, what, '', sum(0), sum(1)), figures: `routers + server: ${text(0)} ÷ ${text(1)}` };
}

/** The same on PostgreSQL and on SQLite, on the same cores. */
export async function postgres({ rounds, requests }: Size): Promise<Row[]> {
  const ingested = (label: string, database: Database | null) =>
    inDirectory(async (directory) => {
      const server = await startRouter(directory, twoDeliveries, { store: database?.store });
      return (await loaded(server, { path: eventsPath, requests, label })).perSecond;
    });
  const costs: [Cost, Cost][] = [];
  const forwarded = (label: string, database: Database | null) =>
    inDirectory(async (directory) => {
      let cost: Cost | undefined;
      const perSecond = await delivered(
        (receiver) => startRouter(directory, forwarding(receiver), { store: database?.store }),
        ...[eventsPath, label, requests],
        async (server) => {
          const ended = await metered([server], database, requests);
          return async () => {
            cost = await ended();
          };
        },
      );
      if (cost === undefined) throw new Error('nothing was metered');
      return { perSecond, cost };
    });
  const pairs = await repeated(rounds, async (round) => {
    const ingest: Pair = [
      await withDatabase((database) => ingested(`ingest-${round}`, database)),
      await ingested(`sqlite-ingest-${round}`, null),
    ];
    const onPostgres = await withDatabase((database) => forwarded(`whole-${round}`, database));
    const onSqlite = await forwarded(`sqlite-whole-${round}`, null);
    costs.push([onPostgres.cost, onSqlite.cost]);
    return { ingest, whole: [onPostgres.perSecond, onSqlite.perSecond] as const };
  });
  const bytes = (of: 'wal' | 'size') => Math.round(median(costs.map(([cost]) => cost[of])));
  const what = (text: string) => `${text} with PostgreSQL ÷ with SQLite, events/s`;
  return [
    perSecondRow(
      'pg ingest',
      what('durable ingest'),
      '≥ 0.60',
      pairs.map(({ ingest }) => ingest),
    ),
    perSecondRow(
      'pg whole',
      what('verify, store, http.post, settle'),
      '≥ 0.60',
      pairs.map(({ whole }) => whole),
    ),
    {
      id: 'pg per event',
      what: 'statements of an event from request to settlement, each a transaction and a round trip',
      figures: `${bytes('wal')} bytes of WAL, ${bytes('size')} in the database, with a body of 2 KB that can be compressed`,
      ratio: median(costs.map(([{ transactions }]) => transactions)),
      setTarget: '≤ 1.3',
    },
    processorRow('pg processor', 'processor time of an event with PostgreSQL ÷ with SQLite, µs', costs),
  ];
}

/** A million waiting deliveries in PostgreSQL, against none: ingest and start. */
export async function pgBacklog({ requests, backlog: waiting }: Size): Promise<Row[]> {
  const measured = (database: Database, label: string) =>
    inDirectory(async (directory) => {
      const server = await startRouter(directory, twoDeliveries, { store: database.store });
      const { perSecond } = await loaded(server, { path: eventsPath, requests, label });
      return { perSecond, readyMs: server.readyMs };
    });
  const empty = await withDatabase((database) => measured(database, 'pg-empty'));
  const full = await withDatabase(async (database) => {
    await filledStore(plugin, { url: database.url, schema }, waiting);
    return measured(database, 'pg-full');
  });
  const count = waiting.toLocaleString('en');
  return [
    ratioRow(
      'pg backlog',
      `ingest with ${count} waiting in PostgreSQL ÷ with none, events/s`,
      '≥ 0.80',
      full.perSecond,
      empty.perSecond,
    ),
    ratioRow(
      'pg start',
      `from start to ready with ${count} waiting ÷ with none, ms`,
      '≤ 2',
      full.readyMs,
      empty.readyMs,
    ),
  ];
}

/** Three routers on one server, against one. All share the cores with the server and the load. */
export async function routers({ rounds, requests }: Size): Promise<Row[]> {
  const run = (count: number, round: number) =>
    withDatabase((database) =>
      inDirectory(async (directory) => {
        const receiver = await startReceiver();
        const rows = forwarding(receiver);
        const started: Server[] = [];
        for (let number = 0; number < count; number += 1)
          started.push(await startRouter(directory, rows, { store: database.store }));
        const each = (amount: number, label: string) =>
          Promise.all(
            started.map(({ port }, index) =>
              measure({
                ...{ port, path: eventsPath, secret, label: `${label}-${count}-${round}-${index}` },
                ...{ connections: Math.ceil(connections / count), requests: amount },
              }),
            ),
          );
        // Each router compiles its own code.
        const warm = 2_000 * count;
        await each(2_000, 'warm');
        await arrived(receiver, warm);
        const share = Math.ceil(requests / count);
        const ended = await metered(started, database, share * count);
        const startedAt = performance.now();
        await each(share, 'load');
        await arrived(receiver, warm + share * count);
        const perSecond = (share * count) / ((performance.now() - startedAt) / 1_000);
        const cost = await ended();
        for (const server of [...started, receiver]) await server.stop();
        return { perSecond, cost };
      }),
    );
  const pairs = await repeated(rounds, async (round) => [await run(3, round), await run(1, round)] as const);
  const perSeconds = pairs.map(([three, one]): Pair => [three.perSecond, one.perSecond]);
  const costs = pairs.map(([three, one]) => [three.cost, one.cost] as const);
  return [
    perSecondRow('routers', 'three routers on one PostgreSQL ÷ one router, events/s', '', perSeconds),
    processorRow('processor', 'processor time of an event with three routers ÷ with one, µs', costs),
  ];
}

/** Load while a transaction that has read once stays open, so that the server removes no row, against the load before it and after it. */
export async function holdXmin({ requests, minutes }: Size): Promise<Row[]> {
  return withDatabase((database) =>
    inDirectory(async (directory) => {
      const { store, url, query } = database;
      const receiver = await startReceiver();
      const server = await startRouter(directory, forwarding(receiver), { store });
      let sent = 0;
      const segment = async (): Promise<Segment> => {
        const ended = await metered([server], database, requests);
        const startedAt = performance.now();
        const load = { port: server.port, path: eventsPath, secret, connections };
        await measure({ ...load, requests, label: `xmin-${sent}` });
        sent += requests;
        await arrived(receiver, sent);
        return { perSecond: requests / ((performance.now() - startedAt) / 1_000), cost: await ended() };
      };
      const three = async () => [await segment(), await segment(), await segment()];
      const sizes = () =>
        query(
          `select pg_total_relation_size('${schema}.deliveries') as hot, pg_database_size(current_database()) as whole`,
        );
      await segment();
      const before = await three();
      const small = await sizes();
      const holder = new pg.Client({ connectionString: url });
      await holder.connect();
      await holder.query('begin isolation level repeatable read');
      await holder.query('select count(*) from pg_class');
      const heldAt = performance.now();
      const during: Segment[] = [];
      while (performance.now() - heldAt < minutes * 60_000) during.push(await segment());
      const large = await sizes();
      await holder.end();
      await query(`vacuum ${schema}.deliveries`);
      const after = await three();
      await server.stop();
      await receiver.stop();
      const last = during.slice(-3);
      const speed = (segments: readonly Segment[]): number => median(segments.map(({ perSecond }) => perSecond));
      const what = `with a transaction open for ${minutes} min ÷`;
      return [
        {
          ...ratioRow(
            'hold xmin',
            `${what} before and after, events/s`,
            '≥ 0.90',
            speed(last),
            speed([...before, ...after]),
          ),
          figures: `${[last, before, after].map((segments) => Math.round(speed(segments))).join(' ÷ ')}, ${during.length * requests} events meanwhile`,
        },
        processorRow(
          'xmin processor',
          `${what} after it, processor time of an event, µs`,
          last.map((segment, index) => [segment.cost, (after[index] ?? segment).cost]),
        ),
        {
          id: 'hold xmin size',
          what: 'growth of the table of open deliveries meanwhile, bytes per event',
          figures: `${Math.round((small.hot ?? 0) / megabyte)} → ${Math.round((large.hot ?? 0) / megabyte)} MB`,
          ratio: ((large.hot ?? 0) - (small.hot ?? 0)) / Math.max(1, during.length * requests),
          setTarget: '≤ 600',
        },
      ];
    }),
  );
}

/** Some load from its first request to its last delivery. */
interface Segment {
  readonly perSecond: number;
  readonly cost: Cost;
}
