/** Sources that pull: started again, in one router at a time, with checkpoints behind the commit. */
import { Pullers, stateIn } from '@switchhook/core/internal';
import type { EmitPulled, EventDraft, Source, Store } from '@switchhook/sdk';
import { FakeClock, FakeLog, FakeMetrics, settled } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { anEngine } from '../../support/engine.js';

type Start = NonNullable<Source['start']>;

const draft = (key: string): EventDraft => {
  return { key, type: 'order.created', subject: null, agent: null, occurredAtMs: null, data: { key } };
};
const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** Routers on one store; `start` is what the source does in all of them. */
function setup(start: (router: number, ...given: Parameters<Start>) => Promise<void>) {
  const clock = new FakeClock();
  const log = new FakeLog();
  const store: Store = memoryStore(clock);
  const { setState } = store;
  const faults = { isDown: false, set: [] as string[] };
  store.setState = async (key, ...change) => {
    if (faults.isDown) throw new Error('the connection broke');
    faults.set.push(key);
    return (await setState?.call(store, key, ...change)) === true;
  };
  const state = stateIn(store, clock)('orders');
  const router = (index: number) => {
    const source = {
      start: (...given: Parameters<Start>) => start(index, ...given),
      receive: () => ({ kind: 'events', events: [] }) as const,
    };
    const pulling = [{ name: 'orders', source, state, leases: stateIn(store, clock)('leases') }];
    return anEngine({ clock, log, metrics: new FakeMetrics(), store, plan: { pulling } }).get(Pullers);
  };
  const keys = async () => (await store.events({ limit: 100 })).items.map(({ source, key }) => `${source} ${key}`);
  return { clock, log, store, state, router, keys, faults };
}

