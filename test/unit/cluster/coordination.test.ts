import { FakeClock, storeSuite } from '@switchhook/testkit';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { MemoryCoordination, shared } from '../../support/coordination.js';

storeSuite('memory, shared by routers in one process,', async () => {
  const clock = new FakeClock();
  const store = memoryStore(clock);
  await store.open?.();
  return { store: shared(store, new MemoryCoordination(clock)), clock, close: async () => store.close?.() };
});
