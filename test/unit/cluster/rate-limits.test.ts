import { LeasedBucket } from '@switchhook/core/internal';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { MemoryCoordination, shared } from '../../support/coordination.js';
import { aPipeline, type Deliver } from '../../support/pipeline.js';

const secondMs = 1_000;

/** Routers with a rate limit of their own on one coordination: each takes all it may whenever it looks. */
function bucketsOn(count: number, rate: { readonly count: number; readonly perMs: number }) {
  const clock = new FakeClock();
  const coordination = new MemoryCoordination(clock);
  const capacity = Math.max(1, Math.floor((rate.count * secondMs) / rate.perMs));
  const buckets = Array.from({ length: count }, () => {
    const lease = (tokens: number) =>
      coordination.take({ key: 'crm', tokens, tokenMs: rate.perMs / rate.count, capacity });
    return new LeasedBucket(rate, { lease, sharers: () => count, elapsed: () => clock.elapsed(), onLease: () => {} });
  });
  const taken: number[] = [];
  const look = (index: number): void => {
    const [bucket, nowMs] = [buckets[index], clock.elapsed()];
    bucket?.want(nowMs);
    while (bucket !== undefined && bucket.allowance(nowMs) > 0) {
      bucket.take(nowMs);
      taken.push(nowMs);
    }
  };
  return { clock, coordination, look, taken, capacity };
}

/** The most that was taken within any stretch of time of this length. */
function mostWithin(taken: readonly number[], ms: number): number {
  return Math.max(0, ...taken.map((start) => taken.filter((at) => at >= start && at < start + ms).length));
}

describe('a rate limit of several routers', () => {
  it('is used up while a token that was taken may not be used yet, not while nothing is wanted', async () => {
    const clock = new FakeClock();
    let waitMs = 0;
    const bucket = new LeasedBucket(
      { count: 1, perMs: 1_000 },
      { lease: async () => waitMs, sharers: () => 2, elapsed: () => clock.elapsed(), onLease: () => {} },
    );
    const isUsedUp = () => bucket.isUsedUp(clock.elapsed());
    expect(isUsedUp(), 'nothing is wanted').to.equal(false);
    bucket.want(clock.elapsed());
    await clock.advance(1);
    expect(isUsedUp(), 'a token is there').to.equal(false);
    bucket.take(clock.elapsed());
    waitMs = 500;
    bucket.want(clock.elapsed());
    await clock.advance(1);
    expect(isUsedUp(), 'a token is there, for later').to.equal(true);
    await clock.advance(500);
    expect(isUsedUp()).to.equal(false);
  });

  it('is kept in all, within a second’s worth and a block for each router, over any stretch of time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(secondMs, 60_000),
        fc.array(fc.record({ router: fc.nat(2), pauseMs: fc.nat(400) }), { minLength: 20, maxLength: 120 }),
        async (routers, count, perMs, looks) => {
          const { clock, look, taken, capacity } = bucketsOn(routers, { count, perMs });
          for (const { router, pauseMs } of looks) {
            look(router % routers);
            await clock.advance(pauseMs);
          }
          const block = Math.max(1, Math.ceil((count * 100) / perMs));
          for (const ms of [100, secondMs, 10_000])
            expect(mostWithin(taken, ms)).to.be.at.most(Math.ceil((ms * count) / perMs) + capacity + routers * block);
        },
      ),
      { numRuns: 60 },
    );
  }).timeout(60_000);

  it('is used up while there is demand, with ten leases a second, and none without demand', async () => {
    const { clock, coordination, look, taken } = bucketsOn(3, { count: 100, perMs: secondMs });
    for (let ms = 0; ms < 10_000; ms += 10) {
      for (const router of [0, 1, 2]) look(router);
      await clock.advance(10);
    }
    expect(taken.length).to.be.within(1_000, 1_100 + 30);
    // Ten for the second's worth that an idle bucket holds, and a block that each router has.
    expect(coordination.leases).to.be.at.most(100 + 10 + 3);
    const before = coordination.leases;
    await clock.advance(60_000);
    expect(coordination.leases).to.equal(before);
  });

  it('leaves a slow rate to the router that has something to do', async () => {
    const { clock, look, taken } = bucketsOn(3, { count: 1, perMs: 10_000 });
    look(0);
    await clock.advance(0);
    for (let ms = 0; ms < 60_000; ms += 100) {
      look(0);
      await clock.advance(100);
    }
    expect(taken.length).to.be.within(6, 7);
  });
});

describe('routers with a rate limit', () => {
  /** Three routers with 10 attempts a second in all. */
  function three(concurrency = 60, answer: Deliver = async () => ({ kind: 'delivered' })) {
    const clock = new FakeClock();
    const [store, coordination] = [memoryStore(clock), new MemoryCoordination(clock)];
    const calls: number[] = [];
    const deliver: Deliver = (delivery, signal) => {
      calls.push(clock.elapsed());
      return answer(delivery, signal);
    };
    const rateLimit = { count: 10, perMs: secondMs };
    const routers = Array.from({ length: 3 }, () =>
      aPipeline({
        clock,
        destinations: { crm: deliver },
        policy: { rateLimit, concurrency },
        store: () => shared(store, coordination),
      }),
    );
    return { clock, store, coordination, calls, routers };
  }

  it('attempt no more in all than one router would, and get through all', async () => {
    const { clock, calls, routers } = three();
    await clock.advance(2_000);
    for (let n = 0; n < 120; n += 1) await routers[n % 3]?.send({ key: `e${n}` });
    const startMs = clock.elapsed();
    await clock.advance(5_000);
    expect(calls.length).to.be.within(40, 50 + 10 + 3);
    await clock.advance(10_000);
    expect(calls).to.have.length(120);
    expect(Math.max(...calls) - startMs).to.be.within(10_000, 14_000);
    for (const { pipeline } of routers) await pipeline.close();
  });

  it('leave the whole rate to the one that may start attempts, where the others have no share of the concurrency', async () => {
    const { clock, coordination, calls, routers } = three(1);
    await clock.advance(2_000);
    for (let n = 0; n < 150; n += 1) {
      await routers[n % 3]?.send({ key: `e${n}` });
      await clock.advance(100);
    }
    // A lease is one token; few expire unused.
    expect(coordination.leases).to.be.within(calls.length, calls.length + 5);
    for (const { pipeline } of routers) await pipeline.close();
  });

  it('lease nothing while all attempts that they may make are under way', async () => {
    const { clock, coordination, calls, routers } = three(3, () => new Promise(() => {}));
    await clock.advance(2_000);
    for (let n = 0; n < 30; n += 1) await routers[n % 3]?.send({ key: `e${n}` });
    await clock.advance(1_000);
    expect(calls).to.have.length(3);
    const before = coordination.leases;
    await clock.advance(5_000);
    for (let n = 30; n < 60; n += 1) await routers[n % 3]?.send({ key: `e${n}` });
    expect(coordination.leases).to.equal(before);
    await Promise.all([clock.advance(30_000), ...routers.map(({ pipeline }) => pipeline.close())]);
  });

  it('go on with a third of the rate each while the store does not answer, and never with more', async () => {
    const { clock, coordination, calls, routers } = three();
    await clock.advance(2_000);
    coordination.take = () => new Promise(() => {});
    for (let n = 0; n < 300; n += 1) await routers[n % 3]?.send({ key: `e${n}` });
    const before = calls.length;
    await clock.advance(10_000);
    expect(calls.length - before).to.be.within(80, 100);
    expect(mostWithin(calls, secondMs)).to.be.at.most(10 + 3 * 3);
    for (const { pipeline } of routers) await pipeline.close();
  });
});