describe('a source that pulls', () => {
  it('commits what it emits, and keeps the checkpoint afterwards', async () => {
    const { router, keys, state, store, clock, faults } = setup(async (_router, emit, signal) => {
      await emit([draft('1'), draft('2')], { checkpoint: { key: 'cursor', value: '2' } });
      await emit([draft('2'), draft('3')], { checkpoint: { key: 'cursor', value: '3' } });
      await untilAborted(signal);
    });
    const { append } = store;
    store.append = (entries) => append.call(store, entries).finally(() => faults.set.push('events'));
    const pullers = router(1);
    pullers.open();
    await clock.advance(0);
    expect((await keys()).toSorted()).to.deep.equal(['orders 1', 'orders 2', 'orders 3']);
    expect((await state.get('cursor'))?.value).to.equal('3');
    const cursor = 'plugin:orders:cursor';
    expect(faults.set.filter((key) => !key.includes('leases'))).to.deep.equal(['events', cursor, 'events', cursor]);
    expect(pullers.statuses).to.deep.equal([
      { source: 'orders', state: 'running', sinceMs: clock.now(), lastFailure: null },
    ]);
    await pullers.close();
  });

  it('leaves the checkpoint where the events could not be committed', async () => {
    const failures: unknown[] = [];
    const { router, state, store, clock } = setup(async (_router, emit, signal) => {
      await emit([draft('1')], { checkpoint: { key: 'cursor', value: '1' } }).catch((error) =>
        failures.push(error.code),
      );
      await emit([{ ...draft('1'), key: '' }], { checkpoint: { key: 'cursor', value: '1' } }).catch((error) =>
        failures.push(error.name),
      );
      await untilAborted(signal);
    });
    store.append = () => Promise.reject(new Error('disk full'));
    const pullers = router(1);
    pullers.open();
    await clock.advance(0);
    expect(failures).to.deep.equal(['STORE_UNAVAILABLE', 'InvalidReturn']);
    expect(await state.get('cursor')).to.equal(null);
    await pullers.close();
  });

  it('is started again after growing pauses, whether it throws or returns early', async () => {
    const startedAtMs: number[] = [];
    const { router, log, clock } = setup(async () => {
      startedAtMs.push(clock.now());
      if (startedAtMs.length % 2 === 1) throw new Error('status 500');
    });
    const began = clock.now();
    const pullers = router(1);
    pullers.open();
    await clock.advance(7_000);
    expect(startedAtMs.map((ms) => ms - began)).to.deep.equal([0, 1_000, 3_000, 7_000]);
    expect(log.of('pull.failed').map(({ fields }) => [String(fields.error), fields.waitMs])).to.deep.equal([
      ['Error: status 500', 1_000],
      ['Error: start returned, although its signal was not aborted', 2_000],
      ['Error: status 500', 4_000],
      ['Error: start returned, although its signal was not aborted', 8_000],
    ]);
    expect(pullers.statuses[0]).to.deep.include({ state: 'waiting', sinceMs: clock.now() });
    expect(pullers.statuses[0]?.lastFailure?.reason).to.contain('start returned');
    const erased = {
      eventIds: new Set(''),
      subjects: new Set(''),
      numbers: new Set(''),
      agent: null,
      isAbout: () => false,
    };
    pullers.forget(erased, true);
    expect(pullers.statuses[0]?.lastFailure).not.to.equal(null);
    pullers.forget(erased, false);
    expect(pullers.statuses[0]?.lastFailure).to.equal(null);
    await pullers.close();
    await clock.advance(600_000);
    expect(startedAtMs).to.have.length(4);
  });

  it('runs in one of several routers, and in another at once or soon after that one has closed or died', async () => {
    const running = new Set<number>();
    const { router, clock, faults } = setup(async (index, _emit, signal) => {
      running.add(index);
      await untilAborted(signal);
      running.delete(index);
    });
    const [first, second] = [router(1), router(2)];
    first.open();
    await settled();
    second.open();
    await clock.advance(120_000);
    expect([...running]).to.deep.equal([1]);
    expect(second.statuses[0]?.state).to.equal('standby');
    await first.close();
    await clock.advance(10_000);
    expect([...running]).to.deep.equal([2]);
    // The second loses its store: it ends before its lease does, and the third takes over.
    faults.isDown = true;
    await clock.advance(20_000);
    expect([...running]).to.deep.equal([]);
    faults.isDown = false;
    await second.close();
    const third = router(3);
    third.open();
    await clock.advance(10_000);
    expect([...running]).to.deep.equal([3]);
    await third.close();
  });

  it('emits nothing after its signal is aborted, and keeps the router from closing for 5 s at most', async () => {
    let late: EmitPulled = async () => {};
    const { router, clock, keys, log } = setup(async (_router, emit) => {
      late = emit;
      await new Promise(() => {});
    });
    const pullers = router(1);
    pullers.open();
    await clock.advance(0);
    const closed = pullers.close();
    await clock.advance(5_000);
    await closed;
    expect(log.of('pull.unended')).to.have.length(1);
    const { message } = await late([draft('1')]).then(
      () => new Error('it succeeded'),
      (error) => error,
    );
    expect(message).to.equal('the router is closing');
    expect(await keys()).to.deep.equal([]);
  });

  it('goes on over a reload that does not change it; a changed one starts when the earlier one has ended', async () => {
    const clock = new FakeClock();
    const store = memoryStore(clock);
    const steps: string[] = [];
    const pulling = (name: string, version: number) => {
      const source = {
        receive: () => ({ kind: 'events', events: [] }) as const,
        start: async (_emit: EmitPulled, signal: AbortSignal) => {
          steps.push(`${name}${version} started`);
          await untilAborted(signal);
          await new Promise<void>((resolve) => clock.after(1_000, resolve));
          steps.push(`${name}${version} ended`);
        },
      };
      return { name, source, state: stateIn(store, clock)(name), leases: stateIn(store, clock)('leases') };
    };
    const [orders, shops] = [pulling('orders', 1), pulling('shops', 1)];
    const plan = { pulling: [orders, shops] };
    const engine = anEngine({ clock, log: new FakeLog(), metrics: new FakeMetrics(), store, plan });
    const [pullers, { current }] = [engine.get(Pullers), engine];
    pullers.open();
    await clock.advance(0);
    void current.swap({ ...current.value, pulling: [orders, pulling('shops', 2), pulling('users', 1)] });
    void pullers.follow();
    await clock.advance(500);
    expect(steps.splice(0)).to.deep.equal(['orders1 started', 'shops1 started', 'users1 started']);
    await clock.advance(600);
    expect(steps.splice(0)).to.deep.equal(['shops1 ended', 'shops2 started']);
    expect(pullers.statuses.map(({ source, state }) => `${source} ${state}`)).to.deep.equal([
      ...['orders running', 'shops running', 'users running'],
    ]);
    void current.swap({ ...current.value, pulling: [orders] });
    const followed = pullers.follow();
    await clock.advance(1_000);
    await followed;
    expect(steps.splice(0).toSorted()).to.deep.equal(['shops2 ended', 'users1 ended']);
    expect(pullers.statuses.map(({ source }) => source)).to.deep.equal(['orders']);
    const closed = pullers.close();
    await clock.advance(1_000);
    await closed;
    expect(steps).to.deep.equal(['orders1 ended']);
  });
});
