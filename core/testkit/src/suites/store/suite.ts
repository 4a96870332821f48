/** What every store must do, as tests: the contract, sentence by sentence. */
import { describe, it } from '../../mocha.js';
import { appendTests } from './append.js';
import { changesTests } from './changes.js';
import { claimTests, settleTests } from './claims.js';
import { coordinationTests } from './coordination.js';
import { restoreTests, snapshotTests } from './copies.js';
import { eraseTests } from './erase.js';
import type { StoreFixture, Test } from './fixtures.js';
import { gatherTests } from './gather.js';
import { listTests } from './lists.js';
import { operatorTests, reopenTests } from './operator.js';
import { orderTests } from './order.js';
import { retentionTests } from './retention.js';
import { stateTests } from './state.js';

/** Registers the suite. `make` returns a fresh fixture, with an open and empty store, for each test. */
export function storeSuite(name: string, make: () => Promise<StoreFixture>): void {
  const test: Test = (title, body) =>
    it(title, async () => {
      const fixture = await make();
      try {
        await body(fixture);
      } finally {
        await fixture.close();
      }
    });
  describe(`${name} is a store`, () => {
    appendTests(test);
    claimTests(test);
    settleTests(test);
    orderTests(test);
    gatherTests(test);
    operatorTests(test);
    retentionTests(test);
    eraseTests(test);
    listTests(test);
    reopenTests(test);
    restoreTests(test);
    snapshotTests(test);
    stateTests(test);
    changesTests(test);
    coordinationTests(test);
  });
}
