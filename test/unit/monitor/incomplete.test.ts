/** Conversations of which an event does not arrive in time: over restarts, in any order, and with several routers on one store. */
import { eventOf, Incomplete } from '@switchhook/core/internal';
import { type EventRecord, type Store, stringifyJson } from '@switchhook/sdk';
import { FakeClock, settled } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { aPipeline, storeWith } from '../../support/pipeline.js';

const [minuteMs, hourMs] = [60_000, 3_600_000];
const expectations = [
  { source: 'agents', first: 'started', following: ['ended', 'failed'], withinMs: 2 * hourMs },
  { source: 'agents', first: 'ended', following: ['analysed'], withinMs: 10 * minuteMs },
];

/** A router on a store; what reaches `crm` of the router's own events is in `reported`. */
function aRouter({
  clock = new FakeClock(),
  store = memoryStore(clock) as Store,
  taken = true,
  expected = expectations,
  emitters = new Set<string>(),
} = {}) {
  const routes = [{ from: ['agents'] }, ...(taken ? [{ from: ['router'] }] : [])];
  const made = aPipeline({ clock, store: () => store, routes, expectations: expected, emitters });
  const incomplete = made.engine.get(Incomplete);
  incomplete.open();
  const reported = () => made.delivered.filter(({ event }) => event.source === 'router').map(({ event }) => event);
  const send = (type: string, subject = 'c1') => made.send({ key: `${type} ${subject}`, type, subject });
  const listed = async (source?: string) => {
    const { items } = await incomplete.list({ limit: 10, ...(source !== undefined && { source }) });
    return items.map(({ subject, after }) => `${subject} after ${after}`);
  };
  return { ...made, incomplete, reported, send, listed, store };
}

