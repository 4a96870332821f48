/** The suite's part about erasing: nothing of an event is left but what makes a repetition of it a duplicate. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { memoryStore } from '@switchhook/plugin-memory';
import { deliveryId, type Store } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import type { StoreFixture, Test } from './fixtures.js';
import {
  aClaim,
  aNewDelivery,
  anEntry,
  aRecord,
  aSettled,
  dead,
  deliveryOf,
  eventId,
  inLine,
  inOrder,
  numbers,
  retryAt,
  startMs,
} from './fixtures.js';

/** When the digests of erased keys end. */
const keysUntilMs = startMs + 1_000;

function erasing({ store }: Pick<StoreFixture, 'store'>) {
  const { erase, purge } = store;
  ok(erase !== undefined && purge !== undefined);
  const ids = (events: readonly number[]) => events.map(eventId);
  return {
    purge: purge.bind(store),
    erase: (...events: readonly number[]) => erase.call(store, { eventIds: ids(events), keysUntilMs }),
  };
}

export function eraseTests(test: Test): void {
  describe('erase', () => {
    test('removes events with all that belongs to them, whatever their state, and returns their ids', async (fixture) => {
      const { store } = fixture;
      const able = erasing(fixture);
      const two = [aNewDelivery(), aNewDelivery({ destination: 'slack', state: 'running' })];
      await store.append([1, 2, 3, 4, 5].map((n) => anEntry(n, { party: '+14155550100' }, n === 5 ? two : undefined)));
      const { deliveries } = await store.claim(aClaim({ limit: 4 }));
      const ends = [{ state: 'delivered' }, dead, retryAt(startMs + 1)] as const;
      await store.settle(ends.map((end, index) => aSettled(deliveries[index], end)));
      deepStrictEqual([...(await able.erase(1, 2, 3, 5, 9, 2))].sort(), [1, 2, 3, 5].map(eventId));
      deepStrictEqual(numbers((await store.events({ limit: 10 })).items), [4]);
      deepStrictEqual(numbers((await store.events({ party: '+14155550100', limit: 10 })).items), [4]);
      deepStrictEqual(numbers((await store.deliveries({ limit: 10 })).items), [4]);
      for (const id of [deliveryOf(1), deliveryOf(2), deliveryId(eventId(5), 1)]) {
        strictEqual(await store.delivery(id), null);
        deepStrictEqual(await store.attempts(id), []);
      }
      strictEqual(await store.event(eventId(1)), null);
      deepStrictEqual(await able.erase(1, 2), []);
    });

    test('takes a repetition of an erased event for a duplicate until the time is over', async (fixture) => {
      const { store, clock } = fixture;
      const able = erasing(fixture);
      await store.append([anEntry(1), anEntry(2)]);
      await able.erase(1);
      const duplicate = { eventId: eventId(1), duplicate: true, erased: true };
      const fresh = { eventId: eventId(4), duplicate: false };
      deepStrictEqual(await store.append([anEntry(3, { key: 'key-1' }), anEntry(4)]), [duplicate, fresh]);
      const otherSource = await store.append([anEntry(5, { key: 'key-1', source: 'other' })]);
      deepStrictEqual(otherSource, [{ eventId: eventId(5), duplicate: false }]);
      clock.jumpTo(keysUntilMs - 1);
      strictEqual(await store.prune({ beforeMs: 0, limit: 10 }), 0);
      deepStrictEqual(await store.append([anEntry(6, { key: 'key-1' })]), [duplicate]);
      clock.jumpTo(keysUntilMs);
      strictEqual(await store.prune({ beforeMs: 0, limit: 10 }), 1);
      deepStrictEqual(await store.append([anEntry(7, { key: 'key-1' })]), [{ eventId: eventId(7), duplicate: false }]);
      deepStrictEqual(numbers((await store.events({ limit: 10 })).items).toSorted(), [2, 4, 5, 7]);
    });

    test('lets nothing bring an erased event back: no settlement, replay, discard or further delivery', async (fixture) => {
      const { store } = fixture;
      const able = erasing(fixture);
      await store.append([anEntry(1), anEntry(2, {}, [aNewDelivery({ state: 'running', dueMs: startMs + 1 })])]);
      const { deliveries } = await store.claim(aClaim());
      await able.erase(1, 2);
      for (const end of [{ state: 'delivered' }, dead, retryAt(startMs)] as const)
        await store.settle([aSettled(deliveries[0], end), aSettled({ id: deliveryOf(2), lease: 1 }, end)]);
      deepStrictEqual(await store.replay([deliveryOf(1), deliveryOf(2)], startMs), []);
      deepStrictEqual(await store.discard([deliveryOf(1), deliveryOf(2)]), []);
      deepStrictEqual(await store.extend(eventId(1), [aNewDelivery()]), []);
      deepStrictEqual(await store.claim(aClaim()), { deliveries: [], exhausted: [], nextDueMs: null });
      deepStrictEqual((await store.deliveries({ limit: 10 })).items, []);
      deepStrictEqual(await store.attempts(deliveryOf(1)), []);
      deepStrictEqual(await store.backlog(), []);
      deepStrictEqual((await store.changes?.(null, 10))?.changes ?? [], []);
    });

    test('lets the next delivery of a subject go when the oldest is erased', async (fixture) => {
      const { store } = fixture;
      const able = erasing(fixture);
      await store.append([inLine(1, 'a'), inLine(2, 'a'), inLine(3, 'a')]);
      deepStrictEqual(numbers((await store.claim(inOrder)).deliveries), [1]);
      await able.erase(1);
      deepStrictEqual(numbers((await store.claim(inOrder)).deliveries), [2]);
    });

    test.needing('reopen')(
      'keeps what is erased erased over a restart, and repetitions duplicates',
      async (fixture) => {
        const { store, reopen } = fixture;
        const able = erasing(fixture);
        ok(reopen !== undefined);
        await store.append([anEntry(1), anEntry(2)]);
        await store.claim(aClaim({ limit: 1 }));
        await able.erase(1);
        await able.purge();
        const after = await reopen();
        deepStrictEqual(numbers((await after.events({ limit: 10 })).items), [2]);
        deepStrictEqual(numbers((await after.claim(aClaim())).deliveries), [2]);
        const [appended] = await after.append([anEntry(3, { key: 'key-1' })]);
        deepStrictEqual(appended, { eventId: eventId(1), duplicate: true, erased: true });
        deepStrictEqual(await backlogCounts(after), [['crm', 0, 1, 0]]);
      },
    );

    test.needing('restore')('is not undone by a copy of a store that has the event still', async (fixture) => {
      const { store, clock } = fixture;
      const able = erasing(fixture);
      ok(store.restore !== undefined);
      const source = memoryStore(clock);
      await source.append([anEntry(1), anEntry(2)]);
      await store.append([anEntry(1)]);
      await able.erase(1);
      const stored = async (n: number) => ({
        event: aRecord(n),
        deliveries: (await source.deliveries({ eventId: eventId(n), limit: 9 })).items.map((record) => ({
          record,
          attempts: [],
        })),
      });
      await store.restore([await stored(1), await stored(2)]);
      deepStrictEqual(numbers((await store.events({ limit: 9 })).items), [2]);
      deepStrictEqual(numbers((await store.deliveries({ limit: 9 })).items), [2]);
    });

    test('purges, and works on', async (fixture) => {
      const { store } = fixture;
      const able = erasing(fixture);
      await store.append([anEntry(1), anEntry(2)]);
      await able.erase(1);
      const remark = await able.purge();
      strictEqual(remark === null || remark.length > 20, true, 'null, or a sentence on what may be left');
      await store.append([anEntry(3)]);
      deepStrictEqual(numbers((await store.claim(aClaim())).deliveries), [2, 3]);
    });
  });
}

async function backlogCounts(store: Store) {
  return (await store.backlog()).map(({ destination, waiting, running, dead: ended }) => [
    destination,
    waiting,
    running,
    ended,
  ]);
}
