/** The suite's part about order. */
import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { describe } from '../../mocha.js';
import type { Test } from './fixtures.js';
import {
  aClaim,
  aNewDelivery,
  anEntry,
  aSettled,
  dead,
  deliveryOf,
  inLine,
  inOrder,
  leaseMs,
  numbers,
  retryAt,
  settleAll,
  startMs,
} from './fixtures.js';

export function orderTests(test: Test): void {
  describe('claim in order', () => {
    test('takes the oldest of each subject, and the next one when it has ended', async ({ store }) => {
      await store.append([inLine(1, 'a'), inLine(2, 'b'), inLine(3, 'a'), inLine(4, 'a')]);
      const { deliveries } = await store.claim(inOrder);
      deepStrictEqual(numbers(deliveries), [1, 2]);
      deepStrictEqual(numbers((await store.claim(inOrder)).deliveries), []);
      await store.settle([aSettled(deliveries[0])]);
      deepStrictEqual(numbers((await store.claim(inOrder)).deliveries), [3]);
    });

    test('goes by arrival, not by what is due first', async ({ store }) => {
      await store.append([inLine(1, 'a', startMs + 10), inLine(2, 'a', startMs - 10)]);
      deepStrictEqual(await store.claim(inOrder), { deliveries: [], exhausted: [], nextDueMs: startMs + 10 });
      deepStrictEqual(numbers((await store.claim({ ...inOrder, nowMs: startMs + 10 })).deliveries), [1]);
    });

    test('keeps a subject waiting while its oldest waits for a retry; others go on', async ({ store }) => {
      await store.append([inLine(1, 'a'), inLine(2, 'a')]);
      await settleAll(store, retryAt(startMs + 500), inOrder);
      await store.append([inLine(3, 'a'), inLine(4, 'b')]);
      const claim = await store.claim(inOrder);
      deepStrictEqual([numbers(claim.deliveries), claim.nextDueMs], [[4], startMs + 500]);
      deepStrictEqual(numbers((await store.claim({ ...inOrder, nowMs: startMs + 500 })).deliveries), [1]);
    });

    test('lets the next one go when the oldest is dead, exhausted, skipped or discarded', async ({ store }) => {
      await store.append([1, 2, 3, 4, 5].map((n) => inLine(n, 'a')));
      await settleAll(store, dead, inOrder);
      await settleAll(store, { state: 'skipped' }, inOrder);
      await store.discard([deliveryOf(3)]);
      await settleAll(store, retryAt(startMs), inOrder);
      const exhausting = await store.claim({ ...inOrder, maxAttempts: 1 });
      deepStrictEqual(
        [numbers(exhausting.deliveries), exhausting.exhausted, exhausting.nextDueMs],
        [[], [deliveryOf(4)], startMs],
      );
      deepStrictEqual(numbers((await store.claim(inOrder)).deliveries), [5]);
    });

    test('takes the oldest over again when its lease has run out', async ({ store }) => {
      await store.append([inLine(1, 'a'), inLine(2, 'a')]);
      await store.claim(inOrder);
      strictEqual((await store.claim(inOrder)).nextDueMs, startMs + leaseMs);
      const { deliveries } = await store.claim({ ...inOrder, nowMs: startMs + leaseMs });
      deepStrictEqual(
        deliveries.map(({ attempt }) => attempt),
        [2],
      );
      deepStrictEqual(numbers(deliveries), [1]);
    });

    test('waits for a younger one that is running under a lease that holds', async ({ store }) => {
      await store.append([inLine(1, 'a'), inLine(2, 'a')]);
      await settleAll(store, dead, inOrder);
      const { deliveries } = await store.claim(inOrder);
      await store.replay([deliveryOf(1)], startMs);
      const blocked = await store.claim(inOrder);
      deepStrictEqual(
        [numbers(deliveries), numbers(blocked.deliveries), blocked.nextDueMs],
        [[2], [], startMs + leaseMs],
      );
      await store.settle([aSettled(deliveries[0], retryAt(startMs))]);
      deepStrictEqual(numbers((await store.claim(inOrder)).deliveries), [1]);
    });

    test('takes no younger one whose lease has run out while an older one is open', async ({ store }) => {
      await store.append([inLine(1, 'a'), inLine(2, 'a')]);
      await settleAll(store, dead, inOrder);
      await store.claim(inOrder);
      await store.replay([deliveryOf(1)], startMs + leaseMs + 5);
      const later = { ...inOrder, nowMs: startMs + leaseMs };
      const { deliveries, nextDueMs } = await store.claim(later);
      deepStrictEqual([numbers(deliveries), nextDueMs], [[], startMs + leaseMs + 5]);
    });

    test('holds events without a subject for independent of each other', async ({ store }) => {
      await store.append([1, 2].map((n) => anEntry(n, { subject: null })));
      deepStrictEqual(numbers((await store.claim(inOrder)).deliveries), [1, 2]);
    });

    test('keeps the order of one destination apart from that of another', async ({ store }) => {
      const both = [aNewDelivery(), aNewDelivery({ destination: 'slack' })];
      await store.append([anEntry(1, { subject: 'a' }, both), anEntry(2, { subject: 'a' }, both)]);
      await store.claim(inOrder);
      deepStrictEqual(numbers((await store.claim({ ...inOrder, destination: 'slack' })).deliveries), [1]);
    });

    test('follows a destination that becomes ordered, and one that is no longer', async ({ store }) => {
      await store.append([inLine(1, 'a', startMs + 10), inLine(2, 'a'), inLine(3, 'a')]);
      strictEqual((await store.claim(inOrder)).deliveries.length, 0);
      deepStrictEqual(numbers((await store.claim(aClaim({ limit: 1 }))).deliveries), [2]);
      await store.append([inLine(4, 'a')]);
      strictEqual((await store.claim(inOrder)).nextDueMs, startMs + leaseMs);
      deepStrictEqual(numbers((await store.claim(aClaim())).deliveries), [3, 4]);
    });
  });
}
