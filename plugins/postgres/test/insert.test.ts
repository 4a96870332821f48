import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import plugin from '@switchhook/plugin-postgres';
import { type Destination, type JsonObject, type Outcome, z } from '@switchhook/sdk';
import {
  aCall,
  aDelivery,
  anEvent,
  createComponent,
  destinationSuite,
  fakeServices,
  settled,
} from '@switchhook/testkit';
import { expect } from 'chai';
import pg from 'pg';
import { postgres, startPostgres, type TestDatabase } from '../../../test/support/postgres.js';
import { named, working } from './backends.js';
import { throttle } from './gate.js';

const component = plugin.components.find(({ type }) => type === 'postgres.insert');
const signal = (): AbortSignal => new AbortController().signal;

interface World {
  readonly database: TestDatabase;
  readonly services: ReturnType<typeof fakeServices>;
  /** Another destination of the same kind; closed with the world. */
  make(options?: JsonObject): Destination;
  readonly destination: Destination;
}

/** A fresh schema, and a destination that writes into it. */
async function withFixture(options: JsonObject, body: (fixture: World) => Promise<void>): Promise<void> {
  const database = await postgres();
  const services = fakeServices();
  const made: Destination[] = [];
  const make = (other: JsonObject = options): Destination => {
    const destination = createComponent('destination', component, { url: database.url, ...other }, services, plugin);
    made.push(destination);
    return destination;
  };
  try {
    await body({ database, services, make, destination: make() });
  } finally {
    for (const destination of made) await destination.close?.();
    await services.close();
    await database.close();
  }
}

/** The n-th of several events, each with data of its own. */
function delivery(n: number, data: JsonObject = { n }) {
  const id = `01890a5d-ac96-774b-bcce-${String(n).padStart(12, '0')}`;
  return aDelivery({ id: `${id}.0`, event: anEvent({ id, key: `key-${n}`, subject: `conv_${n}`, data }) });
}

/** What is wrong with options, by path. */
function problemsOf(options: JsonObject): readonly string[] {
  try {
    createComponent('destination', component, { url: 'postgres://db/x', ...options }, fakeServices(), plugin);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    return error.issues.map(({ path }) => path.join('.'));
  }
  return [];
}

function operatorNeeded(outcome: Outcome): string {
  expect(outcome).to.include({ kind: 'unavailable', needsOperator: true });
  return outcome.kind === 'unavailable' ? outcome.reason : '';
}

destinationSuite('postgres.insert', async () => {
  const database = await postgres();
  const door = await throttle(database.url);
  const services = fakeServices();
  const destination = createComponent(
    'destination',
    component,
    { url: door.url, columns: { type: 'ended' } },
    services,
    plugin,
  );
  return {
    destination,
    secrets: [door.url],
    mark: ({ event }) => event.id,
    arrived: async () =>
      (await database.query('select id from switchhook_events order by ctid')).map(({ id }) => String(id)),
    behave: async (how) => {
      if (how === 'refusing')
        await database.query('create table switchhook_events (id text primary key, type text check (false))');
      await door.become(how === 'down' ? 'shut' : how === 'hanging' ? 'held' : 'open');
    },
    close: async () => {
      await destination.close?.();
      await door.close();
      await services.close();
      await database.close();
    },
  };
}, ['cut-off', 'emits']);

