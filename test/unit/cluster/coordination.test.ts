import { FakeClock, storeSuite } from '@switchhook/testkit';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { MemoryCoordination, shared } from '../../support/coordination.js';

storeSuite('memory, shared by routers in one process,', async () => {
  const clock = new FakeClock();
  const store = memoryStore(clock);
  await store.open?.();
  const sharedStore = shared(store, new MemoryCoordination(clock));
  const reopen = async () => {
    await store.open?.();
    return sharedStore;
  };
  return { store: sharedStore, clock, reopen, close: async () => store.close?.() };
}, ['snapshot', 'deadGroups', 'users']);
