import { type JsonObject, type Resolver, z } from '@switchhook/core/plugin';
import { aCall, createComponent, fakeTools, resolverSuite } from '@switchhook/core/testkit';
import plugin from '@switchhook/plugin-postgres';
import { expect } from 'chai';
import pg from 'pg';
import { postgres, type TestDatabase } from '../../../test/support/postgres.js';
import { type Gate, gate } from './gate.js';

const component = plugin.components.find(({ type }) => type === 'postgres.lookup');
const signal = (): AbortSignal => new AbortController().signal;
const leftMs = 3_000;
const byPhone: JsonObject = { query: 'select * from customers where phone = $1', params: ['${{ call.from }}'] };

interface World {
  readonly database: TestDatabase;
  readonly tools: ReturnType<typeof fakeTools>;
  /** Stands in front of the database for whoever uses its URL. */
  readonly door: Gate;
  /** Opens a resolver; closed with the world. */
  make(options: JsonObject): Promise<Resolver>;
}

/** A fresh schema with two customers. */
async function inWorld(body: (world: World) => Promise<void>): Promise<void> {
  const database = await postgres();
  await database.query('create table customers (phone text primary key, first_name text, tier text)');
  await database.query(`insert into customers values ('+12345678912', 'Jane', 'gold'), ('+34600000000', 'José', null)`);
  const tools = fakeTools();
  const door = await gate(database.url);
  const made: Resolver[] = [];
  const make = async (options: JsonObject): Promise<Resolver> => {
    const resolver = createComponent('resolver', component, { url: database.url, ...options }, tools);
    made.push(resolver);
    await resolver.open?.();
    return resolver;
  };
  try {
    await body({ database, tools, door, make });
  } finally {
    for (const resolver of made) await resolver.close?.();
    await door.close();
    await tools.close();
    await database.close();
  }
}

/** What somebody says who fails. */
function complaint(promise: Promise<unknown> | undefined): Promise<string> {
  return Promise.resolve(promise).then(
    () => 'none',
    (error: Error) => error.message,
  );
}

function problemsOf(options: JsonObject): readonly string[] {
  try {
    createComponent('resolver', component, { url: 'postgres://db/x', ...options }, fakeTools());
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  }
  return [];
}

resolverSuite('postgres.lookup', async () => {
  const database = await postgres();
  await database.query(`create table customers (phone text primary key, first_name text)`);
  await database.query(`insert into customers values ('+12345678912', 'Jane')`);
  const door = await gate(database.url);
  const tools = fakeTools();
  const resolver = createComponent('resolver', component, { url: door.url, ...byPhone }, tools);
  await resolver.open?.();
  return {
    resolver,
    known: aCall(),
    hang: () => door.become('held'),
    down: () => door.become('shut'),
    close: async () => {
      await resolver.close?.();
      await door.close();
      await tools.close();
      await database.close();
    },
  };
});

