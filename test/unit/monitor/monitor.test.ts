/** The router's own events: which ones are made, how often, and that none causes another one. */
import {
  Dispatcher,
  eventOf,
  Monitor,
  Observations,
  Pauses,
  type RouterEventType,
  routerEvents,
} from '@switchhook/core/internal';
import type { Outcome, Store } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { aPipeline, type Deliver, storeWith, type World } from '../../support/pipeline.js';

const hourMs = 3_600_000;
/** Longer than between two looks. */
const lookMs = 16_000;
const rejected: Outcome = { kind: 'rejected', reason: 'status 400' };

let sent = 0;

/** A router with the destinations `crm` and `slack`, which gets the router's own events. */
function aRouter(fixture: World & { readonly on?: readonly string[]; readonly alerts?: boolean } = {}) {
  const { on = ['*'], alerts = true, ...world } = fixture;
  const fate: { crm: Outcome; slack: Outcome } = { crm: { kind: 'delivered' }, slack: { kind: 'delivered' } };
  const told: string[] = [];
  const destinations: Record<string, Deliver> = {
    crm: async () => fate.crm,
    slack: async ({ event }) => {
      told.push(String(event.data.what));
      return fate.slack;
    },
  };
  const made = aPipeline({
    destinations,
    routes: [{ to: ['crm'] }, ...(alerts ? [{ from: ['router'], on, to: ['slack'] }] : [])],
    ...world,
  });
  const [monitor, observations] = [made.engine.get(Monitor), made.engine.get(Observations)];
  monitor.open();
  const reported = async () => {
    const { items } = await made.store.events({ source: 'router', limit: 100 });
    return items.toReversed().map((record) => eventOf(record));
  };
  const typesOf = async () => (await reported()).map(({ type }) => type);
  const note: NonNullable<Observations['watcher']> = (observation) => observations.watcher?.(observation);
  const send = async (count = 1) => {
    for (let n = 0; n < count; n += 1) {
      sent += 1;
      await made.send({ key: `${sent}`, subject: `s${sent}` });
    }
    await made.clock.advance(1);
  };
  return { ...made, monitor, observations, fate, told, reported, typesOf, note, send };
}

/** The same store in two routers. */
function shared(clock: FakeClock): (plain: Store) => Store {
  const store = memoryStore(clock);
  return () => store;
}

