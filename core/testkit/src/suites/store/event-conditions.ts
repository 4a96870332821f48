/** The suite's part about the conditions of lists of events that not every store knows. */
import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { deliveryId, type EventQuery, type Store } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import type { Test } from './fixtures.js';
import { aClaim, aNewDelivery, anEntry, eventId, inEachState, numbers, pages, startMs } from './fixtures.js';

export function eventConditionTests(test: Test): void {
  describe('events, by their deliveries and their ids,', () => {
    const list = async (store: Store, query: Omit<EventQuery, 'limit'>) =>
      numbers((await store.events({ limit: 100, ...query })).items);

    test('are found by a state that one of their deliveries has now', async ({ store }) => {
      await inEachState(store);
      await store.append([
        anEntry(7, {}, []),
        anEntry(8, {}, [aNewDelivery(), aNewDelivery({ destination: 'slack' })]),
      ]);
      deepStrictEqual(await list(store, { state: 'waiting' }), [8, 6, 5]);
      deepStrictEqual(await list(store, { state: 'running' }), [4]);
      deepStrictEqual(await list(store, { state: 'delivered' }), [1]);
      deepStrictEqual(await list(store, { state: 'dead' }), [2]);
      deepStrictEqual(await list(store, { state: 'skipped' }), [3]);
      deepStrictEqual(await list(store, { state: 'gathered' }), []);
      await store.discard([deliveryId(eventId(8), 1), deliveryId(eventId(6), 0)]);
      deepStrictEqual(await list(store, { state: 'dead' }), [8, 6, 2]);
      deepStrictEqual(await list(store, { state: 'waiting' }), [8, 5]);
      await store.replay([deliveryId(eventId(2), 0)], startMs);
      deepStrictEqual(await list(store, { state: 'dead' }), [8, 6]);
      deepStrictEqual(await list(store, { state: 'waiting', bodies: false }), [8, 5, 2]);
    });

    test('are found as waiting where they wait behind another of their subject', async ({ store }) => {
      await store.append([1, 2].map((n) => anEntry(n, { subject: 'a' })));
      await store.claim(aClaim({ ordered: true, nowMs: startMs - 1 }));
      deepStrictEqual(await list(store, { state: 'waiting' }), [2, 1]);
    });

    test('are found by a state together with every other condition', async ({ store }) => {
      await store.append([
        anEntry(1, { party: '+1', receivedAtMs: startMs + 1 }),
        anEntry(2, { party: '+1', receivedAtMs: startMs + 2, type: 'inbound_call' }),
        anEntry(3, { party: '+2', receivedAtMs: startMs + 3 }),
        anEntry(4, { party: '+1', receivedAtMs: startMs + 4 }, []),
        anEntry(5, { party: '+1', receivedAtMs: startMs + 5, agent: 'agent_support' }),
      ]);
      const state = 'waiting';
      deepStrictEqual(await list(store, { state, party: '+1' }), [5, 2, 1]);
      deepStrictEqual(await list(store, { state, type: 'inbound_call', source: 'agents' }), [2]);
      deepStrictEqual(await list(store, { state, agent: 'agent_support', subject: 'conv_5' }), [5]);
      deepStrictEqual(await list(store, { state, sinceMs: startMs + 2, untilMs: startMs + 5 }), [3, 2]);
      deepStrictEqual(await list(store, { state, unrouted: true }), []);
      deepStrictEqual(await list(store, { state, party: '+1', ids: [1, 3, 4].map(eventId) }), [1]);
      deepStrictEqual(await list(store, { state: 'dead', party: '+1' }), []);
    });

    test('are found by ids, those that are not kept passed over', async ({ store }) => {
      await store.append([1, 2, 3, 4].map((n) => anEntry(n, { receivedAtMs: startMs + (n === 2 ? 9 : n) })));
      deepStrictEqual(await list(store, { ids: [4, 1, 2, 77].map(eventId) }), [2, 4, 1]);
      deepStrictEqual(await list(store, { ids: [4, 1, 2].map(eventId), subject: 'conv_4' }), [4]);
      deepStrictEqual(await list(store, { ids: [eventId(4), 'nothing', "'", ''] }), [4]);
      deepStrictEqual(await list(store, { ids: [] }), []);
      strictEqual((await store.events({ limit: 1, ids: [eventId(3)] })).items[0]?.body.byteLength, 7);
    });

    test('come in pages that miss nothing and repeat nothing, by state and by ids', async ({ store }) => {
      await store.append(
        Array.from({ length: 9 }, (_, n) =>
          anEntry(n, { receivedAtMs: startMs + (n >> 1) }, n % 3 === 0 ? [] : [aNewDelivery(), aNewDelivery()]),
        ),
      );
      const byState = await pages(2, (part) => store.events({ ...part, state: 'waiting' }));
      deepStrictEqual(byState.map(numbers), [
        [8, 7],
        [5, 4],
        [2, 1],
      ]);
      const byIds = await pages(2, (part) => store.events({ ...part, ids: [0, 2, 4, 6, 8].map(eventId) }));
      deepStrictEqual(byIds.map(numbers), [[8, 6], [4, 2], [0]]);
    });
  });
}