describe('postgres.insert writes rows', () => {
  it('makes its table on first use and fills it with the event', () =>
    withFixture({}, async ({ database, destination, services }) => {
      const event = anEvent({
        data: { event: 'conversation_ended', duration: 73, nested: { list: [1, null, 'zwei'] } },
      });
      await destination.deliver(aDelivery({ event }), signal());
      const [row] = await database.query('select * from switchhook_events');
      expect(row).to.deep.equal({
        id: event.id,
        source: 'agents',
        type: 'conversation_ended',
        subject: 'conv_1',
        agent: 'agent_sales',
        occurred_at: new Date('2026-01-01T00:00:00.000Z'),
        received_at: new Date('2026-01-01T00:00:01.000Z'),
        data: event.data,
      });
      expect(services.log.of('table.created')).to.have.length(1);
    }));

  it('writes an event once, however often it is delivered', () =>
    withFixture({}, async ({ database, destination }) => {
      for (const attempt of [1, 2, 3])
        expect(await destination.deliver(aDelivery({ attempt }), signal())).to.deep.equal({ kind: 'delivered' });
      expect(await database.query('select id from switchhook_events')).to.have.length(1);
    }));

  it('fills columns by template, and leaves null what the event does not have', () =>
    withFixture(
      {
        table: 'calls',
        idColumn: 'event_id',
        columns: {
          who: '${{ event.data.name }} (${{ event.data.from }})',
          seconds: { value: '${{ event.data.duration }}', type: 'bigint' },
          score: { value: '${{ event.data.analysis.score }}', type: 'double precision' },
          tenant: 'acme',
          priority: 3,
        },
      },
      async ({ database, destination }) => {
        await destination.deliver(
          delivery(1, { name: 'José', from: '+34', duration: 73, analysis: { score: 0.5 } }),
          signal(),
        );
        await destination.deliver(delivery(2, { from: '+34' }), signal());
        const rows = await database.query('select who, seconds, score, tenant, priority from calls order by event_id');
        expect(rows).to.deep.equal([
          { who: 'José (+34)', seconds: '73', score: 0.5, tenant: 'acme', priority: '3' },
          { who: null, seconds: null, score: null, tenant: 'acme', priority: '3' },
        ]);
      },
    ));

  it('rejects a delivery whose template fails, and says why', () =>
    withFixture({ columns: { sum: '${{ event.data.a + event.data.b }}' } }, async ({ destination }) => {
      const outcome = await destination.deliver(delivery(1, { a: 1, b: 'x' }), signal());
      expect(outcome).to.have.property('kind', 'rejected');
      expect(outcome)
        .to.have.property('reason')
        .that.matches(/^template of columns\./);
    }));

  it('writes every kind of value in the way of its column', () =>
    withFixture(
      {
        columns: Object.fromEntries(
          [
            ['t_text', 'text'],
            ['t_bigint', 'bigint'],
            ['t_double', 'double precision'],
            ['t_numeric', 'numeric'],
            ['t_boolean', 'boolean'],
            ['t_time', 'timestamptz'],
            ['t_date', 'date'],
            ['t_uuid', 'uuid'],
            ['t_jsonb', 'jsonb'],
          ].map(([name = '', type = '']) => [name, { value: `\${{ event.data.${name.slice(2)} }}`, type }]),
        ),
      },
      async ({ database, destination }) => {
        const row = async (id: string) => {
          const [found] = await database.query(
            'select to_jsonb(e) - $2 as row from switchhook_events e where id = $1',
            [id, 'id'],
          );
          return found?.row;
        };
        const full = delivery(1, {
          text: { a: 1 },
          bigint: 42,
          double: 1e-7,
          numeric: '12.50',
          boolean: true,
          time: '2026-01-01T10:00:00+02:00',
          date: '2026-01-31',
          uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
          jsonb: 'a text',
        });
        const empty = delivery(2, {
          text: '',
          bigint: '',
          double: '',
          numeric: '',
          boolean: '',
          time: '',
          date: '',
          uuid: '',
          jsonb: '',
        });
        const none = delivery(3, { text: null, jsonb: null });
        for (const one of [full, empty, none])
          expect((await destination.deliver(one, signal())).kind).to.equal('delivered');
        expect(await row(full.event.id)).to.deep.include({
          t_text: '{"a":1}',
          t_bigint: 42,
          t_double: 1e-7,
          t_boolean: true,
          t_date: '2026-01-31',
          t_uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
          t_jsonb: 'a text',
        });
        expect(
          await database.query('select t_numeric::text, t_time from switchhook_events where id = $1', [full.event.id]),
        ).to.deep.equal([{ t_numeric: '12.50', t_time: new Date('2026-01-01T08:00:00Z') }]);
        const nothing = {
          t_bigint: null,
          t_double: null,
          t_numeric: null,
          t_boolean: null,
          t_time: null,
          t_date: null,
          t_uuid: null,
        };
        expect(await row(empty.event.id)).to.deep.equal({ ...nothing, t_text: '', t_jsonb: '' });
        expect(await row(none.event.id)).to.deep.equal({ ...nothing, t_text: null, t_jsonb: null });
      },
    ));

  it('takes a time without a zone for UTC, whatever the zone of the server, and leaves look-ups theirs', () =>
    withFixture({}, async ({ database, services, make }) => {
      const url = new URL(database.url);
      url.searchParams.set('options', `${url.searchParams.get('options')} -c timezone=Asia/Tokyo`);
      const at = { value: '${{ event.data.at }}', type: 'timestamptz' };
      const destination = make({ url: url.href, columns: { at } });
      const lookup = plugin.components.find(({ type }) => type === 'postgres.lookup');
      const query = "select current_setting('timezone') as zone";
      const resolver = createComponent('resolver', lookup, { url: url.href, query }, services, plugin);
      const times = ['2026-01-02 03:04:05', '2026-01-02T03:04:05+00:00', '2 Jan 2026 03:04:05', '2026-01-02'];
      try {
        for (const [n, text] of times.entries()) {
          const outcome = await destination.deliver(delivery(n, { at: text }), signal());
          expect(outcome, text).to.deep.equal({ kind: 'delivered' });
          expect(await resolver.resolve(aCall(), {}, signal(), 1_000)).to.deep.equal({ zone: 'Asia/Tokyo' });
        }
      } finally {
        await resolver.close?.();
      }
      const second = new Date('2026-01-02T03:04:05Z');
      expect((await database.query('select at from switchhook_events order by id')).map((row) => row.at)).to.deep.equal(
        [second, second, second, new Date('2026-01-02T00:00:00Z')],
      );
    }));

  it('stores what PostgreSQL cannot: U+0000 and half a surrogate pair become U+FFFD', () =>
    withFixture(
      { columns: { said: '${{ event.data.said }}', data: { value: '${{ event.data }}', type: 'jsonb' } } },
      async ({ database, destination }) => {
        const said = 'a\0b \ud83d c\\u0000 😀 \u2028 "quoted"';
        const outcome = await destination.deliver(delivery(1, { said, 'k\0': ['\0\0', '\\\0'] }), signal());
        expect(outcome).to.deep.equal({ kind: 'delivered' });
        const clean = 'a\ufffdb \ufffd c\\u0000 😀 \u2028 "quoted"';
        expect(await database.query('select said, data from switchhook_events')).to.deep.equal([
          { said: clean, data: { said: clean, 'k\ufffd': ['\ufffd\ufffd', '\\\ufffd'] } },
        ]);
      },
    ));

  it('stores a value of a megabyte', () =>
    withFixture({}, async ({ database, destination }) => {
      const transcript = 'ä\\'.repeat(500_000);
      await destination.deliver(delivery(1, { transcript }), signal());
      const [row] = await database.query("select data ->> 'transcript' as transcript from switchhook_events");
      expect(row?.transcript === transcript).to.equal(true);
    }));

  it('uses identifiers exactly as they are written', () =>
    withFixture(
      { table: '"we""ird; --.😀"', columns: { 'Größe "x"': '${{ event.type }}', 'a.b': 'c' } },
      async ({ database, destination }) => {
        expect(await destination.deliver(aDelivery(), signal())).to.deep.equal({ kind: 'delivered' });
        expect(await database.query('select * from "we""ird; --.😀"')).to.deep.equal([
          { id: anEvent().id, 'Größe "x"': 'conversation_ended', 'a.b': 'c' },
        ]);
      },
    ));

  it('writes into a table of another schema', () =>
    withFixture({}, async ({ database, make }) => {
      const [schema] = await database.query('select current_schema() as name');
      const destination = make({ table: `${schema?.name}.events`, columns: {} });
      expect(await destination.deliver(aDelivery(), signal())).to.deep.equal({ kind: 'delivered' });
      expect(await database.query('select * from events')).to.deep.equal([{ id: anEvent().id }]);
    }));

  it('goes by the types of a table that is there already', () =>
    withFixture(
      {
        columns: {
          tags: '${{ event.data.tags }}',
          seconds: '${{ event.data.seconds }}',
          note: '${{ event.data.note }}',
        },
      },
      async ({ database, destination }) => {
        await database.query(
          'create table switchhook_events (no bigserial, id text unique, tags json, seconds int, note jsonb)',
        );
        await destination.deliver(delivery(1, { tags: ['a', 'b'], seconds: 7, note: 'plain' }), signal());
        expect(await database.query('select no, tags, seconds, note from switchhook_events')).to.deep.equal([
          { no: '1', tags: ['a', 'b'], seconds: 7, note: 'plain' },
        ]);
      },
    ));
});

