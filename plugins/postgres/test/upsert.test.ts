import plugin from '@switchhook/plugin-postgres';
import { type Destination, type Event, type JsonObject, z } from '@switchhook/sdk';
import { aDelivery, anEvent, createComponent, destinationSuite, fakeServices } from '@switchhook/testkit';
import { expect } from 'chai';
import { postgres, type TestDatabase } from '../../../test/support/postgres.js';
import { throttle } from './gate.js';

const component = plugin.components.find(({ type }) => type === 'postgres.upsert');
const signal = (): AbortSignal => new AbortController().signal;

const columns = {
  agent: '${{ event.agent }}',
  ended_at: {
    value: '${{ event.type == "conversation_ended" ? event.occurredAt : "" }}',
    type: 'timestamptz',
  },
  seconds: { value: '${{ event.data.duration }}', type: 'bigint' },
  summary: '${{ event.data.summary }}',
  details: { value: '${{ event.data.details }}', type: 'jsonb' },
};

interface World {
  readonly database: TestDatabase;
  readonly destination: Destination;
}

async function withFixture(options: JsonObject, body: (fixture: World) => Promise<void>): Promise<void> {
  const database = await postgres();
  const services = fakeServices();
  const destination = createComponent(
    'destination',
    component,
    { url: database.url, columns, ...options },
    services,
    plugin,
  );
  try {
    await body({ database, destination });
  } finally {
    await destination.close?.();
    await services.close();
    await database.close();
  }
}

/** An event of conv_1, received in this second. */
function delivery(second: number, type: string, data: JsonObject, changes: Partial<Event> = {}) {
  const id = `01890a5d-ac96-774b-bcce-${String(second).padStart(12, '0')}`;
  const receivedAt = `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;
  const event = anEvent({ id, key: id, type, subject: 'conv_1', receivedAt, data, ...changes });
  return aDelivery({ id: `${id}.0`, event });
}

const ended = delivery(1, 'conversation_ended', { duration: 73, summary: 'first', details: { a: 1 } });
const analysed = delivery(2, 'conversation_analysed', { summary: 'final', duration: null });

const filled = {
  subject: 'conv_1',
  agent: 'agent_sales',
  ended_at: new Date('2026-01-01T00:00:00.000Z'),
  seconds: '73',
  summary: 'final',
  details: { a: 1 },
  updated_at: new Date('2026-01-01T00:00:02.000Z'),
};

destinationSuite('postgres.upsert', async () => {
  const database = await postgres();
  const door = await throttle(database.url);
  const services = fakeServices();
  const options = { url: door.url, key: '${{ event.id }}', columns: { type: 'ended' } };
  const destination = createComponent('destination', component, options, services, plugin);
  return {
    destination,
    secrets: [door.url],
    mark: ({ event }) => event.id,
    arrived: async () =>
      (await database.query('select subject from switchhook_conversations order by ctid')).map(({ subject }) =>
        String(subject),
      ),
    behave: async (how) => {
      if (how === 'refusing')
        await database.query(
          'create table switchhook_conversations (subject text primary key, type text check (false), updated_at timestamptz)',
        );
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

describe('postgres.upsert keeps one row per conversation', () => {
  for (const [order, deliveries] of [
    ['in the order of their arrival', [ended, analysed]],
    ['the older one late', [analysed, ended]],
    ['each several times', [ended, analysed, ended, analysed, ended]],
  ] as const)
    it(`which its events fill, ${order}`, () =>
      withFixture({}, async ({ database, destination }) => {
        for (const each of deliveries)
          expect(await destination.deliver(each, signal())).to.deep.equal({ kind: 'delivered' });
        expect(await database.query('select * from switchhook_conversations')).to.deep.equal([filled]);
      }));

  it('which the events of one batch fill, whatever their order', () =>
    withFixture({}, async ({ database, destination }) => {
      const other = delivery(3, 'conversation_ended', { duration: 5 }, { subject: 'conv_2' });
      const outcomes = await destination.deliverMany?.([analysed, other, ended], signal());
      expect(outcomes).to.deep.equal(Array(3).fill({ kind: 'delivered' }));
      expect(await database.query('select subject, seconds from switchhook_conversations order by 1')).to.deep.equal([
        { subject: 'conv_1', seconds: '73' },
        { subject: 'conv_2', seconds: '5' },
      ]);
      expect(await database.query("select * from switchhook_conversations where subject = 'conv_1'")).to.deep.equal([
        filled,
      ]);
    }));

  it('beside an event of the same batch that does not fit', () =>
    withFixture({}, async ({ database, destination }) => {
      const bad = delivery(3, 'conversation_ended', { duration: 'long' });
      const outcomes = await destination.deliverMany?.([ended, bad, analysed], signal());
      expect(outcomes?.map(({ kind }) => kind)).to.deep.equal(['delivered', 'rejected', 'delivered']);
      expect(await database.query('select * from switchhook_conversations')).to.deep.equal([filled]);
    }));

  it('by a key of its own, in a table that is there', () =>
    withFixture(
      {
        table: 'calls',
        key: '${{ event.data.call }}',
        keyColumn: 'call',
        updatedColumn: 'changed',
        columns: { agent: 'a' },
      },
      async ({ database, destination }) => {
        await database.query(
          'create table calls (call bigint primary key, agent text, changed timestamptz, note text)',
        );
        await database.query("insert into calls values (7, 'old', null, 'kept')");
        const data = { call: 7 };
        expect(await destination.deliver(delivery(1, 'x', data), signal())).to.deep.equal({ kind: 'delivered' });
        expect(await database.query('select call, agent, note from calls')).to.deep.equal([
          { call: '7', agent: 'a', note: 'kept' },
        ]);
      },
    ));

  it('not of events without the key', () =>
    withFixture({}, async ({ database, destination }) => {
      const outcome = await destination.deliver(delivery(1, 'x', {}, { subject: null }), signal());
      expect(outcome).to.deep.equal({ kind: 'rejected', reason: 'the event has no value for subject' });
      expect(await database.query("select to_regclass('switchhook_conversations') as found")).to.deep.equal([
        { found: null },
      ]);
    }));

  it('shows the row it would write', () =>
    withFixture({}, async ({ destination }) => {
      expect(destination.preview?.(analysed)).to.have.nested.property('row.subject', 'conv_1');
      expect(destination.preview?.(analysed)).to.have.nested.property('row.updated_at', '2026-01-01T00:00:02.000Z');
    }));

  it('with options that can work', () => {
    const problemsOf = (options: JsonObject) => {
      try {
        createComponent('destination', component, { url: 'postgres://db/x', ...options }, fakeServices(), plugin);
      } catch (error) {
        if (!(error instanceof z.ZodError)) throw error;
        return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
      }
      return [];
    };
    expect(problemsOf({ columns: { subject: 'x' }, keyColumn: 'updated_at' })).to.deep.equal([
      'updatedColumn: expected another column than keyColumn',
    ]);
    expect(problemsOf({ columns: { subject: 'x', updated_at: 'y' } })).to.deep.equal([
      'columns: the router fills the column named by keyColumn: leave it out here',
      'columns: the router fills the column named by updatedColumn: leave it out here',
    ]);
    expect(problemsOf({ table: 'a.b.c', columns: {} })).to.deep.equal([
      'table: expected `table` or `schema.table`, each of 1 to 63 bytes',
    ]);
    expect(problemsOf({})).to.have.length(1);
  });
});