describe('conversations that are incomplete', () => {
  it('are reported once, and listed, when what follows has not arrived in its time', async () => {
    const { clock, send, reported, listed } = aRouter();
    await send('started');
    await send('started', 'c2');
    await clock.advance(hourMs);
    await send('ended', 'c2');
    await send('analysed', 'c2');
    await clock.advance(hourMs - minuteMs);
    expect(await listed()).to.deep.equal([]);
    await clock.advance(3 * minuteMs);
    expect(await listed()).to.deep.equal(['c1 after started']);
    expect([await listed('agents'), await listed('others')]).to.deep.equal([['c1 after started'], []]);
    await clock.advance(5 * hourMs);
    const [event, ...others] = reported();
    expect(others).to.have.length(0);
    expect(event).to.include({ source: 'router', type: 'conversation.incomplete', subject: 'c1' });
    expect(event?.occurredAt).to.equal('2026-01-01T02:00:00.000Z');
    expect(event?.data).to.deep.include({
      ...{ conversation: 'c1', after: 'started', missing: ['ended', 'failed'], withinSeconds: 7_200 },
      what: 'Conversation c1 at agents has no ended or failed within 2h of started.',
    });
  });

  it('are listed without a route that takes the event, which then is not stored', async () => {
    const { clock, send, listed, store } = aRouter({ taken: false });
    await send('ended');
    await clock.advance(12 * minuteMs);
    expect(await listed()).to.deep.equal(['c1 after ended']);
    expect((await store.events({ source: 'router', limit: 10 })).items).to.have.length(0);
  });

  it('are complete with one of several types, in whatever order', async () => {
    const { clock, send, listed, reported } = aRouter();
    await send('started', 'failed');
    await send('failed', 'failed');
    await send('ended', 'late-start');
    await send('analysed', 'late-start');
    await clock.advance(5 * minuteMs);
    await send('started', 'late-start');
    await clock.advance(3 * hourMs);
    expect([await listed(), reported()]).to.deep.equal([[], []]);
  });

  it('leave the list when the event arrives late', async () => {
    const { clock, send, listed, reported } = aRouter();
    await send('started');
    await clock.advance(2 * hourMs + minuteMs);
    expect(await listed()).to.deep.equal(['c1 after started']);
    await send('ended');
    await send('analysed');
    await clock.advance(minuteMs);
    expect(await listed()).to.deep.equal([]);
    await clock.advance(3 * hourMs);
    expect(reported()).to.have.length(1);
  });

  it('are complete, also after a restart, when a destination emits what was fetched', async () => {
    const clock = new FakeClock();
    const store = memoryStore(clock);
    const emitters = new Set(['fetch']);
    const emitting = (entries: Parameters<Store['append']>[0]) =>
      store.append(entries.map(({ event }) => ({ event: { ...event, source: 'fetch' }, deliveries: [] })));
    const first = aRouter({ clock, store, emitters });
    // The router of this store writes as the destination would.
    const fetched = aRouter({ clock, store: storeWith(store, { append: emitting }), expected: [] });
    await first.send('started');
    await first.send('started', 'c2');
    await clock.advance(hourMs);
    await fetched.send('ended', 'c2');
    await first.incomplete.close();
    const second = aRouter({ clock, store, emitters });
    const without = aRouter({ clock, store });
    await clock.advance(hourMs + minuteMs);
    expect(await second.listed()).to.have.members(['c1 after started', 'c2 after started']);
    await without.incomplete.close();
    expect(second.reported().map(({ subject }) => subject)).to.deep.equal(['c1']);
    await fetched.send('ended');
    await clock.advance(minuteMs);
    expect(await second.listed()).to.deep.equal(['c2 after started']);
  });

  it('are found after a restart, also those whose time has passed while no router was running', async () => {
    const clock = new FakeClock();
    const store = memoryStore(clock);
    const before = aRouter({ clock, store });
    await before.send('started');
    await before.send('started', 'c2');
    await clock.advance(hourMs);
    await before.send('ended', 'c2');
    await before.send('analysed', 'c2');
    await before.incomplete.close();
    await clock.advance(9 * hourMs);
    const after = aRouter({ clock, store });
    await clock.advance(minuteMs);
    expect(await after.listed()).to.deep.equal(['c1 after started']);
    await after.incomplete.close();
    const again = aRouter({ clock, store });
    await clock.advance(hourMs);
    await again.send('ended');
    await again.send('analysed');
    await clock.advance(minuteMs);
    expect(await again.listed()).to.deep.equal([]);
    const { items } = await store.events({ source: 'router', limit: 10 });
    expect(items).to.have.length(1);
  });

  it('are reported once by several routers on one store', async () => {
    const clock = new FakeClock();
    const store = memoryStore(clock);
    const routers = [aRouter({ clock, store }), aRouter({ clock, store })];
    await routers[0]?.send('started');
    await clock.advance(2 * hourMs + minuteMs);
    expect((await store.events({ source: 'router', limit: 10 })).items).to.have.length(1);
    expect(await routers[1]?.listed()).to.deep.equal(['c1 after started']);
    await routers[1]?.send('ended');
    await routers[1]?.send('analysed');
    await clock.advance(minuteMs);
    for (const { listed } of routers) expect(await listed()).to.deep.equal([]);
  });

  it('are reported later where the store fails meanwhile', async () => {
    const clock = new FakeClock();
    const plain = memoryStore(clock);
    let isFailing = false;
    const append: Store['append'] = (entries) =>
      isFailing ? Promise.reject(new Error('connection lost')) : plain.append(entries);
    const { send, reported, listed, log } = aRouter({ clock, store: storeWith(plain, { append }) });
    await send('started');
    isFailing = true;
    await clock.advance(3 * hourMs);
    expect(await listed()).to.deep.equal([]);
    expect(log.of('incomplete.failed').length).to.be.above(1);
    isFailing = false;
    await clock.advance(minuteMs);
    expect(reported()).to.have.length(1);
    expect(await listed()).to.deep.equal(['c1 after started']);
  });

  it('are found among thousands of events, each of which is read about once', async () => {
    const clock = new FakeClock();
    const plain = memoryStore(clock);
    let read = 0;
    const events: Store['events'] = async (query) => {
      const page = await plain.events(query);
      read += page.items.length;
      return page;
    };
    const count = 2_500;
    const records = Array.from({ length: count }, (_, index): EventRecord => {
      const about = { id: `id-${index}`, key: `key-${index}`, source: 'agents', subject: `c${index >> 1}` };
      const [occurredAtMs, receivedAtMs] = [clock.now(), clock.now()];
      const body = Buffer.from(stringifyJson({}));
      return {
        ...about,
        type: index % 2 ? 'failed' : 'started',
        agent: null,
        party: null,
        occurredAtMs,
        receivedAtMs,
        body,
      };
    });
    await plain.append(
      [...records, { ...records[0], id: 'x', key: 'x', subject: 'open' } as EventRecord].map((event) => ({
        event,
        deliveries: [],
      })),
    );
    const { listed, reported } = aRouter({ clock, store: storeWith(plain, { events }) });
    await clock.advance(3 * hourMs);
    await settled();
    expect(await listed()).to.deep.equal(['open after started']);
    expect(reported().map((event) => event.data.conversation)).to.deep.equal(['open']);
    // In each of the first minutes, as looks overlap.
    expect(read).to.be.below(8 * count);
  });

  it('are not looked for where the store is opened while the router ends', async () => {
    const { clock, incomplete, send, listed } = aRouter();
    await send('ended');
    await incomplete.close();
    incomplete.open();
    await clock.advance(hourMs);
    expect(await listed()).to.deep.equal([]);
  });

  it('are not looked for without an expectation', async () => {
    const { clock, send, listed, store } = aRouter({ expected: [] });
    await send('started');
    await clock.advance(5 * hourMs);
    expect(await listed()).to.deep.equal([]);
    expect(await store.stateKeys?.('switchhook.incomplete', 10)).to.deep.equal([]);
    expect((await store.events({ limit: 10 })).items.map((record) => eventOf(record).type)).to.deep.equal(['started']);
  });
});
