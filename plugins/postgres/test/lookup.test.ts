import plugin from '@switchhook/plugin-postgres';
import { type JsonObject, type Resolver, z } from '@switchhook/sdk';
import { aCall, createComponent, fakeServices, resolverSuite, settled } from '@switchhook/testkit';
import { expect } from 'chai';
import pg from 'pg';
import { eventually } from '../../../test/support/eventually.js';
import { postgres, type TestDatabase } from '../../../test/support/postgres.js';
import { named, working } from './backends.js';
import { type Throttle, throttle } from './gate.js';

const component = plugin.components.find(({ type }) => type === 'postgres.lookup');
const signal = (): AbortSignal => new AbortController().signal;
const leftMs = 3_000;
const byPhone: JsonObject = { query: 'select * from customers where phone = $1', params: ['${{ call.from }}'] };
/** Waits for the lock of `whileLocked`. */
const locked: JsonObject = {
  query: `select $1::text as who, current_setting('statement_timeout') as timeout
    from (select pg_advisory_xact_lock_shared(hashtext(current_schema()))) as door`,
  params: ['${{ call.from }}'],
};
/** Takes as many seconds as the call says. */
const sleepy: JsonObject = {
  query: 'select pg_backend_pid() as pid from pg_sleep($1::float8)',
  params: ['${{ call.data.seconds }}'],
};
const sleeper = (seconds: number) => aCall({ data: { seconds } });

interface World {
  readonly database: TestDatabase;
  readonly services: ReturnType<typeof fakeServices>;
  /** Stands in front of the database for whoever uses its URL. */
  readonly door: Throttle;
  /** Opens a resolver; closed with the world. */
  make(options: JsonObject): Promise<Resolver>;
  /** Does something while `locked` queries have to wait. */
  whileLocked(body: () => Promise<void>): Promise<void>;
}

/** A fresh schema with two customers. */
async function withFixture(body: (fixture: World) => Promise<void>): Promise<void> {
  const database = await postgres();
  await database.query('create table customers (phone text primary key, first_name text, tier text)');
  await database.query(`insert into customers values ('+12345678912', 'Jane', 'gold'), ('+34600000000', 'José', null)`);
  const services = fakeServices();
  const door = await throttle(database.url);
  const made: Resolver[] = [];
  const make = async (options: JsonObject): Promise<Resolver> => {
    const resolver = createComponent('resolver', component, { url: database.url, ...options }, services, plugin);
    made.push(resolver);
    await resolver.open?.();
    return resolver;
  };
  const whileLocked = async (during: () => Promise<void>): Promise<void> => {
    const holding = new pg.Client(database.url);
    await holding.connect();
    try {
      await holding.query('select pg_advisory_lock(hashtext(current_schema()))');
      await during();
    } finally {
      await holding.end();
    }
  };
  try {
    await body({ database, services, door, make, whileLocked });
  } finally {
    for (const resolver of made) await resolver.close?.();
    await door.close();
    await services.close();
    await database.close();
  }
}

/** What somebody says who fails. */
function diagnostic(promise: Promise<unknown> | undefined): Promise<string> {
  return Promise.resolve(promise).then(
    () => 'none',
    (error: Error) => error.message,
  );
}

function problemsOf(options: JsonObject): readonly string[] {
  try {
    createComponent('resolver', component, { url: 'postgres://db/x', ...options }, fakeServices(), plugin);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  }
  return [];
}

resolverSuite(
  'postgres.lookup',
  async () => {
    const database = await postgres();
    await database.query(`create table customers (phone text primary key, first_name text)`);
    await database.query(`insert into customers values ('+12345678912', 'Jane')`);
    const door = await throttle(database.url);
    const services = fakeServices();
    const resolver = createComponent('resolver', component, { url: door.url, ...byPhone }, services, plugin);
    await resolver.open?.();
    return {
      resolver,
      known: aCall(),
      hang: () => door.become('held'),
      down: () => door.become('shut'),
      close: async () => {
        await resolver.close?.();
        await door.close();
        await services.close();
        await database.close();
      },
    };
  },
  { never: ['cutOff'] },
);

