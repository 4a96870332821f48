import { storeSuite } from '@switchhook/core/testkit';
import { setup } from './world.js';

storeSuite('sqlite', async () => {
  const { open, clock, close } = await setup();
  const store = await open();
  const reopen = async () => {
    await store.close?.();
    return open();
  };
  return { store, clock, reopen, close };
});
