import type { Store } from '@switchhook/sdk';
import { expect } from 'chai';
import { eventually } from '../../../../test/support/eventually.js';
import { startPostgres } from '../../../../test/support/postgres.js';
import { lastingPort } from '../../../../test/support/processes.js';
import { workplace } from '../../../../test/support/workplace.js';
import { named } from '../backends.js';
import { throttle } from '../gate.js';
import {
  aClaim,
  aNewDelivery,
  anEntry,
  bare,
  delivered,
  eventId,
  type Fixtures,
  failure,
  startMs,
  withStore,
} from './fixtures.js';

/** A role of its own, whose limits concern no other test. */
async function aRole({ database, schema }: Fixtures) {
  const role = `${schema}_role`;
  await database.query(`create role ${role} login password 'of-the-tests'`);
  await database.query(`grant all on schema ${schema} to ${role}`);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'of-the-tests';
  const change = async (text: string): Promise<void> => void (await database.query(`alter role ${role} ${text}`));
  const drop = async (): Promise<void> => {
    await database.query(`drop owned by ${role}`);
    await database.query(`drop role ${role}`);
  };
  return { url: url.href, role, change, drop };
}

/** Appends until it succeeds; returns how often it was refused before. */
async function appendUntilDone(store: Store, n: number, fixtures: Fixtures): Promise<number> {
  for (let refusals = 0; ; refusals += 1)
    try {
      await store.append([anEntry(n)]);
      return refusals;
    } catch {
      await fixtures.clock.advance(1_000);
    }
}

