import { Breaker, Capacity, Dispatcher, SharedCapacity, TokenBucket } from '@switchhook/core/internal';
import type { Event, Outcome } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';
import { aPipeline, type Deliver, policy, storeWith } from '../../support/pipeline.js';

const delivered = { kind: 'delivered' } as const;
const down = { kind: 'unavailable', reason: 'status 503' } as const;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** A destination that notes when it is called, and answers as it is told. */
function noting(clock: FakeClock, answer: (key: string, call: number) => Outcome = () => delivered) {
  const calls: { readonly atMs: number; readonly key: string }[] = [];
  const deliver: Deliver = async ({ event }) => {
    calls.push({ atMs: clock.elapsed(), key: event.key });
    return answer(event.key, calls.length);
  };
  return { calls, deliver, keys: () => calls.map(({ key }) => key) };
}

describe('a claim', () => {
  it('leaves half of the room to what is accepted meanwhile, unless the claim before brought all that it asked for', async () => {
    const clock = new FakeClock();
    const limits: number[] = [];
    const states: string[] = [];
    const attempts: (() => void)[] = [];
    let answer = (): void => {};
    const { pipeline, send, store } = aPipeline({
      clock,
      destinations: { crm: () => new Promise((resolve) => attempts.push(() => resolve(delivered))) },
      store: (plain) =>
        storeWith(plain, {
          claim: async (request) => {
            limits.push(request.limit);
            await new Promise<void>((resolve) => {
              answer = resolve;
            });
            return plain.claim(request);
          },
          append: async (entries) => {
            states.push(...entries.flatMap(({ deliveries }) => deliveries.map(({ state }) => state)));
            return plain.append(entries);
          },
        }),
    });
    await clock.advance(0);
    for (let n = 0; n < 30; n += 1) await send({ key: `e${n}` });
    expect(limits).to.deep.equal([5]);
    expect(states.slice(0, 6)).to.deep.equal([...Array(5).fill('running'), 'waiting']);
    while ((await store.deliveries({ state: 'delivered', limit: 100 })).items.length < 30) {
      for (const end of attempts.splice(0)) end();
      answer();
      await clock.advance(0);
    }
    // It brought five. The two attempts that have ended since leave room for two.
    expect(limits.slice(0, 2)).to.deep.equal([5, 2]);
    const closing = pipeline.close();
    answer();
    await closing;
  });
});

describe('the rate limit', () => {
  it('allows a whole batch of what is due, although a claim leaves room for what is accepted meanwhile', async () => {
    const clock = new FakeClock();
    const batches: number[] = [];
    const { pipeline, send } = aPipeline({
      clock,
      deliverMany: async (deliveries) => {
        batches.push(deliveries.length);
        return deliveries.map(() => delivered);
      },
      policy: { concurrency: 1, rateLimit: { count: 1, perMs: 1_000 }, batch: { max: 8, waitMs: 0 } },
    });
    for (let n = 0; n < 9; n += 1) await send({ key: `e${n}` });
    await clock.advance(1_000);
    expect(batches).to.deep.equal([1, 8]);
    await pipeline.close();
  });

  it('lets no more attempts start than it says, and gets through all of them', async () => {
    const clock = new FakeClock();
    const { calls, deliver } = noting(clock);
    const fixture = aPipeline({
      clock,
      destinations: { slack: deliver },
      policy: { rateLimit: { count: 2, perMs: 1_000 } },
    });
    for (let n = 0; n < 12; n += 1) await fixture.send({ key: `e${n}` });
    await clock.advance(0);
    expect(calls).to.have.length(2);
    await clock.advance(1_000);
    expect(calls).to.have.length(4);
    await clock.advance(4_000);
    expect(new Set(calls.map(({ key }) => key)).size).to.equal(12);
    expect(calls).to.have.length(12);
    await fixture.pipeline.close();
  });

  it('is kept over any stretch of time, whatever the demand', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom(1_000, 60_000),
        fc.array(fc.nat(3_000), { minLength: 1, maxLength: 200 }),
        (count, perMs, sleep) => {
          const bucket = new TokenBucket({ count, perMs }, 0);
          const burst = Math.max(1, Math.floor((count * 1_000) / perMs));
          let nowMs = 0;
          let taken = 0;
          for (const pauseMs of sleep) {
            nowMs += pauseMs;
            while (bucket.allowance(nowMs) > 0) {
              bucket.take(nowMs);
              taken += 1;
            }
            expect(taken).to.be.at.most(burst + (nowMs * count) / perMs + 1e-6);
            const opensAtMs = bucket.opensAtMs(nowMs);
            expect(opensAtMs).to.be.greaterThan(nowMs);
            nowMs = opensAtMs;
            expect(bucket.allowance(nowMs)).to.be.at.least(1);
          }
        },
      ),
    );
  });
});

