/** What every store must do, as tests: the contract, sentence by sentence. */
import { describe, it } from './mocha.js';
import { appendTests } from './store-suite-append.js';
import { listTests } from './store-suite-lists.js';
import { operatorTests, reopenTests } from './store-suite-operator.js';
import { orderTests } from './store-suite-order.js';
import { claimTests, settleTests } from './store-suite-work.js';
import type { StoreWorld } from './store-world.js';

/** Registers one test, which runs in a world of its own. */
export type Test = (title: string, body: (world: StoreWorld) => Promise<void>) => void;

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
