import type { Outcome } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { aPipeline } from '../../support/pipeline.js';

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