describe('the breaker', () => {
  const breaker = { failures: 3, windowMs: minuteMs, cooldownMs: 30_000 };
  const patient = { breaker, retry: { attempts: 100, firstMs: 1_000, maxMs: hourMs } };

  it('leaves a destination alone that fails, and tries it again with one delivery at a time', async () => {
    const clock = new FakeClock();
    let up = false;
    const { calls, deliver } = noting(clock, () => (up ? delivered : down));
    const fixture = aPipeline({ clock, destinations: { crm: deliver }, policy: patient });
    for (let n = 0; n < 20; n += 1) await fixture.send({ key: `e${n}` });
    await clock.advance(20_000);
    // Two more were on their way when the third failure opened it.
    expect(calls.length).to.be.within(3, 4);
    const before = calls.length;
    await clock.advance(15_000);
    expect(calls).to.have.length(before + 1);
    up = true;
    await clock.advance(2 * minuteMs);
    expect(new Set(await fixture.stateOf())).to.deep.equal(new Set(['delivered']));
    await fixture.pipeline.close();
  });

  it('spares the attempts of what waits behind it', async () => {
    const clock = new FakeClock();
    const { deliver } = noting(clock, () => down);
    const fixture = aPipeline({ clock, destinations: { crm: deliver }, policy: patient });
    for (let n = 0; n < 50; n += 1) await fixture.send({ key: `e${n}` });
    await clock.advance(10 * minuteMs);
    const { items } = await fixture.store.deliveries({ limit: 100 });
    expect(items.filter(({ attempts }) => attempts === 0).length).to.be.greaterThan(40);
    expect(new Set(items.map(({ state }) => state))).to.deep.equal(new Set(['waiting']));
    await fixture.pipeline.close();
  });

  it('opens only after enough failures in a row, close together', () => {
    const one = new Breaker(breaker, hourMs);
    one.failed(0);
    one.failed(1);
    one.succeeded();
    one.failed(2);
    one.failed(3);
    expect(one.state(3)).to.equal('closed');
    one.failed(minuteMs + 2);
    expect(one.state(minuteMs + 2), 'the first two are too old').to.equal('closed');
    one.failed(minuteMs + 2);
    expect(one.state(minuteMs + 2)).to.equal('open');
  });

  it('waits twice as long after each probe that fails, up to its maximum, and is closed by one that succeeds', () => {
    const one = new Breaker(breaker, 100_000);
    for (const atMs of [0, 0, 0]) one.failed(atMs);
    const waits: number[] = [];
    for (let nowMs = 0, probes = 0; probes < 5; probes += 1) {
      const probeAtMs = one.probeAtMs() ?? 0;
      waits.push(probeAtMs - nowMs);
      nowMs = probeAtMs;
      expect([one.allowance(nowMs - 1), one.allowance(nowMs)]).to.deep.equal([0, 1]);
      one.started(nowMs);
      expect(one.allowance(nowMs), 'one probe only').to.equal(0);
      one.failed(nowMs);
    }
    expect(waits).to.deep.equal([30_000, 60_000, 100_000, 100_000, 100_000]);
    one.succeeded();
    expect(one.allowance(0)).to.equal(Number.POSITIVE_INFINITY);
  });
});

describe('what a transform keeps from its destination', () => {
  const breaker = { failures: 3, windowMs: minuteMs, cooldownMs: 30_000 };
  const hold = { hold: (event: Event) => (event.data.skip === true ? null : event) };
  const patient = { breaker, retry: { attempts: 100, firstMs: 1_000, maxMs: hourMs } };

  it('neither closes nor spares its breaker', async () => {
    const clock = new FakeClock();
    const { calls, deliver } = noting(clock, () => down);
    const fixture = aPipeline({
      clock,
      destinations: { slack: deliver },
      routes: [{ transforms: ['hold'] }],
      transforms: hold,
      policy: { ...patient, concurrency: 1 },
    });
    for (let n = 0; n < 6; n += 1) await fixture.send({ key: `e${n}`, skip: n % 2 === 1 });
    await clock.advance(0);
    expect(calls).to.have.length(3);
    expect(fixture.engine.get(Dispatcher).loads.get('slack')?.breaker).to.equal('open');
    await clock.advance(30_000);
    await fixture.send({ key: 'late', skip: true });
    await clock.advance(0);
    expect(fixture.engine.get(Dispatcher).loads.get('slack')?.breaker).not.to.equal('closed');
    await fixture.pipeline.close();
  });

  it('takes nothing of its rate', async () => {
    const clock = new FakeClock();
    const { calls, deliver } = noting(clock);
    const fixture = aPipeline({
      clock,
      destinations: { slack: deliver },
      routes: [{ transforms: ['hold'] }],
      transforms: hold,
      policy: { rateLimit: { count: 1, perMs: 60_000 } },
    });
    for (let n = 0; n < 5; n += 1) {
      await fixture.send({ key: `s${n}`, skip: true });
      await clock.advance(0);
    }
    await fixture.send({ key: 'kept' });
    await clock.advance(0);
    expect(calls).to.have.length(1);
    await fixture.pipeline.close();
  });
});