describe('postgres.insert writes batches', () => {
  it('gives each delivery of a batch its own outcome: one that does not fit takes no other with it', () =>
    withFixture(
      { columns: { n: { value: '${{ event.data.n }}', type: 'bigint' }, twice: '${{ event.data.n * 2 }}' } },
      async ({ database, destination }) => {
        const values = [0, 1, 'poison', 3, 4.5, 5, 6];
        const outcomes = await destination.deliverMany?.(
          values.map((n, index) => delivery(index, { n })),
          signal(),
        );
        expect(outcomes?.map(({ kind }) => kind)).to.deep.equal([
          'delivered',
          'delivered',
          'rejected',
          'delivered',
          'rejected',
          'delivered',
          'delivered',
        ]);
        expect(outcomes?.[2])
          .to.have.property('reason')
          .that.matches(/^template of columns\./);
        expect(outcomes?.[4]).to.deep.equal({
          kind: 'rejected',
          reason: 'column n: invalid input syntax for type bigint (22P02)',
        });
        const rows = await database.query('select n from switchhook_events order by n');
        expect(rows.map(({ n }) => n)).to.deep.equal(['0', '1', '3', '5', '6']);
      },
    ));

  it('takes the same event twice in a batch as one', () =>
    withFixture({}, async ({ database, destination }) => {
      const outcomes = await destination.deliverMany?.([delivery(1), delivery(2), delivery(1)], signal());
      expect(outcomes).to.deep.equal(Array(3).fill({ kind: 'delivered' }));
      expect(await database.query('select id from switchhook_events')).to.have.length(2);
    }));

  it('writes a batch with more values than one statement can have', () =>
    withFixture({}, async ({ database, destination }) => {
      const deliveries = Array.from({ length: 8_200 }, (_, n) => delivery(n));
      const outcomes = await destination.deliverMany?.(deliveries, signal());
      expect(outcomes?.every(({ kind }) => kind === 'delivered')).to.equal(true);
      expect(await database.query('select count(*)::int as count from switchhook_events')).to.deep.equal([
        { count: 8_200 },
      ]);
    }));

  it('writes a batch of large values', () =>
    withFixture({}, async ({ database, destination }) => {
      const deliveries = Array.from({ length: 12 }, (_, n) => delivery(n, { text: 'x'.repeat(1_000_000) }));
      const outcomes = await destination.deliverMany?.(deliveries, signal());
      expect(outcomes?.every(({ kind }) => kind === 'delivered')).to.equal(true);
      expect(await database.query('select count(*)::int as count from switchhook_events')).to.deep.equal([
        { count: 12 },
      ]);
    }));
});