describe('postgres.lookup', () => {
  it('finds the columns of the row', () =>
    inWorld(async ({ make }) => {
      const resolver = await make(byPhone);
      const found = await resolver.resolve(aCall(), {}, signal(), leftMs);
      expect(found).to.deep.equal({ phone: '+12345678912', first_name: 'Jane', tier: 'gold' });
    }));

  it('takes the first row of several, in the order of the query', () =>
    inWorld(async ({ make }) => {
      const resolver = await make({
        query: 'select first_name from customers order by first_name desc; -- the last one',
      });
      expect(await resolver.resolve(aCall(), {}, signal(), leftMs)).to.deep.equal({ first_name: 'José' });
    }));

  it('reads one row of a million', () =>
    inWorld(async ({ make }) => {
      const resolver = await make({ query: 'select n from generate_series(1, 1000000) as n' });
      expect(await resolver.resolve(aCall(), {}, signal(), leftMs)).to.deep.equal({ n: 1 });
    }));

  it('gives every type as JSON', () =>
    inWorld(async ({ make }) => {
      const resolver = await make({
        query: `select 7::int as int, 42::bigint as big, 9007199254740993::bigint as huge, 12.50::numeric as money, 0.5::float8 as half,
          'NaN'::float8 as nan, true as yes, null as nothing, date '2026-01-31' as day, timestamp '2026-01-31 10:00:00' as local,
          timestamptz '2026-01-31 10:00:00+02' as moment, interval '1 day 02:00' as span, '{"a": [1, null]}'::jsonb as json,
          array['a', 'b'] as list, array[1, 2]::bigint[] as numbers, '\\x00ff'::bytea as bytes,
          '01890a5d-ac96-774b-bcce-b302099a8057'::uuid as uuid, '😀' as text`,
      });
      expect(await resolver.resolve(aCall(), {}, signal(), leftMs)).to.deep.equal({
        int: 7,
        big: 42,
        huge: '9007199254740993',
        money: '12.50',
        half: 0.5,
        nan: null,
        yes: true,
        nothing: null,
        day: '2026-01-31',
        local: '2026-01-31T10:00:00',
        moment: '2026-01-31T08:00:00.000Z',
        span: '1 day 02:00:00',
        json: { a: [1, null] },
        list: ['a', 'b'],
        numbers: ['1', '2'],
        bytes: 'AP8=',
        uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
        text: '😀',
      });
    }));

  it('passes values as parameters of their own type, lists and what others found included', () =>
    inWorld(async ({ make }) => {
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
    inWorld(async ({ make }) => {
      const resolver = await make({
        query: 'select * from customers where phone = $1',
        params: ['${{ known.crm.phone }}'],
      });
      expect(await resolver.resolve(aCall(), { crm: {} }, signal(), leftMs)).to.deep.equal({});
    }));

  it('takes what the caller sends for a value, never for SQL', () =>
    inWorld(async ({ database, make }) => {
      const resolver = await make(byPhone);
      for (const from of ["'; drop table customers; --", "+1' or '1'='1", '', 'sip:anonymous@invalid', '\u2028'])
        expect(await resolver.resolve(aCall({ from }), {}, signal(), leftMs)).to.deep.equal({});
      expect(await database.query('select 1 from customers')).to.have.length(2);
    }));

  it('cannot write', () =>
    inWorld(async ({ database, make }) => {
      await database.query(
        `create function note() returns int language sql as $$ insert into customers values ('+9') returning 1 $$`,
      );
      const resolver = await make({ query: 'select note()' });
      expect(await complaint(resolver.resolve(aCall(), {}, signal(), leftMs))).to.equal(
        'cannot execute INSERT in a read-only transaction (25006)',
      );
      expect(await database.query('select 1 from customers')).to.have.length(2);
    }));

  it('goes on after a query that failed, and after its table was changed', () =>
    inWorld(async ({ database, make }) => {
      const resolver = await make({ ...byPhone, connections: 1 });
      const name = async () => (await resolver.resolve(aCall(), {}, signal(), leftMs)).first_name;
      expect(await name()).to.equal('Jane');
      await database.query('alter table customers rename to people');
      expect(await complaint(name())).to.equal('relation "customers" does not exist (42P01)');
      await database.query(
        'alter table people rename to customers; alter table customers drop column tier, add column age int',
      );
      expect(await name()).to.equal('Jane');
    }));

  it('keeps what the caller sent out of the complaint', () =>
    inWorld(async ({ make }) => {
      const resolver = await make({ query: 'select $1::bigint as n', params: ['${{ call.from }}'] });
      const said = await complaint(resolver.resolve(aCall({ from: 'Jane "x" Doe' }), {}, signal(), leftMs));
      expect(said).to.equal('invalid input syntax for type bigint (22P02)');
    }));

  it('does not let a call wait for a full pool', () =>
    inWorld(async ({ database, make, tools }) => {
      const resolver = await make({
        connections: 1,
        query: 'select $1::text as who from (select pg_advisory_xact_lock_shared(hashtext(current_schema()))) as door',
        params: ['${{ call.from }}'],
      });
      await resolver.resolve(aCall(), {}, signal(), leftMs);
      const holding = new pg.Client(database.url);
      await holding.connect();
      try {
        await holding.query('select pg_advisory_lock(hashtext(current_schema()))');
        const controller = new AbortController();
        const first = complaint(resolver.resolve(aCall(), {}, controller.signal, leftMs));
        const second = complaint(resolver.resolve(aCall(), {}, signal(), leftMs));
        const third = complaint(resolver.resolve(aCall(), {}, AbortSignal.abort(new Error('hung up')), leftMs));
        await tools.clock.advance(250);
        expect(await second).to.equal('the pool is full: 1 in use');
        expect(await third).to.equal('hung up');
        controller.abort(new Error('time is up'));
        expect(await first).to.equal('time is up');
      } finally {
        await holding.end();
      }
      expect(await resolver.resolve(aCall({ from: '+1' }), {}, signal(), leftMs)).to.deep.equal({ who: '+1' });
      expect(tools.clock.pending).to.equal(0);
    }));

  it('lets those who wait have the connection in their order', () =>
    inWorld(async ({ make }) => {
      const resolver = await make({ ...byPhone, connections: 1 });
      const ended: number[] = [];
      await Promise.all(
        [0, 1, 2, 3].map((n) => resolver.resolve(aCall(), {}, signal(), leftMs).then(() => ended.push(n))),
      );
      expect(ended).to.deep.equal([0, 1, 2, 3]);
    }));

  it('opens while the database is down, says so, and finds callers once it is up', () =>
    inWorld(async ({ door, make, tools }) => {
      await door.become('shut');
      const unreachable = tools.log.next('postgres.unreachable');
      const resolver = await make({ url: door.url, ...byPhone });
      expect((await unreachable).fields.reason).to.match(/^connect ECONNREFUSED /);
      await door.become('open');
      expect(await resolver.resolve(aCall(), {}, signal(), leftMs)).to.include({ first_name: 'Jane' });
    }));

  it('gives up connecting at start to a database that does not answer', () =>
    inWorld(async ({ door, make, tools }) => {
      await door.become('held');
      const unreachable = tools.log.next('postgres.unreachable');
      await make({ url: door.url, ...byPhone });
      await tools.clock.advance(10_000);
      expect((await unreachable).fields.reason).to.equal('the database does not answer');
    }));

  it('finds callers again after the database was away', () =>
    inWorld(async ({ door, make }) => {
      const resolver = await make({ url: door.url, ...byPhone, connections: 1 });
      await resolver.resolve(aCall(), {}, signal(), leftMs);
      await door.become('shut');
      expect(await complaint(resolver.resolve(aCall(), {}, signal(), leftMs))).not.to.equal('none');
      await door.become('open');
      expect(await resolver.resolve(aCall(), {}, signal(), leftMs)).to.include({ first_name: 'Jane' });
    }));

  it('has the server read the query when it is checked, without running it', () =>
    inWorld(async ({ database, make }) => {
      await database.query('create table runs (n serial)');
      await database.query('create function ran() returns int volatile language sql as $$ select 1 / 0 $$');
      const good = await make({ query: 'select ran(), $1::text', params: ['${{ call.from }}'] });
      expect(await complaint(good.probe?.(signal()))).to.equal('none');
      expect(await complaint(good.probe?.(signal()))).to.equal('none');
      const wrong = await make({ query: 'select frist_name from customers' });
      expect(await complaint(wrong.probe?.(signal()))).to.match(/^column "frist_name" does not exist \(42703\)$/);
      const two = await make({ query: 'select 1; drop table customers' });
      expect(await complaint(two.probe?.(signal()))).to.match(/syntax error/);
    }));

  it('refuses options that cannot work', () => {
    expect(problemsOf(byPhone)).to.deep.equal([]);
    expect(problemsOf({ query: ' ' })).to.deep.equal(['query: expected a query']);
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