describe('a destination that asks to be left alone', () => {
  it('is left alone by its whole lane for as long as it says', async () => {
    const clock = new FakeClock();
    const busy = { kind: 'unavailable', reason: 'status 429', retryAfterMs: 30_000 } as const;
    const { calls, deliver } = noting(clock, (_key, call) => (call === 1 ? busy : delivered));
    const fixture = aPipeline({ clock, destinations: { slack: deliver }, policy: { concurrency: 1 } });
    for (let n = 0; n < 10; n += 1) await fixture.send({ key: `e${n}` });
    await clock.advance(29_999);
    expect(calls).to.have.length(1);
    await clock.advance(1_001);
    expect(calls, 'the one that was told so comes a little later').to.have.length(10);
    await clock.advance(5_000);
    expect(calls).to.have.length(11);
    await fixture.pipeline.close();
  });
});

describe('an ordered destination', () => {
  const ordered = { ordered: true, concurrency: 4, retry: { attempts: 50, firstMs: 100, maxMs: 1_000 } };

  it('gets the events of a subject one after another, in order of arrival, whatever fails between', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 25 }),
        fc.infiniteStream(fc.boolean()),
        async (subjects, failures) => {
          const clock = new FakeClock();
          const arrived: string[] = [];
          const open = new Set<string>();
          const deliver: Deliver = async ({ event }) => {
            expect(open.has(event.subject ?? ''), `two of ${event.subject} at once`).to.equal(false);
            open.add(event.subject ?? '');
            await Promise.resolve();
            open.delete(event.subject ?? '');
            if (failures.next().value === true) return down;
            arrived.push(event.key);
            return delivered;
          };
          const fixture = aPipeline({ clock, destinations: { crm: deliver }, policy: ordered });
          for (const [index, subject] of subjects.entries()) await fixture.send({ key: `${subject}${index}`, subject });
          for (let n = 0; n < 200 && arrived.length < subjects.length; n += 1) await clock.advance(1_000);
          expect(arrived).to.have.length(subjects.length);
          for (const subject of ['a', 'b', 'c']) {
            const numbers = arrived.filter((key) => key.startsWith(subject)).map((key) => Number(key.slice(1)));
            expect(numbers).to.deep.equal(numbers.toSorted((x, y) => x - y));
          }
          await fixture.pipeline.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('keeps the order across a restart', async () => {
    const first = aPipeline({ destinations: { crm: () => new Promise(() => {}) }, policy: ordered });
    for (let n = 0; n < 5; n += 1) await first.send({ key: `e${n}`, subject: 'a' });
    await first.clock.advance(0);
    // The process dies here, with e0 under way.
    const clock = new FakeClock(first.clock.now());
    const { deliver, keys } = noting(clock);
    const second = aPipeline({ clock, store: () => first.store, destinations: { crm: deliver }, policy: ordered });
    await clock.advance(5 * minuteMs);
    expect(keys()).to.deep.equal(['e0', 'e1', 'e2', 'e3', 'e4']);
    await second.pipeline.close();
  });

  it('does not let one subject hold up another', async () => {
    const clock = new FakeClock();
    const { deliver, keys } = noting(clock, (key) => (key.startsWith('a') ? down : delivered));
    const fixture = aPipeline({ clock, destinations: { crm: deliver }, policy: ordered });
    for (const key of ['a0', 'b0', 'a1', 'b1']) await fixture.send({ key, subject: key[0] });
    await clock.advance(1_000);
    expect(keys().filter((key) => key.startsWith('b'))).to.deep.equal(['b0', 'b1']);
    expect(keys()).not.to.include('a1');
    await fixture.pipeline.close();
  });
});

