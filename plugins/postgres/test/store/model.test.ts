import { followHistory } from '@switchhook/testkit';
import * as fc from 'fast-check';
import { histories } from '../../../../test/support/store-histories.js';
import { setup } from './fixtures.js';

describe('postgres, beside the memory store', () => {
  it('returns and keeps the same after every step of any history', async () => {
    const property = fc.asyncProperty(histories(40), async (steps) => {
      const { open, clock, close } = await setup();
      try {
        const store = await open();
        let current = store;
        const reopen = async () => {
          await current.close?.();
          current = await open();
          return current;
        };
        await followHistory({ store, clock, reopen, close }, steps);
      } finally {
        await close();
      }
    });
    await fc.assert(property, { numRuns: 30 });
  });
});