describe("the router's own events", () => {
  it('are made as soon, however often the configuration is reloaded, and once', async () => {
    const { clock, fate, monitor, send, typesOf } = aRouter({ on: ['delivery.*'] });
    fate.crm = rejected;
    await send();
    await clock.advance(10_000);
    monitor.follow();
    await clock.advance(lookMs - 10_000);
    expect(await typesOf()).to.deep.equal(['delivery.dead']);
    for (let reloads = 0; reloads < 20; reloads += 1) {
      monitor.follow();
      await clock.advance(1_000);
    }
    expect(await typesOf()).to.deep.equal(['delivery.dead']);
  });

  it('report dead deliveries of a destination and reason once an hour, and count the others in the next one', async () => {
    const { clock, fate, told, send, reported } = aRouter({ on: ['delivery.*'] });
    fate.crm = rejected;
    await send(2);
    await clock.advance(lookMs);
    await send(3);
    await clock.advance(hourMs / 2);
    expect(told).to.deep.equal(['2 deliveries to crm became dead (rejected). Last failure: status 400.']);
    await clock.advance(hourMs / 2);
    const [first, second] = await reported();
    expect(first).to.deep.include({ type: 'delivery.dead', subject: 'crm', source: 'router', agent: null });
    expect(first?.key).to.equal('delivery.dead:crm:rejected:2026-01-01T00:00:00.000Z');
    expect(first?.data).to.include({ destination: 'crm', reason: 'rejected', deliveries: 2, failure: 'status 400' });
    expect(second?.data.deliveries).to.equal(3);
    expect(second?.key).to.equal('delivery.dead:crm:rejected:2026-01-01T01:00:00.000Z');
    await clock.advance(3 * hourMs);
    expect(await reported()).to.have.length(2);
  });

  it('have nothing of an event that was erased before they were made, and count its deliveries', async () => {
    const { clock, engine, fate, monitor, send, store, reported } = aRouter({ on: ['delivery.*'] });
    fate.crm = { kind: 'rejected', reason: 'status 400: no customer +14155550100' };
    await send(2);
    const eventIds = new Set((await store.events({ limit: 9 })).items.map(({ id }) => id));
    const erased = { eventIds, subjects: new Set(''), numbers: new Set(''), agent: null, isAbout: () => false };
    const dispatcher = engine.get(Dispatcher);
    await monitor.forget(erased, true);
    dispatcher.forget(erased, true);
    expect(dispatcher.loads.get('crm')?.lastFailure?.reason).to.include('+14155550100');
    await monitor.forget(erased, false);
    dispatcher.forget(erased, false);
    expect(dispatcher.loads.get('crm')?.lastFailure).to.equal(null);
    await clock.advance(lookMs);
    const [event] = await reported();
    const blank = { failure: null, eventId: 'erased', deliveryId: 'erased' };
    expect(event?.data).to.deep.include({ destination: 'crm', deliveries: 2, ...blank });
  });

  it('are neither measured nor stored without a route that takes them', async () => {
    const quiet = aRouter({ alerts: false });
    expect(quiet.observations.watcher).to.equal(null);
    const other = aRouter({ on: ['config.reloaded'] });
    other.fate.crm = rejected;
    await other.send(6);
    await other.clock.advance(hourMs);
    expect(await other.reported()).to.have.length(0);
    const where = { text: 'false', evaluate: () => false };
    const unmatched = aRouter({ routes: [{ to: ['crm'] }, { from: ['router'], where, to: ['slack'] }] });
    unmatched.fate.crm = rejected;
    await unmatched.send();
    await unmatched.clock.advance(lookMs);
    expect(await unmatched.reported()).to.have.length(0);
  });

  it('cause no further ones, whatever becomes of their own deliveries', async () => {
    const { clock, fate, send, typesOf } = aRouter();
    fate.crm = rejected;
    fate.slack = rejected;
    await send();
    await clock.advance(5 * hourMs);
    expect(await typesOf()).to.deep.equal(['delivery.dead']);
    const behind = aRouter({ policy: { retry: { attempts: 50, firstMs: 60_000, maxMs: 60_000 } } });
    behind.fate.slack = { kind: 'unavailable', reason: 'status 503' };
    behind.note({ kind: 'reloaded', generation: 2, added: 1, changed: 0, removed: 0 });
    await behind.clock.advance(5 * hourMs);
    expect(await behind.typesOf()).to.deep.equal(['config.reloaded']);
  });

  it('are one where several routers on one store report the same cause', async () => {
    const clock = new FakeClock();
    const store = shared(clock);
    const routers = [aRouter({ clock, store }), aRouter({ clock, store })];
    for (const { note } of routers) note({ kind: 'reloaded', generation: 2, added: 1, changed: 0, removed: 0 });
    await clock.advance(lookMs);
    const { items } = await store(memoryStore(clock)).events({ source: 'router', limit: 10 });
    expect(items.map(({ type }) => type)).to.deep.equal(['config.reloaded']);
    expect(routers.flatMap(({ told }) => told)).to.have.length(1);
  });

  it('report a destination that fails by the share of its attempts, and when it has recovered', async () => {
    const { clock, fate, send, reported, typesOf } = aRouter({ on: ['destination.*'] });
    await send(5);
    fate.crm = rejected;
    await send(4);
    await clock.advance(lookMs);
    expect(await typesOf(), '4 of 9').to.deep.equal([]);
    await send(1);
    await clock.advance(lookMs);
    expect((await reported())[0]?.data).to.include({ attempts: 10, failed: 5, failure: 'status 400' });
    fate.crm = { kind: 'delivered' };
    await send(1);
    await clock.advance(lookMs);
    expect(await typesOf()).to.deep.equal(['destination.failing', 'destination.recovered']);
    expect((await reported())[1]?.data).to.include({
      what: 'crm accepts deliveries again, after 15s of failures.',
      failedSeconds: 15,
    });
    await clock.advance(2 * hourMs);
    expect(await reported()).to.have.length(2);
  });

  it('report once an hour that a destination still fails, also if its attempts have become rare', async () => {
    const { clock, fate, send, reported, typesOf } = aRouter({ on: ['destination.*'] });
    fate.crm = rejected;
    await send(5);
    await clock.advance(3 * hourMs);
    expect(await typesOf()).to.deep.equal(Array(4).fill('destination.failing'));
    expect((await reported())[3]?.data).to.include({ attempts: 0, what: 'crm still fails. Last failure: status 400.' });
  });

  it('report a recovery also if the router was started again meanwhile', async () => {
    const clock = new FakeClock();
    const store = shared(clock);
    const before = aRouter({ clock, store });
    before.fate.crm = rejected;
    await before.send(5);
    await clock.advance(lookMs);
    await before.monitor.close();
    const after = aRouter({ clock, store });
    await clock.advance(lookMs);
    await after.send();
    await clock.advance(lookMs);
    expect(after.told.filter((what) => what.startsWith('crm accepts'))).to.deep.equal([
      'crm accepts deliveries again, after 31s of failures.',
    ]);
  });

  it('report a queue whose oldest delivery waits for too long', async () => {
    const retry = { attempts: 50, firstMs: 60_000, maxMs: 60_000 };
    const { clock, fate, send, reported } = aRouter({ on: ['queue.behind'], policy: { retry } });
    fate.crm = { kind: 'unavailable', reason: 'status 503' };
    await send(2);
    await clock.advance(890_000);
    expect(await reported()).to.have.length(0);
    await clock.advance(30_000);
    expect((await reported())[0]?.data).to.include({
      destination: 'crm',
      waiting: 2,
      why: null,
      failure: 'status 503',
      what: 'The oldest of 2 deliveries that wait for crm is 15m 15s old. Last failure: status 503.',
    });
  });

  it('do not report a queue whose deliveries wait for further events, unless they wait for longer than that', async () => {
    const wait = { for: ['last'], withinMs: hourMs };
    const { clock, fate, send, reported } = aRouter({
      routes: [
        { to: ['crm'], wait },
        { from: ['router'], on: ['queue.behind'], to: ['slack'] },
      ],
      policy: { retry: { attempts: 50, firstMs: 60_000, maxMs: 60_000 } },
    });
    fate.crm = { kind: 'unavailable', reason: 'status 503' };
    await send();
    await clock.advance(hourMs + 890_000);
    expect(await reported()).to.have.length(0);
    await clock.advance(30_000);
    expect((await reported())[0]?.data).to.include({ destination: 'crm', failure: 'status 503' });
  });

  it('report why a queue is behind: an open circuit breaker, or a pause', async () => {
    const retry = { attempts: 50, firstMs: 60_000, maxMs: 60_000 };
    const breaker = { failures: 1, windowMs: 60_000, cooldownMs: 60_000 };
    const { clock, fate, send, reported, engine } = aRouter({ on: ['queue.behind'], policy: { retry, breaker } });
    fate.crm = { kind: 'unavailable', reason: 'status 503' };
    await send();
    await clock.advance(930_000);
    expect((await reported())[0]?.data.what).to.match(
      /old\. Its circuit breaker is open\. Last failure: status 503\.$/,
    );
    const pause = { kind: 'destination', name: 'crm', by: 'ada', reason: 'migration', sinceMs: clock.now() } as const;
    await engine.get(Pauses).pause(pause);
    await clock.advance(hourMs);
    const { what, advice } = (await reported())[1]?.data ?? {};
    expect(what).to.match(/old\. An operator has paused it\.$/);
    expect(advice).to.equal('Resume it when the reason is gone: switchhook resume crm');
  });

  it('report late replies, calls that got defaults because look-ups failed, and refused requests', async () => {
    const { clock, note, reported } = aRouter();
    for (const ms of [100, 100, 100, 100]) note({ kind: 'replied', source: 'calls', ms });
    const answered = { kind: 'answered', source: 'calls', answer: 'all', failure: null } as const;
    for (const step of ['fresh', 'cached', 'stale', 'default']) note({ ...answered, step });
    const refused = {
      kind: 'refused',
      source: 'agents',
      reason: () => 'no secret fits',
      remoteAddress: '::1',
    } as const;
    for (let n = 0; n < 9; n += 1) note({ ...refused, code: 'UNVERIFIED' });
    for (let n = 0; n < 20; n += 1) {
      note({ ...refused, code: 'STORE_UNAVAILABLE' });
      note({ ...refused, code: 'NOT_FOUND', source: '' });
    }
    await clock.advance(lookMs);
    expect(await reported()).to.have.length(0);
    note({ kind: 'replied', source: 'calls', ms: 2_001 });
    note({ ...answered, step: 'default', failure: 'customer: late' });
    note({ ...answered, step: 'none' });
    note({ ...refused, code: 'UNVERIFIED' });
    await clock.advance(lookMs);
    expect((await reported()).map(({ data }) => data.what)).to.have.members([
      '1 of the last 5 calls at calls were answered late, the slowest after 2s.',
      '1 call at calls got defaults because look-ups failed (answer all). customer: late.',
      '1 call at calls got an answer with values missing (answer all).',
      'agents has refused 10 requests (UNVERIFIED): no secret fits.',
    ]);
  });

  it('report deliveries whose last attempt never came back, but not those of the router', async () => {
    const { clock, store, note, send, reported } = aRouter({ on: ['delivery.dead', 'config.reloaded'] });
    await send();
    note({ kind: 'reloaded', generation: 2, added: 1, changed: 0, removed: 0 });
    await clock.advance(lookMs);
    const deliveryIds = (await store.deliveries({ limit: 10 })).items.map(({ id }) => id);
    expect(deliveryIds).to.have.length(2);
    note({ kind: 'exhausted', destination: 'crm', deliveryIds });
    await clock.advance(lookMs);
    const dead = (await reported()).filter(({ type }) => type === 'delivery.dead');
    expect(dead.map(({ data }) => [data.reason, data.deliveries])).to.deep.equal([['exhausted', 1]]);
  });

  it('are logged while the store cannot keep them, and stored when it can', async () => {
    let failure: Error | null = null;
    const store = (plain: Store) =>
      storeWith(plain, {
        append: (entries) => (failure === null ? plain.append(entries) : Promise.reject(failure)),
      });
    const { clock, log, reported } = aRouter({ store });
    failure = new Error('connection lost');
    await clock.advance(lookMs);
    failure = null;
    await clock.advance(lookMs);
    expect(await reported(), 'one check').to.have.length(0);
    failure = Object.assign(new Error('the disk is full'), { code: 'SQLITE_FULL' });
    await clock.advance(2 * hourMs - 60_000);
    const lines = log.of('alert.unstored');
    expect(lines.map(({ fields }) => fields.type)).to.deep.equal(['store.full', 'store.full']);
    expect(lines[0]?.fields.what).to.match(
      /^The store could not commit since 2026-01-01T00:00:4\S+: the disk is full\.$/,
    );
    failure = null;
    await clock.advance(lookMs);
    const [event, ...others] = await reported();
    expect(others).to.have.length(0);
    expect(event?.type).to.equal('store.full');
    expect(event?.data.what).to.match(/from 2026-01-01T00:00:4\S+ to 2026-01-01T01:59:\S+: the disk is full\.$/);
  });

  it('have the fields that are documented', async () => {
    const { clock, fate, note, send, reported } = aRouter();
    fate.crm = rejected;
    await send(5);
    note({ kind: 'reloaded', generation: 2, added: 1, changed: 0, removed: 0 });
    note({ kind: 'answered', source: 'calls', answer: null, step: 'unsent', failure: 'status 500' });
    await clock.advance(lookMs);
    const events = await reported();
    expect(events.map(({ type }) => type)).to.have.members([
      'delivery.dead',
      'config.reloaded',
      'call.defaulted',
      'destination.failing',
    ]);
    for (const { type, data } of events) {
      // Only types of the table are made.
      const { fields } = routerEvents[type as RouterEventType];
      expect(Object.keys(data), type).to.have.members(['what', 'advice', ...Object.keys(fields)]);
      for (const [name, { example }] of Object.entries(fields))
        if (data[name] !== null) expect(typeof data[name], `${type} ${name}`).to.equal(typeof example);
    }
  });
});
