import { beatMs } from '@switchhook/core/internal';
import type { Outcome } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { MemoryCoordination, shared } from '../../support/coordination.js';
import { aPipeline, type Deliver, type World } from '../../support/pipeline.js';

/** Each router has a clock of its own: the one of a process that is stopped stands still. */
function two() {
  const clocks = { stopped: new FakeClock(), other: new FakeClock() };
  const store = memoryStore(clocks.other);
  const attempts: string[] = [];
  let end = (_: Outcome): void => {};
  const stopped = aPipeline({
    clock: clocks.stopped,
    policy: { concurrency: 1, timeoutMs: 5_000 },
    destinations: {
      crm: ({ event }) => {
        attempts.push(`stopped ${event.key}`);
        return new Promise((resolve) => {
          end = resolve;
        });
      },
    },
    store: () => store,
  });
  const start = () =>
    aPipeline({
      clock: clocks.other,
      policy: { concurrency: 8, timeoutMs: 5_000 },
      destinations: {
        crm: async ({ event }) => {
          attempts.push(`other ${event.key}`);
          return { kind: 'delivered' };
        },
      },
      store: () => store,
    });
  return { clocks, store, stopped, start, attempts, end: (outcome: Outcome) => end(outcome) };
}

const leaseMs = 6 * 5_000 + 30_000;

describe('a router whose process was stopped for longer than its leases', () => {
  it('settles nothing that another router has taken over, and attempts nothing of what it still had', async () => {
    const { clocks, store, stopped, start, attempts, end } = two();
    await clocks.stopped.advance(0);
    await clocks.other.advance(0);
    for (const key of ['a', 'b', 'c']) await stopped.send({ key });
    await clocks.stopped.advance(0);
    expect(attempts).to.deep.equal(['stopped a']);
    const other = start();
    await clocks.other.advance(leaseMs + 20_000);
    expect(attempts.slice(1).sort()).to.deep.equal(['other a', 'other b', 'other c']);
    const before = (await store.deliveries({ limit: 9 })).items;
    // It goes on: the time of day has passed, and what the other side had answered meanwhile arrives.
    clocks.stopped.jumpTo(clocks.other.now());
    end({ kind: 'rejected', reason: 'status 400' });
    await clocks.stopped.advance(60_000);
    expect(attempts).to.have.length(4);
    const after = (await store.deliveries({ limit: 9 })).items;
    expect(after).to.deep.equal(before);
    expect(after.map(({ state, attempts: count }) => [state, count])).to.deep.equal(Array(3).fill(['delivered', 2]));
    await Promise.all([stopped.pipeline.close(), other.pipeline.close()]);
  });
});