describe('postgres.insert survives', () => {
  it('several that make the table at the same time', () =>
    withFixture({}, async ({ database, make }) => {
      const destinations = Array.from({ length: 8 }, () => make());
      const outcomes = await Promise.all(destinations.map((one, n) => one.deliver(delivery(n), signal())));
      expect(outcomes).to.deep.equal(Array(8).fill({ kind: 'delivered' }));
      expect(await database.query('select id from switchhook_events')).to.have.length(8);
    }));

  it('its table being dropped: it makes it again', () =>
    withFixture({}, async ({ database, destination }) => {
      await destination.deliver(delivery(1), signal());
      await database.query('drop table switchhook_events');
      expect(await destination.deliver(delivery(2), signal())).to.deep.equal({ kind: 'delivered' });
      expect(await database.query('select subject from switchhook_events')).to.deep.equal([{ subject: 'conv_2' }]);
    }));

  it('a column being dropped: it names it, and goes on when it is back', () =>
    withFixture({}, async ({ database, destination }) => {
      await destination.deliver(delivery(1), signal());
      await database.query('alter table switchhook_events drop column agent');
      expect(operatorNeeded(await destination.deliver(delivery(2), signal()))).to.equal(
        'table "switchhook_events" has no column "agent"',
      );
      await database.query('alter table switchhook_events add column agent text');
      expect(await destination.deliver(delivery(2), signal())).to.deep.equal({ kind: 'delivered' });
    }));

  it('its idle connections being ended', () =>
    withFixture({}, async ({ database, make, services }) => {
      const { url, name } = named(database.url);
      const destination = make({ url });
      await destination.deliver(delivery(1), signal());
      const disconnected = services.log.next('postgres.disconnected');
      await database.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
        name,
      ]);
      await disconnected;
      expect(await destination.deliver(delivery(2), signal())).to.deep.equal({ kind: 'delivered' });
    }));

  it('the server being stopped and started again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'switchhook-restart-'));
    const first = await startPostgres({ directory: join(directory, 'data'), password: 'of the test' });
    const services = fakeServices();
    const destination = createComponent('destination', component, { url: first.url }, services, plugin);
    try {
      expect(await destination.deliver(delivery(1), signal())).to.deep.equal({ kind: 'delivered' });
      await first.stop();
      const outcome = await destination.deliver(delivery(2), signal());
      expect(outcome.kind).to.equal('unavailable');
      expect(outcome).not.to.have.property('needsOperator');
      const second = await startPostgres({
        directory: join(directory, 'data'),
        password: 'of the test',
        port: first.port,
      });
      try {
        expect(await destination.deliver(delivery(2), signal())).to.deep.equal({ kind: 'delivered' });
        expect(await destination.deliver(delivery(1), signal())).to.deep.equal({ kind: 'delivered' });
      } finally {
        await second.stop();
      }
    } finally {
      await destination.close?.();
      await services.close();
      await first.stop();
      await rm(directory, { recursive: true });
    }
  });

  it('a server that takes connections and never answers: no more of them than it may have, and none left at the end', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { readonly port: number };
    const services = fakeServices();
    const url = `postgres://postgres:secret@127.0.0.1:${port}/postgres`;
    const destination = createComponent('destination', component, { url, connections: 2 }, services, plugin);
    const controller = new AbortController();
    const connected = new Promise<void>((resolve) => server.on('connection', () => sockets.size === 2 && resolve()));
    const attempts = Array.from({ length: 10 }, (_, n) => destination.deliver(delivery(n), controller.signal));
    await connected;
    controller.abort(new Error('time is up'));
    expect(await Promise.all(attempts)).to.deep.equal(Array(10).fill({ kind: 'unavailable', reason: 'time is up' }));
    expect(sockets.size).to.equal(2);
    const gone = Promise.all(
      [...sockets].map((socket) => new Promise((resolve) => socket.resume().once('close', resolve))),
    );
    await destination.close?.();
    await gone;
    await services.close();
    server.close();
  });

  it('a network that goes silent: one attempt fails, and the other idle connections are replaced', () =>
    withFixture({}, async ({ database, services }) => {
      const door = await throttle(database.url);
      const options = { url: door.url, connections: 10 };
      const destination = createComponent('destination', component, options, services, plugin);
      await destination.deliver(delivery(0), signal());
      const write = (n: number) => destination.deliver(delivery(n), signal());
      await Promise.all(Array.from({ length: 10 }, (_, n) => write(n)));
      expect(door.connections).to.equal(10);
      door.forget('drop');
      const controller = new AbortController();
      const first = destination.deliver(delivery(10), controller.signal);
      await settled();
      controller.abort(new Error('time is up'));
      expect(await first).to.deep.equal({ kind: 'unavailable', reason: 'time is up' });
      const second = write(10);
      await services.clock.advance(250);
      expect(await second).to.deep.equal({ kind: 'delivered' });
      expect(door.connections).to.equal(11);
      const others = await Promise.all(Array.from({ length: 9 }, (_, n) => write(n + 11)));
      expect(others).to.deep.equal(Array(9).fill({ kind: 'delivered' }));
      expect(await database.query('select 1 from switchhook_events')).to.have.length(20);
      await destination.close?.();
      await door.close();
    }));

  it('a network that takes nothing any more in the middle of a large row: it can be closed at once', () =>
    withFixture({}, async ({ database, services }) => {
      const door = await throttle(database.url);
      const destination = createComponent('destination', component, { url: door.url }, services, plugin);
      await destination.deliver(delivery(1), signal());
      await door.become('stuck');
      const controller = new AbortController();
      const attempt = destination.deliver(delivery(2, { text: 'x'.repeat(50_000_000) }), controller.signal);
      await settled();
      controller.abort(new Error('time is up'));
      expect(await attempt).to.deep.equal({ kind: 'unavailable', reason: 'time is up' });
      await destination.close?.();
      await door.close();
    }));

  it('a table that is locked: attempts end with their time, and the server never works for more of them than there are connections', () =>
    withFixture({}, async ({ database, make }) => {
      const { url, name } = named(database.url);
      const destination = make({ url, connections: 1 });
      await destination.deliver(delivery(1), signal());
      const locking = new pg.Client(database.url);
      await locking.connect();
      try {
        await locking.query('begin; lock table switchhook_events');
        const busy: number[] = [];
        for (const attempt of [1, 2, 3]) {
          const controller = new AbortController();
          const delivering = destination.deliver(aDelivery({ ...delivery(2), attempt }), controller.signal);
          for (let looks = 0; looks < 20 || busy.at(-1) === 0; looks += 1)
            busy.push((await working(database, name, 'insert into')).length);
          controller.abort(new Error('time is up'));
          expect(await delivering).to.deep.equal({ kind: 'unavailable', reason: 'time is up' });
        }
        expect(Math.max(...busy)).to.equal(1);
      } finally {
        await locking.end();
      }
      expect(await destination.deliver(delivery(3), signal())).to.deep.equal({ kind: 'delivered' });
      const subjects = await database.query('select subject from switchhook_events order by id');
      expect(subjects.map(({ subject }) => subject)).to.deep.equal(['conv_1', 'conv_2', 'conv_3']);
    }));
});

