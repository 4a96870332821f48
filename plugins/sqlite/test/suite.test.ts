import { storeSuite } from '@switchhook/testkit';
import { setup } from './fixtures.js';

storeSuite('sqlite', async () => {
  const { open, clock, close } = await setup();
  const store = await open();
  let current = store;
  const reopen = async () => {
    await current.close?.();
    current = await open();
    return current;
  };
  return { store, clock, reopen, close };
}, ['coordination']);
