/** The suite's part about what retention removes: of some events, only their bodies, and keys that stay. */
import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import type { PruneRequest, Store } from '@switchhook/sdk';
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
  numbers,
  settleAll,
  startMs,
} from './fixtures.js';

const dayMs = 86_400_000;

async function pruneAll(store: Store, request: Omit<PruneRequest, 'limit'>): Promise<number> {
  let all = 0;
  for (let removed = 1; removed > 0; all += removed) removed = await store.prune({ ...request, limit: 2 });
  return all;
}

async function bodiesIn(store: Store): Promise<readonly number[]> {
  const { items } = await store.events({ limit: 10 });
  return numbers(items.filter(({ body }) => body.length > 0));
}

export function retentionTests(test: Test): void {
  describe('retention', () => {
    const four = [
      anEntry(1, { source: 'a', type: 'x' }, []),
      anEntry(2, { source: 'a', type: 'y' }, []),
      anEntry(3, { source: 'b', type: 'x' }, []),
      anEntry(4, { source: "c's", type: 'y' }, []),
    ];
    const beforeMs = startMs + dayMs;

    test('removes the events of some sources and types, and keeps the others', async ({ store, clock }) => {
      await store.append(four);
      clock.jumpTo(startMs + 3 * dayMs);
      const left = async (): Promise<readonly number[]> => numbers((await store.events({ limit: 10 })).items);
      strictEqual(await pruneAll(store, { beforeMs, scope: { sources: [], types: ['x'] } }), 0);
      strictEqual(await pruneAll(store, { beforeMs, scope: { sources: ['a'], types: ['x'] } }), 1);
      deepStrictEqual(await left(), [4, 3, 2]);
      strictEqual(await pruneAll(store, { beforeMs, scope: { sources: ['a', 'b'], exceptTypes: ['x', 'z'] } }), 1);
      deepStrictEqual(await left(), [4, 3]);
      strictEqual(await pruneAll(store, { beforeMs, scope: { exceptSources: ["c's"] } }), 1);
      deepStrictEqual(await left(), [4]);
      strictEqual(await pruneAll(store, { beforeMs: startMs - 1, scope: { sources: ["c's"] } }), 0);
      strictEqual(await pruneAll(store, { beforeMs }), 1);
    });

    test('removes only the bodies of events, in steps, once', async ({ store, clock }) => {
      await store.append([...four, anEntry(5, { receivedAtMs: startMs + 2 * dayMs }, [])]);
      clock.jumpTo(startMs + 3 * dayMs);
      const only = { beforeMs, remove: 'bodies', scope: { exceptSources: ['b'] } } as const;
      strictEqual(await store.prune({ ...only, limit: 2 }), 2);
      deepStrictEqual(await bodiesIn(store), [5, 4, 3]);
      strictEqual(await pruneAll(store, only), 1);
      deepStrictEqual(await bodiesIn(store), [5, 3]);
      const { items } = await store.events({ limit: 10 });
      deepStrictEqual(numbers(items), [5, 4, 3, 2, 1]);
      deepStrictEqual({ ...(await store.event(eventId(1))), body: null }, { ...four[0]?.event, body: null });
      const again = await store.append([anEntry(9, { source: 'a', key: four[0]?.event.key ?? '' })]);
      deepStrictEqual(again, [{ eventId: eventId(1), duplicate: true }]);
    });

    test('keeps the bodies of events with open or dead deliveries until these are settled', async ({
      store,
      clock,
    }) => {
      await store.append([anEntry(1), anEntry(2), anEntry(3, {}, [aNewDelivery({ dueMs: startMs + 1 })])]);
      const [first, second] = (await store.claim(aClaim())).deliveries;
      await store.settle([aSettled(first), aSettled(second, dead)]);
      clock.jumpTo(startMs + 3 * dayMs);
      const bodies = { beforeMs, remove: 'bodies' } as const;
      strictEqual(await pruneAll(store, bodies), 1);
      deepStrictEqual(await bodiesIn(store), [3, 2]);
      strictEqual((await store.attempts(deliveryOf(1))).length, 1);
      await store.discard([deliveryOf(2)]);
      const [third] = (await store.claim(aClaim({ nowMs: startMs + 1 }))).deliveries;
      await store.settle([aSettled(third)]);
      clock.jumpTo(startMs + 5 * dayMs);
      strictEqual(await pruneAll(store, bodies), 2);
      deepStrictEqual(await bodiesIn(store), []);
      strictEqual(await pruneAll(store, { beforeMs }), 3);
    });

    test('replays and adds no delivery of an event without a body', async ({ store, clock }) => {
      await store.append([anEntry(1), anEntry(2, { receivedAtMs: startMs + 2 * dayMs })]);
      await settleAll(store);
      clock.jumpTo(startMs + 3 * dayMs);
      strictEqual(await pruneAll(store, { beforeMs, remove: 'bodies' }), 1);
      deepStrictEqual(await store.replay([deliveryOf(1), deliveryOf(2)], startMs), [deliveryOf(2)]);
      deepStrictEqual(await store.extend(eventId(1), [aNewDelivery()]), []);
      strictEqual((await store.delivery(deliveryOf(1)))?.state, 'delivered');
    });

    test('knows the keys of removed events for longer, over a restart', async (fixture) => {
      const { store, clock } = fixture;
      const keysMs = 10 * dayMs;
      await store.append([anEntry(1, {}, [])]);
      clock.jumpTo(startMs + 5 * dayMs);
      strictEqual(await store.prune({ beforeMs, limit: 10, keysMs }), 1);
      await store.prune({ beforeMs, limit: 10, keysMs });
      strictEqual(await store.event(eventId(1)), null);
      const reopened = (await fixture.reopen?.()) ?? store;
      const again = anEntry(2, { key: 'key-1' }, []);
      deepStrictEqual(await reopened.append([again]), [{ eventId: eventId(1), duplicate: true }]);
      clock.jumpTo(startMs + 12 * dayMs);
      await reopened.append([anEntry(3, { receivedAtMs: clock.now() }, [])]);
      while ((await reopened.prune({ beforeMs: startMs + 3 * dayMs, limit: 10, keysMs })) > 0);
      deepStrictEqual(await reopened.append([again]), [{ eventId: eventId(2), duplicate: false }]);
    });
  });
}