describe('a router that sends no heartbeat any more', () => {
  /** Three on one store, the first of which can be suspended; each attempt of it lasts until it is ended. */
  function three(leases: { readonly first?: number; readonly others?: number } = {}) {
    const clocks = { first: new FakeClock(), others: new FakeClock() };
    const [store, coordination] = [memoryStore(clocks.others), new MemoryCoordination(clocks.others)];
    const attempts: string[] = [];
    const add = (clock: FakeClock, name: string, leaseMs?: number, given: World = {}) =>
      aPipeline({
        clock,
        policy: { concurrency: 3, timeoutMs: 20_000 },
        destinations: {
          crm: async ({ event }) => {
            attempts.push(`${name} ${event.key}`);
            return { kind: 'delivered' };
          },
        },
        ...given,
        store: () => shared(store, coordination, leaseMs),
      });
    const ends: (() => void)[] = [];
    const crm: Deliver = ({ event }) => {
      attempts.push(`first ${event.key}`);
      return new Promise((resolve) => ends.push(() => resolve({ kind: 'rejected', reason: 'status 400' })));
    };
    const first = add(clocks.first, 'first', leases.first, { destinations: { crm } });
    const others = [add(clocks.others, 'second', leases.others), add(clocks.others, 'third', leases.others)] as const;
    const advanceAll = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += beatMs)
        await Promise.all([clocks.first.advance(beatMs), clocks.others.advance(beatMs)]);
    };
    return { clocks, store, coordination, attempts, first, others, advanceAll, ends };
  }

  it('loses its leases after 30 s, so that the others go on with what it had, once', async () => {
    const { clocks, store, attempts, first, others, advanceAll } = three();
    await advanceAll(4 * beatMs);
    // One attempt at a time is its share; the others are held.
    for (const key of ['a', 'b', 'c']) await first.send({ key });
    await clocks.first.advance(0);
    expect(attempts).to.deep.equal(['first a']);
    await clocks.others.advance(29_000);
    expect(attempts).to.have.length(1);
    await clocks.others.advance(1_000 + 3 * beatMs);
    expect(
      attempts
        .slice(1)
        .map((attempt) => attempt.split(' ')[1])
        .sort(),
    ).to.deep.equal(['a', 'b', 'c']);
    const { items } = await store.deliveries({ limit: 9 });
    expect(items.map(({ state, attempts: count }) => [state, count])).to.deep.equal(Array(3).fill(['delivered', 2]));
    const ended = others.flatMap(({ log }) => log.of('leases.ended').map(({ fields }) => fields.deliveries));
    expect(ended).to.deep.equal([3]);
    await clocks.others.advance(200_000);
    expect(attempts).to.have.length(4);
    await Promise.all(others.map(({ pipeline }) => pipeline.close()));
  });

  it('loses them after its own lease, whatever that of the others is', async () => {
    for (const leases of [{ first: 10_000 }, { first: 10_000, others: 60_000 }, { first: 60_000, others: 10_000 }]) {
      const { clocks, attempts, first, others, advanceAll } = three(leases);
      await advanceAll(4 * beatMs);
      for (const key of ['a', 'b', 'c']) await first.send({ key });
      await clocks.first.advance(0);
      await clocks.others.advance(leases.first - 1_000);
      expect(attempts, 'before the lease ends').to.deep.equal(['first a']);
      await clocks.others.advance(1_000 + 3 * beatMs);
      expect(attempts, JSON.stringify(leases)).to.have.length(4);
      await Promise.all(others.map(({ pipeline }) => pipeline.close()));
    }
  });

  it('settles and attempts nothing of them when it was only suspended, and then takes part again', async () => {
    const { clocks, store, attempts, first, others, advanceAll, ends } = three();
    await advanceAll(4 * beatMs);
    for (const key of ['a', 'b', 'c']) await first.send({ key });
    await clocks.first.advance(0);
    await clocks.others.advance(40_000);
    expect(attempts).to.have.length(4);
    // Its leases would hold for longer. It notices that the time has passed before it sends its next heartbeat.
    clocks.first.jumpTo(clocks.others.now());
    for (const end of ends.splice(0)) end();
    await clocks.first.advance(0);
    await advanceAll(10 * beatMs);
    expect(attempts).to.have.length(4);
    const { items } = await store.deliveries({ limit: 9 });
    expect(items.map(({ state, attempts: count }) => [state, count])).to.deep.equal(Array(3).fill(['delivered', 2]));
    await first.send({ key: 'd' });
    await clocks.first.advance(0);
    expect(attempts.at(-1)).to.equal('first d');
    for (const end of ends.splice(0)) end();
    await clocks.first.advance(0);
    await Promise.all([first, ...others].map(({ pipeline }) => pipeline.close()));
  });

  it('loses its leases with a later heartbeat where they could not be ended at first', async () => {
    const { clocks, coordination, attempts, first, others, advanceAll } = three();
    await advanceAll(4 * beatMs);
    await first.send({ key: 'a' });
    await clocks.first.advance(0);
    const { takeLeases } = coordination;
    coordination.takeLeases = () => {
      throw new Error('the database is away');
    };
    await clocks.others.advance(60_000);
    expect(attempts).to.have.length(1);
    coordination.takeLeases = takeLeases;
    await clocks.others.advance(3 * beatMs);
    expect(attempts).to.have.length(2);
    await Promise.all(others.map(({ pipeline }) => pipeline.close()));
  });
});
