/** What every store must do, as tests: the contract, sentence by sentence. */
import { describe, it } from '../../mocha.js';
import { type Claim, testsOfParts } from '../never.js';
import { appendTests } from './append.js';
import { changesTests } from './changes.js';
import { claimTests, settleTests } from './claims.js';
import { coordinationTests } from './coordination.js';
import { restoreTests, snapshotTests } from './copies.js';
import { deadGroupTests } from './dead-groups.js';
import { eraseTests } from './erase.js';
import { eventConditionTests } from './event-conditions.js';
import { type StoreFixture, type StorePart, storeParts, type Test } from './fixtures.js';
import { gatherTests } from './gather.js';
import { gatherLimitTests } from './gather-limits.js';
import { listTests } from './lists.js';
import { operatorTests, reopenTests } from './operator.js';
import { orderTests } from './order.js';
import { retentionTests } from './retention.js';
import { stateTests } from './state.js';

/**
 * Registers the suite. `make` returns a fresh fixture, with an open and empty store, for each test; `never` names what the store or its
 * fixture does not have. A test whose fixture lacks something that `never` does not name is pending.
 */
export function storeSuite(name: string, make: () => Promise<StoreFixture>, never: readonly StorePart[] = []): void {
  const claim: Claim<StoreFixture> = (title, body) =>
    it(title, async () => {
      const fixture = await make();
      try {
        await body(fixture);
      } finally {
        await fixture.close();
      }
    });
  describe(`${name} is a store`, () => {
    const needs = testsOfParts(claim, storeParts, never);
    const test = testNeeding([]);
    function testNeeding(parts: readonly StorePart[]): Test {
      const test = (...[title, body]: Parameters<Test>): void => needs(parts, title, body);
      return Object.assign(test, { needing: (...more: readonly StorePart[]) => testNeeding([...parts, ...more]) });
    }
    appendTests(test);
    claimTests(test);
    settleTests(test);
    orderTests(test);
    gatherTests(test);
    gatherLimitTests(test);
    operatorTests(test);
    retentionTests(test);
    eraseTests(test.needing('erase'));
    listTests(test);
    eventConditionTests(test.needing('eventConditions'));
    deadGroupTests(test.needing('deadGroups'));
    reopenTests(test.needing('reopen'));
    restoreTests(test.needing('restore'));
    snapshotTests(test.needing('snapshot'));
    stateTests(test.needing('state'));
    changesTests(test.needing('changes'));
    coordinationTests(test.needing('coordination'));
  });
}
