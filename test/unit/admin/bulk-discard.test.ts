import { expect } from 'chai';
import { anOperator, fickle } from '../../support/operations.js';
import { statusOf, storeWith } from '../../support/pipeline.js';

const dead = { deliveries: { state: 'dead' }, events: null } as const;
const all = { filter: dead, dryRun: false, perSecond: 1_000 };
const keys = (count: number) => Array.from({ length: count }, (_, n) => ({ key: `a${n}`, subject: `s${n}` }));

describe('a discard of many', () => {
  it('ends what a filter finds, also by what the events are, and counts first', async () => {
    const { operations, received, pipeline, stateOf, log } = anOperator({ destinations: { crm: fickle().deliver } });
    await received(...keys(3));
    expect(await operations.discards.start({ ...all, dryRun: true })).to.include({ matched: 3, changed: 0 });
    expect(await stateOf()).to.deep.equal(['rejected', 'rejected', 'rejected']);
    const filter = { ...dead, events: { subject: 's1' } };
    const one = await operations.discards.start({ ...all, filter });
    expect(one).to.deep.include({ state: 'done', matched: 1, changed: 1, destinations: ['crm'], filter });
    // What is discarded already is not counted again.
    expect(await operations.discards.start(all)).to.include({ matched: 2, changed: 2 });
    expect(await stateOf()).to.deep.equal(['discarded', 'discarded', 'discarded']);
    // One that has found nothing is known by its id only.
    const none = await operations.discards.start(all);
    expect(operations.discards.get(none.id)).to.include({ state: 'done', matched: 0 });
    expect(operations.discards.list().map(({ matched }) => matched)).to.deep.equal([2, 1, 3]);
    expect(log.lines.filter(({ event }) => event.startsWith('discard.')).map(({ event }) => event)).to.deep.equal(
      Array.from({ length: 4 }, () => ['discard.started', 'discard.ended']).flat(),
    );
    await pipeline.close();
  });

  it('ends deliveries whose destination is not configured any more', async () => {
    const before = anOperator({ destinations: { crm: fickle().deliver } });
    await before.received({ key: 'a' });
    await before.pipeline.close();
    const { operations, pipeline } = anOperator({
      ...{ destinations: { slack: fickle().deliver }, routes: [], store: () => before.store, clock: before.clock },
    });
    expect(await operations.discards.start(all)).to.include({ matched: 1, changed: 1 });
    await pipeline.close();
  });

  it('keeps to its pace, and tells meanwhile how far it is', async () => {
    const { operations, received, clock, pipeline, stateOf } = anOperator({ destinations: { crm: fickle().deliver } });
    await received(...keys(25));
    const starting = operations.discards.start({ ...all, perSecond: 10 });
    const discarded = async () => (await stateOf()).filter((state) => state === 'discarded').length;
    await clock.advance(999);
    expect(await discarded()).to.equal(10);
    await clock.advance(1);
    const { id } = await starting;
    expect(operations.discards.get(id)).to.include({ state: 'running', matched: 25, changed: 20 });
    expect(await discarded()).to.equal(20);
    await clock.advance(1_000);
    expect(operations.discards.get(id)).to.include({ state: 'done', matched: 25, changed: 25 });
    await pipeline.close();
  });

  it('runs one at a time, beside a replay, until it is cancelled', async () => {
    const { operations, received, clock, pipeline, stateOf } = anOperator({ destinations: { crm: fickle().deliver } });
    await received(...keys(3));
    const starting = operations.discards.start({ ...all, perSecond: 1 });
    await clock.advance(1_000);
    const { id } = await starting;
    expect(await statusOf(operations.discards.start(all))).to.equal('DISCARD_RUNNING');
    const none = { filter: { deliveries: { state: 'delivered' }, events: null }, reroute: false } as const;
    expect(await operations.replays.start({ ...all, ...none })).to.include({ state: 'done' });
    const cancelled = await operations.discards.cancel(id);
    expect(cancelled).to.include({ state: 'cancelled', matched: 3, changed: 2, endedAtMs: clock.now() });
    await clock.advance(10_000);
    expect(operations.discards.get(id)).to.deep.equal(cancelled);
    expect((await stateOf()).filter((state) => state === 'discarded')).to.have.length(2);
    expect(await statusOf(operations.discards.cancel(id))).to.equal('WRONG_STATE');
    expect(await statusOf(operations.discards.cancel('nothing'))).to.equal('NOT_KEPT');
    expect(await operations.discards.start(all)).to.include({ state: 'done', matched: 1 });
    await pipeline.close();
  });

  it('passes over what was settled otherwise since it was found', async () => {
    const crm = fickle({ kind: 'unavailable', reason: 'down' });
    let isFound = false;
    const { operations, received, clock, pipeline } = anOperator({
      destinations: { crm: crm.deliver },
      store: (store) =>
        storeWith(store, {
          discard: async (ids) => {
            if (!isFound) await store.discard(ids.slice(0, 1));
            isFound = true;
            return store.discard(ids);
          },
        }),
    });
    await received(...keys(2));
    await clock.advance(60_000);
    const discard = await operations.discards.start(all);
    expect(discard).to.deep.include({
      matched: 2,
      changed: 1,
      skipped: { running: 1, unconfigured: 0, withoutBody: 0 },
    });
    await pipeline.close();
  });

  it('does not end what was replayed after it was found', async () => {
    const crm = fickle();
    const { operations, received, clock, pipeline, store, stateOf } = anOperator({
      destinations: { crm: crm.deliver },
    });
    await received(...keys(3));
    const found = (await store.deliveries({ state: 'dead', limit: 9 })).items.map(({ id }) => id);
    const starting = operations.discards.start({ ...all, perSecond: 1 });
    await clock.advance(500);
    // The page was read, and its last one is to be discarded in two seconds.
    await store.replay(found.slice(-1), clock.now() + 60_000);
    await clock.advance(500);
    const { id } = await starting;
    await clock.advance(5_000);
    const skipped = { running: 1, unconfigured: 0, withoutBody: 0 };
    expect(operations.discards.get(id)).to.deep.include({ state: 'done', matched: 3, changed: 2, skipped });
    expect((await stateOf()).toSorted()).to.deep.equal(['discarded', 'discarded', 'waiting']);
    await pipeline.close();
  });

  it('keeps its pace where the time of day is set back, and after a store that hung', async () => {
    let release: (() => void) | null = null;
    let hangs = false;
    const { operations, received, clock, pipeline, stateOf } = anOperator({
      destinations: { crm: fickle().deliver },
      store: (store) =>
        storeWith(store, {
          discard: async (ids) => {
            if (hangs)
              await new Promise<void>((resolve) => {
                release = resolve;
              });
            return store.discard(ids);
          },
        }),
    });
    await received(...keys(9));
    const discarded = async () => (await stateOf()).filter((state) => state === 'discarded').length;
    const starting = operations.discards.start({ ...all, perSecond: 1 });
    await clock.advance(500);
    clock.jumpTo(clock.now() - 3_600_000);
    await clock.advance(500);
    await starting;
    expect(await discarded()).to.equal(2);
    hangs = true;
    await clock.advance(30_000);
    hangs = false;
    (release as (() => void) | null)?.();
    await clock.advance(0);
    // The one that hung, the next one, and a second's worth of what was missed.
    expect(await discarded()).to.equal(5);
    await clock.advance(1_000);
    expect(await discarded()).to.equal(6);
    await clock.advance(10_000);
    expect(await discarded()).to.equal(9);
    await pipeline.close();
  });

  it('is over at once where it is cancelled while pages have nothing that fits', async () => {
    let pages = 0;
    const { operations, received, clock, pipeline } = anOperator({
      destinations: { crm: fickle({ kind: 'delivered' }).deliver },
      store: (store) =>
        storeWith(store, {
          events: async (query) => {
            pages += 1;
            // The third page of the second pass is read slowly.
            if (pages === 8) await new Promise<void>((resolve) => clock.after(5_000, resolve));
            return store.events({ ...query, limit: 1 });
          },
        }),
    });
    await received(...keys(5));
    const starting = operations.discards.start({ ...all, filter: { ...dead, events: { source: 'agents' } } });
    await clock.advance(1_000);
    const { id } = await starting;
    const cancelling = operations.discards.cancel(id);
    const before = pages;
    await clock.advance(5_000);
    await cancelling;
    expect([pages, operations.discards.get(id).state]).to.deep.equal([before, 'cancelled']);
    expect(await operations.discards.start({ ...all, dryRun: true })).to.include({ state: 'done' });
    await pipeline.close();
  });

  it('stays cancelled where the store fails at that moment', async () => {
    let fail = (_: Error): void => {};
    const { operations, received, clock, pipeline } = anOperator({
      destinations: { crm: fickle().deliver },
      store: (store) =>
        storeWith(store, {
          discard: () =>
            new Promise((_, reject) => {
              fail = reject;
            }),
        }),
    });
    await received(...keys(1));
    const starting = operations.discards.start(all);
    await clock.advance(1_000);
    const { id } = await starting;
    const cancelling = operations.discards.cancel(id);
    fail(new Error('disk full'));
    expect(await cancelling).to.include({ state: 'cancelled', reason: 'disk full' });
    await pipeline.close();
  });

  it('stops with the router, between two batches, and reports a store that fails', async () => {
    let away = false;
    const { operations, received, clock, pipeline, log } = anOperator({
      destinations: { crm: fickle().deliver },
      store: (store) =>
        storeWith(store, {
          discard: async (ids) => {
            if (away) throw new Error('disk full');
            return store.discard(ids);
          },
        }),
    });
    await received(...keys(3));
    away = true;
    expect(await operations.discards.start(all)).to.include({ state: 'failed', reason: 'disk full', changed: 0 });
    expect(log.lines.some(({ event, level }) => event === 'discard.failed' && level === 'error')).to.equal(true);
    away = false;
    const starting = operations.discards.start({ ...all, perSecond: 1 });
    await clock.advance(500);
    await operations.close();
    const { id, state, changed } = await starting;
    expect([state, changed]).to.deep.equal(['stopped', 1]);
    expect(operations.discards.get(id).endedAtMs).to.equal(clock.now());
    expect(await statusOf(operations.discards.start(all))).to.equal('SHUTTING_DOWN');
    await pipeline.close();
  });
});

describe('a replay of many', () => {
  it('can be cancelled between two pages', async () => {
    let release = (): void => {};
    const { operations, received, clock, pipeline } = anOperator({
      destinations: { crm: fickle().deliver },
      store: (store) =>
        storeWith(store, {
          deliveries: (query) => store.deliveries({ ...query, limit: 1 }),
          replay: async (ids, dueMs) => {
            await new Promise<void>((resolve) => {
              release = resolve;
            });
            return store.replay(ids, dueMs);
          },
        }),
    });
    await received(...keys(2));
    const starting = operations.replays.start({ ...all, reroute: false });
    await clock.advance(1_000);
    const { id } = await starting;
    const cancelling = operations.replays.cancel(id);
    release();
    expect(await cancelling).to.include({ state: 'cancelled', matched: 2, changed: 1 });
    await pipeline.close();
  });
});
