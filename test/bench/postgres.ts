/** The scenarios of the PostgreSQL store, on a durable server of their own: against SQLite, with several routers, and with an old transaction. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../support/postgres-server.js';
import {
  arrived,
  connections,
  loaded,
  median,
  type Pair,
  perSecondRow,
  type Row,
  repeated,
  type Size,
} from './measuring.js';
import { delivered, eventsPath, forwarding, twoDeliveries } from './scenarios.js';
import { inDirectory, measure, type Server, secret, startReceiver, startRouter } from './servers.js';

/** A server, and a connection to look at it. */
interface Database {
  /** The row `store:` of routers. */
  readonly store: string;
  readonly url: string;
  /** The first row of the result. */
  query(text: string): Promise<Readonly<Record<string, number>>>;
}

const schema = 'bench';
const megabyte = 2 ** 20;

async function withDatabase<T>(use: (database: Database) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'switchhook-bench-postgres-'));
  const server = await startPostgres({ directory, isDurable: true });
  const client = new pg.Client({ connectionString: server.url });
  try {
    await client.connect();
    return await use({
      store: `{ use: postgres, url: "${server.url}", schema: ${schema} }`,
      url: server.url,
      query: async (text) => {
        const { rows } = await client.query(text);
        return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]));
      },
    });
  } finally {
    await client.end().catch(() => {});
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** What the server has done so far. */
const work = `select xact_commit as transactions, pg_current_wal_lsn() - '0/0'::pg_lsn as wal from pg_stat_database where datname = current_database()`;

/** The same on PostgreSQL and on SQLite, on the same cores. */
export async function postgres({ rounds, requests }: Size): Promise<Row[]> {
  const ingested = (label: string, store?: string) =>
    inDirectory(async (directory) => {
      const server = await startRouter(directory, twoDeliveries, { store });
      return (await loaded(server, { path: eventsPath, requests, label })).perSecond;
    });
  const forwarded = (label: string, store?: string) =>
    inDirectory((directory) =>
      delivered((receiver) => startRouter(directory, forwarding(receiver), { store }), eventsPath, label, requests),
    );
  const costs: { transactions: number; wal: number }[] = [];
  const pairs = await repeated(rounds, async (round) => {
    const both = async (run: typeof ingested, label: string): Promise<Pair> => {
      const onPostgres = await withDatabase(async ({ store, query }) => {
        const before = await query(work);
        const perSecond = await run(`${label}-${round}`, store);
        const after = await query(work);
        if (run === forwarded)
          costs.push({
            transactions: (after.transactions ?? 0) - (before.transactions ?? 0),
            wal: (after.wal ?? 0) - (before.wal ?? 0),
          });
        return perSecond;
      });
      return [onPostgres, await run(`sqlite-${label}-${round}`)];
    };
    return { ingest: await both(ingested, 'ingest'), whole: await both(forwarded, 'whole') };
  });
  // With the events that warm it up.
  const events = requests + 2_000;
  const perEvent = (of: 'transactions' | 'wal') => median(costs.map((cost) => cost[of] / events));
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
      what: 'transactions of an event from request to settlement',
      figures: `${Math.round(perEvent('wal'))} bytes of WAL`,
      ratio: perEvent('transactions'),
      setTarget: '≤ 1.3',
    },
  ];
}

/** Three routers on one server, against one. All share the cores with the server and the load. */
export async function routers({ rounds, requests }: Size): Promise<Row[]> {
  const run = (count: number, round: number) =>
    withDatabase(({ store }) =>
      inDirectory(async (directory) => {
        const receiver = await startReceiver();
        const rows = forwarding(receiver);
        const started: Server[] = [];
        for (let number = 0; number < count; number += 1) started.push(await startRouter(directory, rows, { store }));
        const each = (amount: number, label: string) =>
          Promise.all(
            started.map(({ port }, index) =>
              measure({
                ...{ port, path: eventsPath, secret, label: `${label}-${count}-${round}-${index}` },
                ...{ connections: Math.ceil(connections / count), requests: Math.ceil(amount / count) },
              }),
            ),
          );
        const [warm, all] = [2_000, requests].map((amount) => Math.ceil(amount / count) * count);
        await each(2_000, 'warm');
        await arrived(receiver, warm ?? 0);
        const startedAt = performance.now();
        await each(requests, 'load');
        await arrived(receiver, (warm ?? 0) + (all ?? 0));
        const perSecond = (all ?? 0) / ((performance.now() - startedAt) / 1_000);
        for (const server of [...started, receiver]) await server.stop();
        return perSecond;
      }),
    );
  const pairs = await repeated(rounds, async (round): Promise<Pair> => [await run(3, round), await run(1, round)]);
  return [perSecondRow('routers', 'three routers on one PostgreSQL ÷ one router, events/s', '', pairs)];
}

/** Load while a transaction that has read once stays open, so that the server removes no row, against the load before it. */
export async function holdXmin({ requests, minutes }: Size): Promise<Row[]> {
  return withDatabase(({ store, url, query }) =>
    inDirectory(async (directory) => {
      const receiver = await startReceiver();
      const server = await startRouter(directory, forwarding(receiver), { store });
      let sent = 0;
      const segment = async (): Promise<number> => {
        const startedAt = performance.now();
        const load = { port: server.port, path: eventsPath, secret, connections };
        await measure({ ...load, requests, label: `xmin-${sent}` });
        sent += requests;
        await arrived(receiver, sent);
        return requests / ((performance.now() - startedAt) / 1_000);
      };
      const sizes = () =>
        query(
          `select pg_total_relation_size('${schema}.deliveries') as hot, pg_database_size(current_database()) as whole`,
        );
      await segment();
      const before = [await segment(), await segment(), await segment()];
      const small = await sizes();
      const holder = new pg.Client({ connectionString: url });
      await holder.connect();
      await holder.query('begin isolation level repeatable read');
      await holder.query('select count(*) from pg_class');
      const heldAt = performance.now();
      const during: number[] = [];
      while (performance.now() - heldAt < minutes * 60_000) during.push(await segment());
      const large = await sizes();
      await holder.end();
      await server.stop();
      await receiver.stop();
      const last = median(during.slice(-3));
      const kept = `${during.length * requests} events`;
      return [
        {
          ...perSecondRow('hold xmin', `with a transaction open for ${minutes} min ÷ before, events/s`, '≥ 0.90', [
            [last, median(before)],
          ]),
          figures: `${Math.round(last)} ÷ ${Math.round(median(before))}, after ${kept}`,
        },
        {
          id: 'hold xmin size',
          what: 'growth of the table of open deliveries meanwhile, bytes per event',
          figures: `${Math.round((small.hot ?? 0) / megabyte)} → ${Math.round((large.hot ?? 0) / megabyte)} MB`,
          ratio: ((large.hot ?? 0) - (small.hot ?? 0)) / Math.max(1, during.length * requests),
          setTarget: '',
        },
      ];
    }),
  );
}
