/** The suite's part about what an operator may do, and what is kept over a restart. */
import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { deliveryId, type Store } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import type { Test } from './fixtures.js';
import {
  aClaim,
  aNewDelivery,
  anEntry,
  aSettled,
  dead,
  deliveryOf,
  eventId,
  inOrder,
  leaseMs,
  numbers,
  retryAt,
  settleAll,
  startMs,
} from './fixtures.js';

export function operatorTests(test: Test): void {
  describe('replay', () => {
    test('makes a delivery wait again, whatever became of it, with its attempts at 0', async ({ store }) => {
      await store.append([1, 2, 3, 4].map((n) => anEntry(n)));
      const { deliveries } = await store.claim(aClaim());
      const ends = [{ state: 'delivered' }, dead, { state: 'skipped' }, retryAt(startMs + 1e6)] as const;
      await store.settle(deliveries.map((claimed, index) => aSettled(claimed, ends[index])));
      deepStrictEqual(await store.replay([1, 2, 3, 4].map(deliveryOf), startMs + 7), [1, 2, 3, 4].map(deliveryOf));
      const { items } = await store.deliveries({ state: 'waiting', limit: 10 });
      const facts = items.map(({ attempts, dueMs, reason, settledAtMs }) => [attempts, dueMs, reason, settledAtMs]);
      deepStrictEqual(
        facts,
        Array.from({ length: 4 }, () => [0, startMs + 7, null, null]),
      );
    });

    test('counts attempts and leases on, so that nothing old can settle it', async ({ store }) => {
      await store.append([anEntry(1)]);
      const [before] = (await store.claim(aClaim())).deliveries;
      await store.settle([aSettled(before, dead)]);
      await store.replay([deliveryOf(1)], startMs);
      const [after] = (await store.claim(aClaim())).deliveries;
      deepStrictEqual([after?.attempt, after?.lease], [1, 2]);
      const { attempts, attemptsInAll = 2 } = (await store.delivery(deliveryOf(1))) ?? {};
      deepStrictEqual([attempts, attemptsInAll], [1, 2]);
      await store.settle([aSettled(before)]);
      strictEqual((await store.delivery(deliveryOf(1)))?.state, 'running');
      await store.settle([aSettled(after)]);
      deepStrictEqual(
        (await store.attempts(deliveryOf(1))).map(({ number }) => number),
        [1, 2],
      );
    });

    test('leaves running deliveries alone, and those it does not keep', async ({ store }) => {
      await store.append([anEntry(1), anEntry(2, {}, [aNewDelivery({ dueMs: startMs + 1 })])]);
      await store.claim(aClaim());
      deepStrictEqual(
        await store.replay([deliveryOf(1), deliveryOf(9), 'nothing', deliveryOf(2), deliveryOf(2)], startMs),
        [deliveryOf(2)],
      );
      strictEqual((await store.delivery(deliveryOf(1)))?.state, 'running');
    });
  });

  describe('extend', () => {
    test('adds deliveries to an event, after those it has', async ({ store, clock }) => {
      await store.append([anEntry(1)]);
      clock.jumpTo(startMs + 50);
      const added = [aNewDelivery({ destination: 'slack' }), aNewDelivery({ destination: 'slack', state: 'running' })];
      deepStrictEqual(
        await store.extend(eventId(1), added),
        [1, 2].map((index) => deliveryId(eventId(1), index)),
      );
      const { items } = await store.deliveries({ destination: 'slack', limit: 10 });
      deepStrictEqual(
        items.map(({ state, attempts, createdAtMs }) => [state, attempts, createdAtMs]),
        [
          ['running', 1, startMs + 50],
          ['waiting', 0, startMs + 50],
        ],
      );
    });

    test('adds nothing to an event it does not keep, and no more than an event may have', async ({ store }) => {
      deepStrictEqual(await store.extend(eventId(1), [aNewDelivery()]), []);
      await store.append([anEntry(1)]);
      await rejects(
        store.extend(
          eventId(1),
          Array.from({ length: 1_000 }, () => aNewDelivery()),
        ),
      );
      strictEqual((await store.deliveries({ limit: 10 })).items.length, 1);
    });

    test('puts a delivery in line by its event', async ({ store }) => {
      await store.append([anEntry(1, { subject: 'a' }, []), anEntry(2, { subject: 'a' })]);
      await store.claim({ ...inOrder, nowMs: startMs - 1 });
      await store.extend(eventId(1), [aNewDelivery()]);
      deepStrictEqual(numbers((await store.claim(inOrder)).deliveries), [1]);
    });
  });

  describe('discard', () => {
    test('ends waiting and dead deliveries, once, and no others', async ({ store, clock }) => {
      await store.append([1, 2, 3, 4].map((n) => anEntry(n, {}, [aNewDelivery({ dueMs: startMs + n })])));
      const [first, second] = (await store.claim(aClaim({ nowMs: startMs + 3 }))).deliveries;
      await store.settle([aSettled(first, dead), aSettled(second)]);
      clock.jumpTo(startMs + 90);
      deepStrictEqual(await store.discard([1, 2, 3, 4, 9].map(deliveryOf)), [deliveryOf(1), deliveryOf(4)]);
      deepStrictEqual(await store.discard([deliveryOf(1)]), []);
      const { items } = await store.deliveries({ limit: 10 });
      deepStrictEqual(
        items.map(({ state, reason }) => [state, reason]),
        [
          ['dead', 'discarded'],
          ['running', null],
          ['delivered', null],
          ['dead', 'discarded'],
        ],
      );
      strictEqual((await store.delivery(deliveryOf(4)))?.settledAtMs, startMs + 90);
      strictEqual((await store.claim(aClaim())).nextDueMs, startMs + 3 + leaseMs);
    });
  });

  describe('prune', () => {
    test('removes old events that are done, with all that belongs to them', async ({ store }) => {
      await store.append([1, 2, 3].map((n) => anEntry(n, { receivedAtMs: startMs + n })));
      await settleAll(store);
      strictEqual(await store.prune({ beforeMs: startMs + 3, limit: 10 }), 2);
      deepStrictEqual(numbers((await store.events({ limit: 10 })).items), [3]);
      strictEqual((await store.deliveries({ limit: 10 })).items.length, 1);
      deepStrictEqual(await store.attempts(deliveryOf(1)), []);
      deepStrictEqual(await store.append([anEntry(4, { key: 'key-1' })]), [{ eventId: eventId(4), duplicate: false }]);
    });

    test('keeps events with open or dead deliveries until these are settled', async ({ store }) => {
      await store.append([
        anEntry(1, {}, [aNewDelivery(), aNewDelivery({ dueMs: startMs + 1 })]),
        anEntry(2),
        anEntry(3),
      ]);
      const { deliveries } = await store.claim(aClaim());
      await store.settle([aSettled(deliveries[0]), aSettled(deliveries[1], dead)]);
      const everything = { beforeMs: startMs + 1, limit: 10 };
      strictEqual(await store.prune(everything), 0);
      await store.discard([deliveryOf(2), deliveryId(eventId(1), 1)]);
      strictEqual(await store.prune(everything), 2);
      deepStrictEqual(numbers((await store.events({ limit: 10 })).items), [3]);
    });

    test('removes no more than the limit in one step, the oldest first', async ({ store }) => {
      await store.append([3, 1, 2].map((n) => anEntry(n, { receivedAtMs: startMs + n }, [])));
      strictEqual(await store.prune({ beforeMs: startMs + 9, limit: 2 }), 2);
      deepStrictEqual(numbers((await store.events({ limit: 10 })).items), [3]);
      strictEqual(await store.prune({ beforeMs: startMs + 9, limit: 2 }), 1);
    });
  });

  describe('backlog', () => {
    test('counts the backlog of each destination, and returns the age of its oldest', async ({ store, clock }) => {
      deepStrictEqual(await store.backlog(), []);
      await store.append([anEntry(1), anEntry(2)]);
      clock.jumpTo(startMs + 10);
      await store.append([anEntry(3), anEntry(4, {}, [aNewDelivery({ destination: 'slack', state: 'running' })])]);
      const { deliveries } = await store.claim(aClaim({ limit: 2 }));
      await store.settle([aSettled(deliveries[0], dead)]);
      const sorted = async () => (await store.backlog()).toSorted((a, b) => a.destination.localeCompare(b.destination));
      const slack = { destination: 'slack', waiting: 0, running: 1, dead: 0, oldestOpenMs: startMs + 10 };
      deepStrictEqual(await sorted(), [
        { destination: 'crm', waiting: 1, running: 1, dead: 1, oldestOpenMs: startMs },
        slack,
      ]);
      await store.settle([aSettled(deliveries[1])]);
      await store.discard([deliveryOf(3)]);
      deepStrictEqual(await sorted(), [
        { destination: 'crm', waiting: 0, running: 0, dead: 1, oldestOpenMs: null },
        slack,
      ]);
      await store.discard([deliveryOf(1)]);
      deepStrictEqual(await sorted(), [slack]);
      await store.replay([deliveryOf(1)], startMs);
      strictEqual((await sorted())[0]?.oldestOpenMs, startMs);
    });
  });
}