describe('postgres, in an outage', () => {
  it(
    'replaces connections that the server has ended, without a refusal',
    withStore(async ({ open, database }) => {
      const { url, name } = named(database.url);
      const store = await open({ url });
      const end = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1`;
      for (let round = 0; round < 10; round += 1) {
        const batch = Array.from({ length: 300 }, (_, n) => store.append([anEntry(round * 300 + n)]));
        await database.query(end, [name]);
        const appended = (await Promise.all(batch)).flat();
        expect(appended.filter(({ duplicate }) => duplicate)).to.deep.equal([]);
        const { deliveries } = await store.claim(aClaim());
        await database.query(end, [name]);
        await store.settle(deliveries.map((one) => delivered(one)));
        const changed = store.setState?.('round', `${round}`, round === 0 ? null : `${round - 1}`);
        await database.query(end, [name]);
        expect(await changed).to.equal(true);
      }
      const [row] = await database.query('select count(*)::int as count from attempts');
      expect(row?.count).to.equal(3_000);
    }),
  );

  it(
    'refuses at once while the server cannot be reached, tries it again with pauses, and goes on when it is back',
    withStore(async (fixtures) => {
      const gate = await throttle(fixtures.database.url);
      const store = await fixtures.open({ url: gate.url, listen: false });
      await store.append([anEntry(1)]);
      await gate.become('shut');
      await failure(store.append([anEntry(2)]));
      const { message } = await failure(store.append([anEntry(2)]));
      expect(message).to.match(/^cannot connect: connect ECONNREFUSED/);
      await Promise.all([store.claim(aClaim()), store.events({ limit: 1 }), store.append([])].map(failure));
      await gate.become('open');
      const before = gate.connections;
      // The clock stands still: the pause is not over.
      await failure(store.append([anEntry(2)]));
      expect(gate.connections).to.equal(before);
      expect(await appendUntilDone(store, 2, fixtures)).to.equal(1);
      expect((await store.claim(aClaim())).deliveries).to.have.length(2);
      await gate.close();
    }),
  );

  it(
    'returns what a claim or an append has taken whose answer was lost, and does not count it as an attempt',
    withStore(async (fixtures) => {
      const { clock, database } = fixtures;
      let isDeaf = false;
      const gate = await throttle(database.url, { swallows: () => isDeaf });
      const store = await fixtures.open({ url: gate.url, listen: false });
      const running = aNewDelivery({ state: 'running', dueMs: startMs + 60_000 });
      await store.append([anEntry(1), anEntry(2)]);
      const [taken] = (await store.claim(aClaim({ limit: 1 }))).deliveries;
      const states = `select count(*)::int as count from deliveries where state = 1`;
      const isRunning = async (count: number): Promise<void> => {
        await eventually(async () => (await database.query(states))[0]?.count === count);
      };
      // Connections that are there when the answers cease.
      await Promise.all([store.append([]), store.backlog(), store.claim(aClaim({ destination: 'none' }))]);
      isDeaf = true;
      const lost = Promise.allSettled([store.claim(aClaim()), store.append([anEntry(3, {}, [running])])]);
      await isRunning(3);
      await gate.become('shut');
      expect((await lost).map(({ status }) => status)).to.deep.equal(['rejected', 'rejected']);
      isDeaf = false;
      await gate.become('open');
      await clock.advance(1_000);
      expect(await store.append([anEntry(4, { key: 'key-3' })])).to.deep.equal([
        { eventId: eventId(3), duplicate: true },
      ]);
      const { deliveries } = await store.claim(aClaim({ nowMs: clock.now() }));
      expect(deliveries.map(({ id, attempt }) => [id, attempt])).to.have.deep.members([
        [`${eventId(2)}.0`, 1],
        [`${eventId(3)}.0`, 1],
      ]);
      expect((await store.delivery(String(taken?.id)))?.state).to.equal('running');
      await gate.close();
    }),
  );

  it(
    'calls an event that it has kept itself no duplicate where the first answer was lost with the connection',
    withStore(async ({ open, database }) => {
      let isDeaf = false;
      const { url, name } = named(database.url);
      const gate = await throttle(url, { swallows: () => isDeaf });
      const store = await open({ url: gate.url, listen: false });
      await store.append([]);
      isDeaf = true;
      const appended = store.append([anEntry(1)]);
      await eventually(async () => (await database.query('select id from events')).length !== 0);
      await database.query('select 1');
      isDeaf = false;
      const end = 'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1';
      await database.query(end, [name]);
      expect(await appended).to.deep.equal([{ eventId: eventId(1), duplicate: false }]);
      expect(await store.append([anEntry(1)])).to.deep.equal([{ eventId: eventId(1), duplicate: true }]);
      await store.close?.();
      await gate.close();
    }),
  );

  it(
    'leaves to another router what that has claimed since, of an append whose answer was lost',
    withStore(async ({ open, database, clock }) => {
      let isDeaf = false;
      const gate = await throttle(database.url, { swallows: () => isDeaf });
      const store = await open({ url: gate.url, listen: false });
      const other = await open({ listen: false });
      await store.append([]);
      isDeaf = true;
      const running = aNewDelivery({ state: 'running', dueMs: startMs + 60_000 });
      const lost = failure(store.append([anEntry(1, {}, [running])]));
      await eventually(async () => (await database.query('select from deliveries')).length !== 0);
      await gate.become('shut');
      await lost;
      isDeaf = false;
      await gate.become('open');
      const [claimed] = (await other.claim(aClaim({ nowMs: startMs + 60_000 }))).deliveries;
      expect(claimed?.attempt).to.equal(2);
      await clock.advance(1_000);
      await store.append([]);
      expect(await other.delivery(`${eventId(1)}.0`)).to.include({ state: 'running', attempts: 2 });
      await store.close?.();
      await gate.close();
    }),
  );

  it(
    'goes on with what it was sent when a server that hung replies again',
    withStore(async ({ open, database }) => {
      const gate = await throttle(database.url);
      const store = await open({ url: gate.url, listen: false });
      await store.append([anEntry(1)]);
      await gate.become('stuck');
      const waiting = Promise.all([2, 3, 4].map((n) => store.append([anEntry(n)])));
      const sent = gate.sent;
      await gate.become('open');
      expect((await waiting).flat().map(({ duplicate }) => duplicate)).to.deep.equal([false, false, false]);
      expect(gate.sent).to.be.above(sent);
      await store.close?.();
      await gate.close();
    }),
  );

  it(
    'refuses once when the network goes silent: the other idle connections are replaced',
    withStore(async (fixtures) => {
      await fixtures.open();
      const gate = await throttle(fixtures.database.url);
      const url = new URL(gate.url);
      url.searchParams.set('query_timeout', '500');
      const store = await fixtures.open({ url: url.href, listen: false });
      await Promise.all([store.append([anEntry(1)]), store.backlog(), store.claim(aClaim({ destination: 'none' }))]);
      expect(gate.connections).to.be.above(2);
      gate.forget('drop');
      expect((await failure(store.append([anEntry(2)]))).message).to.equal('the database does not reply');
      const next = store.append([anEntry(2)]);
      await fixtures.clock.advance(250);
      expect((await next).length).to.equal(1);
      await store.close?.();
      await gate.close();
    }),
  );

  it(
    'refuses on a standby and where no connection is left, and goes on afterwards',
    withStore(async (fixtures) => {
      const { url, role, change, drop } = await aRole(fixtures);
      const store = await fixtures.open({ url, listen: false });
      await store.append([anEntry(1)]);
      const end = `select pg_terminate_backend(pid) from pg_stat_activity where usename = $1`;
      const outages = [
        [
          'set default_transaction_read_only = on',
          'reset default_transaction_read_only',
          /read-only transaction \(25006\)$/,
        ],
        ['connection limit 0', 'connection limit -1', /^cannot connect: too many connections for role .* \(53300\)$/],
        ['nologin', 'login', /^cannot connect: role .* is not permitted to log in \(28000\)$/],
      ] as const;
      for (const [n, [begin, finish, expected]] of outages.entries()) {
        await change(begin);
        await fixtures.database.query(end, [role]);
        expect((await failure(store.append([anEntry(n + 2)]))).message).to.match(expected);
        await change(finish);
        expect(await appendUntilDone(store, n + 2, fixtures)).to.be.at.most(1);
      }
      expect((await store.events({ limit: 10 })).items).to.have.length(4);
      await store.close?.();
      await drop();
    }),
  );

  it(
    'is found by a check where it may not create its tables',
    withStore(async (fixtures) => {
      const { url, drop } = await aRole(fixtures);
      const store = fixtures.make({ url, schema: 'nowhere' });
      const { message } = await failure(store.probe?.(new AbortController().signal));
      expect(message).to.equal('the schema nowhere does not exist, and the user may not create it');
      await drop();
    }),
  );

  it('loses nothing that it acknowledged when the server is killed again and again', async () => {
    const place = await workplace();
    const settings = { directory: place.path('postgres'), port: await lastingPort(), password: 'of-the-tests' };
    let server = await startPostgres({ ...settings, isDurable: true });
    const { make, clock, services } = bare(server.url);
    const store = make();
    await store.open?.();
    const acknowledged: number[] = [];
    let next = 0;
    let isOver = false;
    const sender = async (): Promise<void> => {
      while (!isOver) {
        const n = next++;
        try {
          await store.append([anEntry(n)]);
          acknowledged.push(n);
        } catch {
          await clock.advance(1_000);
        }
      }
    };
    const senders = Array.from({ length: 8 }, sender);
    for (let kills = 0; kills < 3; kills += 1) {
      const before = acknowledged.length;
      await eventually(() => acknowledged.length >= before + 200);
      await server.kill();
      server = await startPostgres({ ...settings, isDurable: true });
    }
    const before = acknowledged.length;
    await eventually(() => acknowledged.length >= before + 200);
    isOver = true;
    await Promise.all(senders);
    for (const n of acknowledged) expect(await store.event(eventId(n)), `event ${n}`).to.not.equal(null);
    await store.close?.();
    await services.close();
    await server.stop();
    await place.close();
  });
});