describe('postgres.insert tells what is wrong', () => {
  it('names the columns an existing table lacks, and calls the operator', () =>
    withFixture({}, async ({ database, destination }) => {
      await database.query(
        'create table switchhook_events (id text primary key, source text, type text, subject text, agent text, data jsonb)',
      );
      expect(operatorNeeded(await destination.deliver(aDelivery(), signal()))).to.equal(
        'table "switchhook_events" has no column "occurred_at", "received_at"',
      );
    }));

  it('calls the operator where the id column is not unique, so that repetitions could not be told', () =>
    withFixture({ columns: {} }, async ({ database, destination }) => {
      await database.query('create table switchhook_events (id text)');
      expect(operatorNeeded(await destination.deliver(aDelivery(), signal()))).to.match(/unique.*42P10/);
    }));

  it('calls the operator where the schema is missing', () =>
    withFixture({ table: 'nowhere.events' }, async ({ destination }) => {
      expect(operatorNeeded(await destination.deliver(aDelivery(), signal()))).to.equal(
        'schema "nowhere" does not exist (3F000)',
      );
    }));

  it('calls the operator for a wrong password and a missing database, without telling the password', () =>
    withFixture({}, async ({ database, make }) => {
      const wrong = new URL(database.url);
      wrong.password = 'hunter2';
      const missing = new URL(database.url);
      missing.pathname = '/no_such_database';
      const reasons = [];
      for (const url of [wrong.href, missing.href])
        reasons.push(operatorNeeded(await make({ url }).deliver(aDelivery(), signal())));
      expect(reasons).to.deep.equal([
        `password authentication failed for user "${wrong.username}" (28P01)`,
        'database "no_such_database" does not exist (3D000)',
      ]);
    }));

  it('calls the operator where it is to encrypt and the server cannot', () =>
    withFixture({}, async ({ database, make }) => {
      const url = new URL(database.url);
      url.searchParams.set('sslmode', 'verify-full');
      const reason = operatorNeeded(await make({ url: url.href }).deliver(aDelivery(), signal()));
      expect(reason).to.match(/SSL|certificate/);
    }));

  it('calls the operator where it may not write', () =>
    withFixture({}, async ({ database, make }) => {
      const [schema] = await database.query('select current_schema() as name');
      const role = `reader_of_${schema?.name}`;
      await database.query(`create role ${role} login password 'reader'`);
      try {
        await database.query(`grant usage on schema ${schema?.name} to ${role}`);
        const url = new URL(database.url);
        url.username = role;
        url.password = 'reader';
        const destination = make({ url: url.href });
        expect(operatorNeeded(await destination.deliver(aDelivery(), signal()))).to.match(
          /^permission denied for schema .*\(42501\)$/,
        );
        await database.query('create table switchhook_events (id text primary key)');
        await database.query(`grant select on switchhook_events to ${role}`);
        const other = make({ url: url.href, columns: {} });
        expect(operatorNeeded(await other.deliver(aDelivery(), signal()))).to.match(
          /^permission denied for table .*\(42501\)$/,
        );
      } finally {
        await database.query(`drop owned by ${role}; drop role ${role}`);
      }
    }));

  it('waits for a server that only lets read, without a call for the operator', () =>
    withFixture({}, async ({ database, make }) => {
      const url = new URL(database.url);
      url.searchParams.set('options', `${url.searchParams.get('options')} -c default_transaction_read_only=on`);
      const outcome = await make({ url: url.href }).deliver(aDelivery(), signal());
      expect(outcome).to.deep.equal({
        kind: 'unavailable',
        reason: 'cannot execute CREATE TABLE in a read-only transaction (25006)',
      });
    }));

  it('calls the operator where a trigger misses its table', () =>
    withFixture({ columns: {} }, async ({ database, destination }) => {
      await database.query(`create table switchhook_events (id text primary key);
        create function note() returns trigger language plpgsql as $$ begin insert into notes values (new.id); return new; end $$;
        create trigger note before insert on switchhook_events for each row execute function note()`);
      expect(operatorNeeded(await destination.deliver(aDelivery(), signal()))).to.equal(
        'relation "notes" does not exist (42P01)',
      );
    }));

  it('rejects what a trigger forbids', () =>
    withFixture({ columns: {} }, async ({ database, destination }) => {
      await database.query(`create table switchhook_events (id text primary key);
        create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not today'; end $$;
        create trigger refuse before insert on switchhook_events for each row execute function refuse()`);
      expect(await destination.deliver(aDelivery(), signal())).to.deep.equal({
        kind: 'rejected',
        reason: 'not today (P0001)',
      });
    }));

  it('rejects what a constraint of the table forbids', () =>
    withFixture({ columns: { subject: '${{ event.subject }}' } }, async ({ database, destination }) => {
      await database.query('create table switchhook_events (id text primary key, subject text unique not null)');
      await destination.deliver(delivery(1), signal());
      const same = aDelivery({ event: anEvent({ id: 'another', subject: 'conv_1' }) });
      const none = aDelivery({ event: anEvent({ id: 'third', subject: null }) });
      expect((await destination.deliver(same, signal())).kind).to.equal('rejected');
      expect(await destination.deliver(none, signal())).to.deep.equal({
        kind: 'rejected',
        reason: 'null value in column "subject" of relation "switchhook_events" violates not-null constraint (23502)',
      });
    }));

  it('keeps the value out of the reason', () =>
    withFixture(
      { columns: { seconds: { value: '${{ event.data.seconds }}', type: 'bigint' } } },
      async ({ destination }) => {
        expect(await destination.deliver(delivery(1, { seconds: 'Jane "Doe" +12025550143' }), signal())).to.deep.equal({
          kind: 'rejected',
          reason: 'column seconds: invalid input syntax for type bigint (22P02)',
        });
      },
    ));
});