export function reopenTests(test: Test): void {
  test('keeps everything over a restart', async (fixture) => {
    const { store } = fixture;
    await store.append([1, 2, 3, 4].map((n) => anEntry(n, { subject: 'a' })));
    await settleAll(store, retryAt(startMs + 5), { ...inOrder, nowMs: startMs });
    await settleAll(store, dead, { ...inOrder, nowMs: startMs + 5 });
    await store.claim(inOrder);
    const questions = (asked: Store) =>
      Promise.all([
        asked.events({ limit: 9 }),
        asked.attempts(deliveryOf(1)),
        asked.backlog(),
        asked.delivery(deliveryOf(1)),
        asked.delivery(deliveryOf(4)),
      ]);
    const before = await questions(store);
    ok(fixture.reopen !== undefined);
    const after = await fixture.reopen();
    deepStrictEqual(await questions(after), before);
    deepStrictEqual(await after.append([anEntry(9, { key: 'key-1' })]), [{ eventId: eventId(1), duplicate: true }]);
    const { deliveries } = await after.claim({ ...inOrder, nowMs: startMs + leaseMs });
    deepStrictEqual(
      deliveries.map(({ id: taken, attempt, lease }) => [taken, attempt, lease]),
      [[deliveryOf(2), 2, 2]],
    );
    ok((await after.append([anEntry(5)]))[0]?.duplicate === false);
  });

  test('gives out at once what was left running, but one after the other what was left twice', async (fixture) => {
    const { store, clock, reopen } = fixture;
    ok(reopen !== undefined);
    const taken = async (asked: Store, atMs: number) =>
      (await asked.claim(aClaim({ nowMs: atMs }))).deliveries.map(({ id }) => id);
    await store.append([1, 2, 3].map((n) => anEntry(n)));
    await taken(store, startMs);
    const once = await reopen();
    await once.append([anEntry(4)]);
    deepStrictEqual(await taken(once, startMs), [1, 2, 3, 4].map(deliveryOf));
    const twice = await reopen();
    deepStrictEqual(await taken(twice, clock.now()), [1, 4].map(deliveryOf));
    deepStrictEqual(await taken(twice, clock.now() + 1_999), []);
    deepStrictEqual(await taken(twice, clock.now() + 2_000), [deliveryOf(2)]);
    deepStrictEqual(await taken(twice, clock.now() + 4_000), [deliveryOf(3)]);
    const thrice = await reopen();
    deepStrictEqual(await taken(thrice, clock.now()), [deliveryOf(4)], 'the one that was lost least often');
    deepStrictEqual(await taken(thrice, clock.now() + 2_000), [deliveryOf(1)]);
  });
}
