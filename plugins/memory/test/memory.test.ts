import { aClaim, aNewDelivery, anEntry, FakeClock, startMs, storeSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore, memoryStoreComponent } from '../src/store.js';

storeSuite('memory', async () => {
  const clock = new FakeClock();
  const store = memoryStore(clock);
  await store.open?.();
  const reopen = async () => {
    await store.open?.();
    return store;
  };
  return { store, clock, reopen, close: async () => {} };
}, ['snapshot', 'coordination', 'deadGroups']);

describe('the memory store', () => {
  it('ends the leases when it is opened again: whoever held them is gone', async () => {
    const clock = new FakeClock();
    const store = memoryStore(clock);
    await store.append([anEntry(1, {}, [aNewDelivery({ state: 'running', dueMs: startMs + 1e6 })])]);
    await store.open?.();
    const { deliveries } = await store.claim(aClaim());
    expect(deliveries.map(({ attempt, lease }) => [attempt, lease])).to.deep.equal([[2, 2]]);
  });

  it('has no options', () => {
    expect(memoryStoreComponent.options.safeParse({ path: 'x' }).success).to.equal(false);
    expect(memoryStoreComponent.options.safeParse({}).success).to.equal(true);
  });
});