describe('postgres.insert is checked', () => {
  it('reaches the database and compares the columns, without making anything', () =>
    withFixture({}, async ({ database, destination }) => {
      await destination.probe?.(signal());
      expect(await database.query("select to_regclass('switchhook_events') as found")).to.deep.equal([{ found: null }]);
      await database.query('create table switchhook_events (id text primary key)');
      const said = await destination.probe?.(signal()).then(
        () => 'fine',
        (error: Error) => error.message,
      );
      expect(said).to.match(/^table "switchhook_events" has no column "source", /);
    }));

  it('shows the row it would write, without the database', () => {
    const services = fakeServices();
    const columns = { seconds: { value: '${{ event.data.n }}', type: 'bigint' }, who: '${{ event.data.who }}' };
    const destination = createComponent(
      'destination',
      component,
      { url: 'postgres://nowhere/x', columns },
      services,
      plugin,
    );
    expect(destination.preview?.(delivery(1))).to.deep.equal({
      table: '"switchhook_events"',
      row: { id: delivery(1).event.id, seconds: 1, who: null },
    });
  });

  it('refuses options that cannot work, each at its place', () => {
    expect(problemsOf({})).to.deep.equal([]);
    expect(problemsOf({ url: 'mysql://db/x' })).to.deep.equal(['url']);
    expect(problemsOf({ table: 'a.b.c' })).to.deep.equal(['table']);
    expect(problemsOf({ table: 'x'.repeat(64) })).to.deep.equal(['table']);
    expect(problemsOf({ idColumn: '' })).to.deep.equal(['idColumn']);
    expect(problemsOf({ columns: { ['x'.repeat(64)]: 'a' } })).to.deep.equal([`columns.${'x'.repeat(64)}`]);
    expect(problemsOf({ columns: { id: 'mine' } })).to.deep.equal(['columns']);
    expect(problemsOf({ columns: { a: { value: 1, type: 'varchar' } } })).to.deep.equal(['columns.a']);
    expect(problemsOf({ columns: { a: '${{ event.nothing }}' } })).to.deep.equal(['columns.a']);
    expect(problemsOf({ connections: 0 })).to.deep.equal(['connections']);
  });
});
