/** What every store must do, as tests: the contract, sentence by sentence. */
import { describe, it } from '../../mocha.js';
import { appendTests } from './append.js';
import { claimTests, settleTests } from './claims.js';
import type { StoreWorld, Test } from './fixtures.js';
import { listTests } from './lists.js';
import { operatorTests, reopenTests } from './operator.js';
import { orderTests } from './order.js';

/** Registers the suite. `make` gives a fresh world, with an open and empty store, for each test. */
export function storeSuite(name: string, make: () => Promise<StoreWorld>): void {
  const test: Test = (title, body) =>
    it(title, async () => {
      const world = await make();
      try {
        await body(world);
      } finally {
        await world.close();
      }
    });
  describe(`${name} is a store`, () => {
    appendTests(test);
    claimTests(test);
    settleTests(test);
    orderTests(test);
    operatorTests(test);
    listTests(test);
    reopenTests(test);
  });
}