describe('a destination that takes batches', () => {
  function batching(
    clock: FakeClock,
    batch: { max: number; waitMs: number },
    outcomeOf: (key: string) => Outcome = () => delivered,
  ) {
    const batches: string[][] = [];
    const fixture = aPipeline({
      clock,
      destinations: { warehouse: () => Promise.reject(new Error('one by one')) },
      deliverMany: async (deliveries) => {
        batches.push(deliveries.map(({ event }) => event.key));
        return deliveries.map(({ event }) => outcomeOf(event.key));
      },
      policy: { batch },
    });
    return { batches, fixture };
  }

  it('gets them as large as allowed, and the rest when its first has waited long enough', async () => {
    const clock = new FakeClock();
    const { batches, fixture } = batching(clock, { max: 10, waitMs: 200 });
    for (let n = 0; n < 13; n += 1) await fixture.send({ key: `e${n}` });
    await clock.advance(199);
    expect(batches.map(({ length }) => length)).to.deep.equal([10]);
    await clock.advance(1);
    expect(batches.map(({ length }) => length)).to.deep.equal([10, 3]);
    await fixture.pipeline.close();
  });

  it('settles each delivery of a batch by its own outcome', async () => {
    const clock = new FakeClock();
    const poison = { kind: 'rejected', reason: 'no such column' } as const;
    const { fixture } = batching(clock, { max: 3, waitMs: 0 }, (key) => (key === 'e1' ? poison : delivered));
    for (let n = 0; n < 3; n += 1) await fixture.send({ key: `e${n}` });
    await clock.advance(0);
    expect((await fixture.stateOf()).toSorted()).to.deep.equal(['delivered', 'delivered', 'rejected']);
    await fixture.pipeline.close();
  });

  it('loses and repeats none, however they are cut', async () => {
    const sizes = fc.record({ max: fc.integer({ min: 2, max: 20 }), waitMs: fc.integer({ min: 0, max: 500 }) });
    await fc.assert(
      fc.asyncProperty(sizes, fc.array(fc.nat(300), { minLength: 1, maxLength: 60 }), async (batch, sleep) => {
        const clock = new FakeClock();
        const { batches, fixture } = batching(clock, batch);
        for (const [index, pauseMs] of sleep.entries()) {
          await fixture.send({ key: `e${index}` });
          if (pauseMs > 200) await clock.advance(pauseMs);
        }
        await clock.advance(minuteMs);
        expect(batches.flat().toSorted()).to.deep.equal(sleep.map((_, index) => `e${index}`).toSorted());
        for (const { length } of batches) expect(length).to.be.at.most(batch.max);
        await fixture.pipeline.close();
      }),
      { numRuns: 25 },
    );
  });
});

describe('a bad day', () => {
  it('of a destination that hangs for an hour costs its neighbour nothing, and itself no event', async () => {
    const clock = new FakeClock();
    let hanging = true;
    const { deliver, keys } = noting(clock);
    const hangs: Deliver = () => (hanging ? new Promise(() => {}) : Promise.resolve(delivered));
    const breaker = { failures: 5, windowMs: minuteMs, cooldownMs: 30_000 };
    const retry = { attempts: 10, firstMs: 5_000, maxMs: hourMs };
    const fixture = aPipeline({
      clock,
      destinations: { crm: hangs, slack: deliver },
      policy: { ...policy, retry, breaker },
    });
    for (let minute = 0; minute < 60; minute += 1) {
      await fixture.send({ key: `e${minute}` });
      await clock.advance(minuteMs);
      expect(keys()).to.have.length(minute + 1);
    }
    hanging = false;
    await clock.advance(2 * hourMs);
    expect(new Set(await fixture.stateOf())).to.deep.equal(new Set(['delivered']));
    await fixture.pipeline.close();
  });

  it('of a destination that is down for a day leaves nothing lost: delivered afterwards, or dead and kept', async () => {
    const clock = new FakeClock();
    let up = false;
    const { deliver } = noting(clock, () => (up ? delivered : down));
    const breaker = { failures: 5, windowMs: minuteMs, cooldownMs: 30_000 };
    const retry = { attempts: 10, firstMs: 5_000, maxMs: hourMs };
    const fixture = aPipeline({ clock, destinations: { crm: deliver }, policy: { ...policy, retry, breaker } });
    for (let n = 0; n < 48; n += 1) {
      await fixture.send({ key: `e${n}` });
      await clock.advance(hourMs / 2);
    }
    up = true;
    await clock.advance(3 * hourMs);
    const states = await fixture.stateOf();
    expect(states).to.have.length(48);
    expect(states.filter((state) => state === 'delivered').length).to.be.greaterThan(40);
    expect(new Set(states)).to.be.deep.oneOf([new Set(['delivered']), new Set(['delivered', 'exhausted'])]);
    await fixture.pipeline.close();
  });
});

describe('the places in memory', () => {
  it('are shared by all lanes, but every lane keeps enough for its own attempts', () => {
    const shared = new SharedCapacity(10);
    const [greedy, other] = [new Capacity(20, 4, shared), new Capacity(20, 4, shared)];
    greedy.take(10);
    expect([greedy.left, other.left]).to.deep.equal([0, 4]);
    other.take(4);
    expect(other.left).to.equal(0);
    greedy.free(8);
    expect([greedy.left, other.left]).to.deep.equal([4, 4]);
    other.free(4);
    expect([greedy.left, other.left]).to.deep.equal([8, 8]);
  });
});
