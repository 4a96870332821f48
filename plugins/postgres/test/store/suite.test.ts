import { storeSuite } from '@switchhook/testkit';
import { setup } from './fixtures.js';

storeSuite('postgres', async () => {
  const { open, clock, close, database } = await setup();
  const store = await open();
  let current = store;
  const reopen = async () => {
    await current.close?.();
    current = await open();
    return current;
  };
  const passOnServer = async (ms: number) => {
    await database.query('update buckets set free_at = free_at - $1', [ms]);
    await database.query('update routers set beaten_at = beaten_at - $1', [ms]);
    await database.query('update texts set until = until - $1', [ms]);
  };
  return { store, clock, reopen, close, passOnServer };
});