describe('postgres.lookup', () => {
  it('finds the columns of the row', () =>
    withFixture(async ({ make }) => {
      const resolver = await make(byPhone);
      const found = await resolver.resolve(aCall(), {}, signal(), leftMs);
      expect(found).to.deep.equal({ phone: '+12345678912', first_name: 'Jane', tier: 'gold' });
    }));

  it('takes the first row of several, in the order of the query', () =>
    withFixture(async ({ make }) => {
      const resolver = await make({
        query: 'select first_name from customers order by first_name desc; -- the last one',
      });
      expect(await resolver.resolve(aCall(), {}, signal(), leftMs)).to.deep.equal({ first_name: 'José' });
    }));

  it('reads one row of a million', () =>
    withFixture(async ({ make }) => {
      const resolver = await make({ query: 'select n from generate_series(1, 1000000) as n' });
      expect(await resolver.resolve(aCall(), {}, signal(), leftMs)).to.deep.equal({ n: 1 });
    }));

  it('gives every type as JSON', () =>
    withFixture(async ({ make }) => {
      const resolver = await make({
        query: `select 7::int as int, 42::bigint as big, 9007199254740993::bigint as huge, 12.50::numeric as money, 0.5::float8 as half,
          'NaN'::float8 as nan, true as yes, null as nothing, date '2026-01-31' as day, timestamp '2026-01-31 10:00:00' as local,
          timestamptz '2026-01-31 10:00:00+02' as moment, interval '1 day 02:00' as span, '{"a": [1, null, 8202522731445525542]}'::jsonb as json,
          array['a', 'b'] as list, array[1, 2]::bigint[] as numbers, '\\x00ff'::bytea as bytes,
          '01890a5d-ac96-774b-bcce-b302099a8057'::uuid as uuid, '😀' as text`,
      });
      expect(await resolver.resolve(aCall(), {}, signal(), leftMs)).to.deep.equal({
        int: 7,
        big: 42,
        huge: 9007199254740993n,
        money: '12.50',
        half: 0.5,
        nan: null,
        yes: true,
        nothing: null,
        day: '2026-01-31',
        local: '2026-01-31T10:00:00',
        moment: '2026-01-31T08:00:00.000Z',
        span: '1 day 02:00:00',
        json: { a: [1, null, 8202522731445525542n] },
        list: ['a', 'b'],
        numbers: ['1', '2'],
        bytes: 'AP8=',
        uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
        text: '😀',
      });
    }));

  it('passes values as parameters of their own type, lists and what others found included', () =>
    withFixture(async ({ make }) => {
      const resolver = await make({
        query: 'select first_name, $2::int + 1 as next, $3::jsonb as object from customers where phone = any($1)',
        params: ['${{ known.crm.phones }}', '${{ known.crm.visits }}', '${{ known.crm }}'],
      });
      const crm = { phones: ['+1', '+34600000000'], visits: 2 };
      expect(await resolver.resolve(aCall(), { crm }, signal(), leftMs)).to.deep.equal({
        first_name: 'José',
        next: 3,
        object: crm,
      });
    }));

  it('looks for null where a field is not there, which finds nobody', () =>
    withFixture(async ({ make }) => {
      const resolver = await make({
        query: 'select * from customers where phone = $1',
        params: ['${{ known.crm.phone }}'],
      });
      expect(await resolver.resolve(aCall(), { crm: {} }, signal(), leftMs)).to.deep.equal({});
    }));

  it('takes what the caller sends for a value, never for SQL', () =>
    withFixture(async ({ database, make }) => {
      const resolver = await make(byPhone);
      for (const from of ["'; drop table customers; --", "+1' or '1'='1", '', 'sip:anonymous@invalid', '\u2028'])
        expect(await resolver.resolve(aCall({ from }), {}, signal(), leftMs)).to.deep.equal({});
      expect(await database.query('select 1 from customers')).to.have.length(2);
    }));

  it('cannot write', () =>
    withFixture(async ({ database, make }) => {
      await database.query(
        `create function note() returns int language sql as $$ insert into customers values ('+9') returning 1 $$`,
      );
      const resolver = await make({ query: 'select note()' });
      expect(await diagnostic(resolver.resolve(aCall(), {}, signal(), leftMs))).to.equal(
        'cannot execute INSERT in a read-only transaction (25006)',
      );
      expect(await database.query('select 1 from customers')).to.have.length(2);
    }));

  it('goes on after a query that failed, and after its table was changed', () =>
    withFixture(async ({ database, make }) => {
      const resolver = await make({ ...byPhone, connections: 1 });
      const name = async () => (await resolver.resolve(aCall(), {}, signal(), leftMs)).first_name;
      expect(await name()).to.equal('Jane');
      await database.query('alter table customers rename to people');
      expect(await diagnostic(name())).to.equal('relation "customers" does not exist (42P01)');
      await database.query(
        'alter table people rename to customers; alter table customers drop column tier, add column age int',
      );
      expect(await name()).to.equal('Jane');
    }));

  it('keeps what the caller sent out of the complaint', () =>
    withFixture(async ({ make }) => {
      const resolver = await make({ query: 'select $1::bigint as n', params: ['${{ call.from }}'] });
      const said = await diagnostic(resolver.resolve(aCall({ from: 'Jane "x" Doe' }), {}, signal(), leftMs));
      expect(said).to.equal('invalid input syntax for type bigint (22P02)');
    }));

  it('does not let a call wait for a full pool: no longer than a quarter of what it has left, nor than 250 ms', () =>
    withFixture(async ({ make, services, whileLocked }) => {
      const resolver = await make({ ...locked, connections: 1 });
      await resolver.resolve(aCall(), {}, signal(), leftMs);
      await whileLocked(async () => {
        const controller = new AbortController();
        const first = diagnostic(resolver.resolve(aCall(), {}, controller.signal, leftMs));
        const ended: string[] = [];
        const second = diagnostic(resolver.resolve(aCall(), {}, signal(), 400)).then((said) => ended.push(said));
        const third = diagnostic(resolver.resolve(aCall(), {}, signal(), leftMs)).then((said) => ended.push(said));
        const fourth = diagnostic(resolver.resolve(aCall(), {}, AbortSignal.abort(new Error('hung up')), leftMs));
        await services.clock.advance(99);
        expect([await fourth, ...ended]).to.deep.equal(['hung up']);
        await services.clock.advance(1);
        await second;
        await services.clock.advance(149);
        expect(ended).to.deep.equal(['the pool is full: 1 in use']);
        await services.clock.advance(1);
        await third;
        controller.abort(new Error('time is up'));
        expect(await first).to.equal('time is up');
      });
      expect(await resolver.resolve(aCall(), {}, signal(), leftMs)).to.include({ who: '+12345678912' });
      expect(services.clock.pending).to.equal(0);
    }));

  it('lets those who wait have the connection in their order', () =>
    withFixture(async ({ make }) => {
      const resolver = await make({ ...byPhone, connections: 1 });
      const ended: number[] = [];
      await Promise.all(
        [0, 1, 2, 3].map((n) => resolver.resolve(aCall(), {}, signal(), leftMs).then(() => ended.push(n))),
      );
      expect(ended).to.deep.equal([0, 1, 2, 3]);
    }));

  it('has the server end a query when the time of its call is over, in steps of 50 ms', () =>
    withFixture(async ({ make }) => {
      const resolver = await make({ query: "select current_setting('statement_timeout') as timeout", connections: 1 });
      const seen = [];
      for (const left of [2_000, 1_999, 1_951, 1_950, 120, 1])
        seen.push((await resolver.resolve(aCall(), {}, signal(), left)).timeout);
      expect(seen).to.deep.equal(['2s', '2s', '2s', '1950ms', '150ms', '50ms']);
    }));

  it('has the server end it sooner where it had to wait for a connection', () =>
    withFixture(async ({ make, services, whileLocked }) => {
      const resolver = await make({ ...locked, connections: 1 });
      await resolver.resolve(aCall(), {}, signal(), leftMs);
      let second: Promise<JsonObject> | null = null;
      await whileLocked(async () => {
        void diagnostic(resolver.resolve(aCall(), {}, signal(), leftMs));
        second = resolver.resolve(aCall(), {}, signal(), 2_000);
        await services.clock.advance(200);
      });
      expect(await second).to.include({ timeout: '1800ms' });
    }));

  it('costs one round trip, and a second one where the server must be told another time', () =>
    withFixture(async ({ door, make }) => {
      const resolver = await make({ url: door.url, ...byPhone, connections: 1 });
      await resolver.resolve(aCall(), {}, signal(), 2_000);
      const trips = [];
      for (const left of [2_000, 1_990, 1_500]) {
        const before = door.sent;
        await resolver.resolve(aCall(), {}, signal(), left);
        trips.push(door.sent - before);
      }
      expect(trips).to.deep.equal([1, 1, 2]);
    }));

  it('gives up a query that takes too long at once, and uses its connection again when the server has ended it', () =>
    withFixture(async ({ database, make }) => {
      const { url, name } = named(database.url);
      const resolver = await make({ ...sleepy, url, connections: 1 });
      const { pid } = await resolver.resolve(sleeper(0), {}, signal(), leftMs);
      const controller = new AbortController();
      const look = diagnostic(resolver.resolve(sleeper(60), {}, controller.signal, 1_000));
      await eventually(async () => (await working(database, name, 'pg_sleep')).length !== 0);
      controller.abort(new Error('time is up'));
      expect(await look).to.equal('time is up');
      expect(await working(database, name, 'pg_sleep')).to.have.length.at.most(1);
      expect(await resolver.resolve(sleeper(0), {}, signal(), leftMs)).to.deep.include({ pid });
      expect(await working(database, name, 'pg_sleep')).to.deep.equal([]);
    }));

  it('never has the server work on more queries than there are connections, however many calls come in and give up', () =>
    withFixture(async ({ database, make }) => {
      const { url, name } = named(database.url);
      const resolver = await make({ ...sleepy, url, connections: 2 });
      const statements = new Set<string>();
      let most = 0;
      for (const round of [1, 2, 3]) {
        const controllers = Array.from({ length: 10 }, () => new AbortController());
        const looks = controllers.map((one) => diagnostic(resolver.resolve(sleeper(60), {}, one.signal, 200)));
        while (statements.size < 2 * round) {
          const busy = await working(database, name, 'pg_sleep');
          for (const statement of busy) statements.add(statement);
          most = Math.max(most, busy.length);
        }
        for (const one of controllers) one.abort(new Error('time is up'));
        await Promise.all(looks);
      }
      expect(most).to.equal(2);
      await eventually(async () => (await working(database, name, 'pg_sleep')).length <= 0);
    }));

  it('cuts a connection from which nothing is heard a second after its time, and makes another', () =>
    withFixture(async ({ door, make, services }) => {
      const resolver = await make({ url: door.url, ...byPhone, connections: 1 });
      await resolver.resolve(aCall(), {}, signal(), leftMs);
      await door.become('held');
      const controller = new AbortController();
      const look = diagnostic(resolver.resolve(aCall(), {}, controller.signal, 500));
      await services.clock.advance(500);
      controller.abort(new Error('time is up'));
      expect(await look).to.equal('time is up');
      await door.become('open');
      await services.clock.advance(900);
      const next = resolver.resolve(aCall(), {}, signal(), leftMs);
      await services.clock.advance(99);
      expect(door.connections).to.equal(1);
      await services.clock.advance(1);
      expect(await next).to.include({ first_name: 'Jane' });
      expect(door.connections).to.equal(2);
    }));

  it('fails one look-up when the network goes silent: the other idle connections are replaced', () =>
    withFixture(async ({ door, make, services }) => {
      const resolver = await make({ url: door.url, ...byPhone });
      const look = () => resolver.resolve(aCall(), {}, signal(), leftMs);
      await Promise.all(Array.from({ length: 10 }, look));
      expect(door.connections).to.equal(10);
      door.forget('drop');
      const controller = new AbortController();
      const first = diagnostic(resolver.resolve(aCall(), {}, controller.signal, 500));
      await services.clock.advance(500);
      controller.abort(new Error('time is up'));
      expect(await first).to.equal('time is up');
      const second = look();
      await services.clock.advance(250);
      expect(await second).to.include({ first_name: 'Jane' });
      expect(door.connections).to.equal(11);
      const others = await Promise.all(Array.from({ length: 9 }, look));
      expect(others.map((found) => found.first_name)).to.deep.equal(Array(9).fill('Jane'));
      await services.clock.advance(1_000);
      expect(services.clock.pending).to.equal(0);
    }));

  it('replaces at once the idle connections that are broken when one breaks', () =>
    withFixture(async ({ door, make }) => {
      const resolver = await make({ url: door.url, ...byPhone });
      const look = () => resolver.resolve(aCall(), {}, signal(), leftMs);
      await Promise.all(Array.from({ length: 10 }, look));
      door.forget('reset');
      expect(await diagnostic(look())).not.to.equal('none');
      expect(await look()).to.include({ first_name: 'Jane' });
    }));

  it('keeps the idle connections while the server answers, however many queries are too slow', () =>
    withFixture(async ({ door, make }) => {
      const resolver = await make({ url: door.url, ...sleepy });
      await Promise.all(Array.from({ length: 10 }, () => resolver.resolve(sleeper(0.1), {}, signal(), leftMs)));
      for (const _ of [1, 2, 3]) {
        const controllers = Array.from({ length: 5 }, () => new AbortController());
        const looks = controllers.map((one) => diagnostic(resolver.resolve(sleeper(60), {}, one.signal, 200)));
        await settled();
        for (const one of controllers) one.abort(new Error('time is up'));
        expect(await Promise.all(looks)).to.deep.equal(Array(5).fill('time is up'));
        const quick = Array.from({ length: 5 }, () => resolver.resolve(sleeper(0), {}, signal(), leftMs));
        expect(await Promise.all(quick)).to.have.length(5);
      }
      expect(door.connections).to.equal(10);
    }));

  it('makes no query for a call that is over before it could', () =>
    withFixture(async ({ door, make }) => {
      const resolver = await make({ url: door.url, ...byPhone, connections: 1 });
      await resolver.resolve(aCall(), {}, signal(), 2_000);
      const before = door.sent;
      await door.become('stuck');
      const controller = new AbortController();
      const look = diagnostic(resolver.resolve(aCall(), {}, controller.signal, 1_000));
      await settled();
      controller.abort(new Error('time is up'));
      expect(await look).to.equal('time is up');
      await door.become('open');
      expect(await resolver.resolve(aCall(), {}, signal(), 1_000)).to.include({ first_name: 'Jane' });
      expect([door.sent - before, door.connections]).to.deep.equal([2, 1]);
    }));

  it('does not wait for a query that nobody waits for when it is closed', () =>
    withFixture(async ({ database, services }) => {
      const { url, name } = named(database.url);
      const resolver = createComponent('resolver', component, { ...sleepy, url }, services, plugin);
      const controller = new AbortController();
      const look = diagnostic(resolver.resolve(sleeper(60), {}, controller.signal, 60_000));
      await eventually(async () => (await working(database, name, 'pg_sleep')).length !== 0);
      controller.abort(new Error('time is up'));
      await look;
      await resolver.close?.();
      expect(services.clock.pending).to.equal(0);
      await database.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
        name,
      ]);
    }));

  it('opens while the database is down, says so, and finds callers once it is up', () =>
    withFixture(async ({ door, make, services }) => {
      await door.become('shut');
      const unreachable = services.log.next('postgres.unreachable');
      const resolver = await make({ url: door.url, ...byPhone });
      expect((await unreachable).fields.reason).to.match(/^connect ECONNREFUSED /);
      await door.become('open');
      expect(await resolver.resolve(aCall(), {}, signal(), leftMs)).to.include({ first_name: 'Jane' });
    }));

  it('gives up connecting at start to a database that does not answer', () =>
    withFixture(async ({ door, make, services }) => {
      await door.become('held');
      const unreachable = services.log.next('postgres.unreachable');
      await make({ url: door.url, ...byPhone });
      await services.clock.advance(10_000);
      expect((await unreachable).fields.reason).to.equal('the database does not answer');
    }));

  it('finds callers again after the database was away', () =>
    withFixture(async ({ door, make }) => {
      const resolver = await make({ url: door.url, ...byPhone, connections: 1 });
      await resolver.resolve(aCall(), {}, signal(), leftMs);
      await door.become('shut');
      expect(await diagnostic(resolver.resolve(aCall(), {}, signal(), leftMs))).not.to.equal('none');
      await door.become('open');
      expect(await resolver.resolve(aCall(), {}, signal(), leftMs)).to.include({ first_name: 'Jane' });
    }));

  it('has the server read the query when it is checked, without running it', () =>
    withFixture(async ({ database, make }) => {
      await database.query('create table runs (n serial)');
      await database.query('create function ran() returns int volatile language sql as $$ select 1 / 0 $$');
      const good = await make({ query: 'select ran(), $1::text', params: ['${{ call.from }}'] });
      expect(await diagnostic(good.probe?.(signal()))).to.equal('none');
      expect(await diagnostic(good.probe?.(signal()))).to.equal('none');
      const wrong = await make({ query: 'select frist_name from customers' });
      expect(await diagnostic(wrong.probe?.(signal()))).to.match(/^column "frist_name" does not exist \(42703\)$/);
    }));

  it('refuses options that cannot work', () => {
    expect(problemsOf(byPhone)).to.deep.equal([]);
    for (const query of [' ', 'delete from customers', 'select 1; drop table customers'])
      expect(problemsOf({ query })).to.deep.equal([
        'query: expected one query that reads: select, with, values or table',
      ]);
    expect(problemsOf({ query: 'select $1, $3', params: ['a'] })).to.deep.equal([
      'params: the query uses $1, $3, params gives $1',
    ]);
    expect(problemsOf({ query: 'select 1', params: ['a'] })).to.deep.equal([
      'params: the query uses no parameter, params gives $1',
    ]);
    expect(problemsOf({ query: 'select $2', params: ['a', 'b'] })).to.deep.equal([
      'params: the query uses $2, params gives $1, $2',
    ]);
    expect(problemsOf({ query: 'select $1', params: ['${{ event.id }}'] })).to.have.length(1);
  });
});
