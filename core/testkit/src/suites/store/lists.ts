/** The suite's part about lists. */
import { deepStrictEqual, rejects, strictEqual } from 'node:assert/strict';
import { type DeliveryQuery, deliveryId, type EventQuery, type Store } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import type { Test } from './fixtures.js';
import { aClaim, aNewDelivery, anEntry, aSettled, eventId, inEachState, numbers, pages, startMs } from './fixtures.js';

export function listTests(test: Test): void {
  describe('events', () => {
    const list = async (store: Store, query: Omit<EventQuery, 'limit'>) =>
      numbers((await store.events({ limit: 100, ...query })).items);

    test('are listed without their bodies where these are not asked for', async ({ store }) => {
      await store.append([anEntry(1, { body: new Uint8Array(100) })]);
      const of = async (query: Partial<EventQuery>) => (await store.events({ limit: 1, ...query })).items[0];
      deepStrictEqual([(await of({}))?.body.byteLength, (await of({ bodies: false }))?.body.byteLength], [100, 0]);
      deepStrictEqual({ ...(await of({ bodies: false })), body: null }, { ...(await of({})), body: null });
    });

    test('are listed newest first, those of one moment by their arrival', async ({ store }) => {
      await store.append(
        [
          [1, 5],
          [2, 9],
          [3, 1],
          [4, 5],
        ].map(([n = 0, at = 0]) => anEntry(n, { receivedAtMs: startMs + at })),
      );
      deepStrictEqual(await list(store, {}), [2, 4, 1, 3]);
    });

    test('are found by source, type, subject and agent, alone and together', async ({ store }) => {
      await store.append([
        anEntry(1),
        anEntry(2, { source: 'calls' }),
        anEntry(3, { type: 'inbound_call', subject: null }),
        anEntry(4, { subject: 'conv_1' }),
        anEntry(5, { agent: null }),
        anEntry(6, { agent: 'agent_support', subject: 'conv_1' }),
      ]);
      deepStrictEqual(await list(store, { source: 'calls' }), [2]);
      deepStrictEqual(await list(store, { type: 'inbound_call' }), [3]);
      deepStrictEqual(await list(store, { subject: 'conv_1' }), [6, 4, 1]);
      deepStrictEqual(await list(store, { agent: 'agent_support' }), [6]);
      deepStrictEqual(await list(store, { subject: 'conv_1', agent: 'agent_sales' }), [4, 1]);
      deepStrictEqual(await list(store, { source: 'calls', type: 'inbound_call' }), []);
    });

    test('are found by the other person, newest first, page by page and since when', async ({ store }) => {
      const parties = ['+1', null, '+1', '+12', ' +1', '+1', null, '+1'];
      await store.append(parties.map((party, n) => anEntry(n, { party, receivedAtMs: startMs + n })));
      const read = await pages(3, (part) => store.events({ ...part, party: '+1' }));
      deepStrictEqual(read.map(numbers), [[7, 5, 2], [0]]);
      deepStrictEqual(await list(store, { party: '+1', sinceMs: startMs + 2, untilMs: startMs + 7 }), [5, 2]);
      deepStrictEqual(await list(store, { party: '+1', subject: 'conv_5' }), [5]);
      deepStrictEqual(await list(store, { party: '+9' }), []);
      strictEqual((await store.event(eventId(3)))?.party, '+12');
    });

    test('are found by when they were received: since is included, until is not', async ({ store }) => {
      await store.append([1, 2, 3, 4].map((n) => anEntry(n, { receivedAtMs: startMs + n })));
      deepStrictEqual(await list(store, { sinceMs: startMs + 3 }), [4, 3]);
      deepStrictEqual(await list(store, { untilMs: startMs + 3 }), [2, 1]);
      deepStrictEqual(await list(store, { sinceMs: startMs + 2, untilMs: startMs + 4 }), [3, 2]);
    });

    test('without any delivery are found as unrouted, until they are given one', async ({ store }) => {
      await store.append([anEntry(1, {}, []), anEntry(2), anEntry(3, {}, [])]);
      deepStrictEqual(await list(store, { unrouted: true }), [3, 1]);
      await store.extend(eventId(3), [aNewDelivery()]);
      deepStrictEqual(await list(store, { unrouted: true }), [1]);
    });

    test('come in pages that miss nothing and repeat nothing, also while more arrive', async ({ store }) => {
      await store.append(Array.from({ length: 7 }, (_, n) => anEntry(n, { receivedAtMs: startMs + (n >> 1) })));
      const read = await pages(3, async (part) => {
        const page = await store.events({ ...part, type: 'conversation_ended' });
        await store.append([
          anEntry(100 + numbers(page.items).length + (numbers(page.items)[0] ?? 0), { receivedAtMs: startMs + 99 }),
        ]);
        return page;
      });
      deepStrictEqual(read.map(numbers), [[6, 5, 4], [3, 2, 1], [0]]);
    });

    test('have no further page where the last one is just full', async ({ store }) => {
      await store.append([1, 2, 3].map((n) => anEntry(n)));
      strictEqual((await store.events({ limit: 3 })).cursor, null);
      strictEqual((await store.events({ limit: 9 })).cursor, null);
      const page = await store.events({ limit: 3, subject: 'conv_1' });
      deepStrictEqual([numbers(page.items), page.cursor], [[1], null]);
    });
  });

  describe('deliveries', () => {
    const list = async (store: Store, query: Omit<DeliveryQuery, 'limit'>) =>
      numbers((await store.deliveries({ limit: 100, ...query })).items);

    test('are found by state and reason', async ({ store }) => {
      await inEachState(store);
      deepStrictEqual(await list(store, {}), [6, 5, 4, 3, 2, 1]);
      deepStrictEqual(await list(store, { state: 'waiting' }), [6, 5]);
      deepStrictEqual(await list(store, { state: 'running' }), [4]);
      deepStrictEqual(await list(store, { state: 'delivered' }), [1]);
      deepStrictEqual(await list(store, { state: 'dead' }), [2]);
      deepStrictEqual(await list(store, { state: 'skipped' }), [3]);
      deepStrictEqual(await list(store, { reason: 'rejected' }), [2]);
      deepStrictEqual(await list(store, { reason: 'exhausted' }), []);
      deepStrictEqual(await list(store, { state: 'delivered', reason: 'rejected' }), []);
    });

    test('are found by destination, route and event, also together with a state', async ({ store }) => {
      await inEachState(store);
      deepStrictEqual(await list(store, { destination: 'slack' }), [6]);
      deepStrictEqual(await list(store, { route: 'calls' }), [5, 4, 3, 2, 1]);
      deepStrictEqual(await list(store, { eventId: eventId(3) }), [3]);
      deepStrictEqual(await list(store, { eventId: eventId(77) }), []);
      deepStrictEqual(await list(store, { destination: 'crm', state: 'waiting' }), [5]);
      deepStrictEqual(await list(store, { destination: 'slack', state: 'dead' }), []);
      deepStrictEqual(await list(store, { eventId: eventId(3), state: 'dead' }), []);
    });

    test('are found as waiting where they wait behind another of their subject', async ({ store }) => {
      await store.append([1, 2].map((n) => anEntry(n, { subject: 'a' })));
      await store.claim(aClaim({ ordered: true, nowMs: startMs - 1 }));
      deepStrictEqual(await list(store, { state: 'waiting' }), [2, 1]);
      deepStrictEqual(await list(store, { state: 'waiting', destination: 'crm' }), [2, 1]);
    });

    test('are found by when they were made, and listed newest first', async ({ store, clock }) => {
      for (const n of [1, 2, 3]) {
        clock.jumpTo(startMs + n);
        await store.append([anEntry(n)]);
      }
      clock.jumpTo(startMs + 4);
      await store.extend(eventId(1), [aNewDelivery()]);
      deepStrictEqual(await list(store, {}), [1, 3, 2, 1]);
      deepStrictEqual(await list(store, { sinceMs: startMs + 3 }), [1, 3]);
      deepStrictEqual(await list(store, { untilMs: startMs + 3 }), [2, 1]);
      deepStrictEqual(await list(store, { sinceMs: startMs + 2, untilMs: startMs + 3 }), [2]);
    });

    test('are found by when they were settled: since is included, until is not, and what is open is not found', async ({
      store,
      clock,
    }) => {
      await store.append([1, 2, 3, 4].map((n) => anEntry(n)));
      const { deliveries } = await store.claim(aClaim());
      for (const [n, delivery] of deliveries.slice(0, 3).entries()) {
        clock.jumpTo(startMs + 10 + n);
        await store.settle([aSettled(delivery, { state: 'dead', reason: 'rejected' })]);
      }
      deepStrictEqual(await list(store, { settledSinceMs: startMs + 11 }), [3, 2]);
      deepStrictEqual(await list(store, { settledUntilMs: startMs + 12 }), [2, 1]);
      deepStrictEqual(
        await list(store, { state: 'dead', settledSinceMs: startMs + 11, settledUntilMs: startMs + 12 }),
        [2],
      );
      deepStrictEqual(await list(store, { settledSinceMs: startMs + 11, eventId: eventId(1) }), []);
      deepStrictEqual(await list(store, { settledSinceMs: startMs + 10, eventId: eventId(1) }), [1]);
      deepStrictEqual(await list(store, { state: 'running', settledSinceMs: 0 }), []);
    });

    test('carry what their last attempt failed with', async ({ store }) => {
      await store.append([anEntry(1), anEntry(2)]);
      const failed = { startedAtMs: startMs, durationMs: 1, outcome: 'unavailable', response: null } as const;
      for (const reason of ['status 503', 'status 429']) {
        const [delivery] = (await store.claim(aClaim({ limit: 1 }))).deliveries;
        const settled = aSettled(delivery, { state: 'waiting', untilMs: startMs - 1, counted: true });
        await store.settle([{ ...settled, attempt: { ...failed, reason } }]);
      }
      const { items } = await store.deliveries({ limit: 10 });
      deepStrictEqual(
        items.map(({ failure }) => failure),
        [null, 'status 429'],
      );
      strictEqual((await store.delivery(items[1]?.id ?? ''))?.failure, 'status 429');
    });

    test('carry the type and the subject of their event', async ({ store }) => {
      await store.append([anEntry(1, { subject: 'conv_1' }), anEntry(2, { type: 'inbound_call', subject: null })]);
      const { deliveries } = await store.claim(aClaim({ limit: 1 }));
      await store.settle([aSettled(deliveries[0])]);
      const ofEvent = ({ type, subject }: { type: string; subject: string | null }) => [type, subject];
      const expected = [
        ['inbound_call', null],
        ['conversation_ended', 'conv_1'],
      ];
      const { items } = await store.deliveries({ limit: 10 });
      deepStrictEqual(items.map(ofEvent), expected);
      const alone = await Promise.all(items.map(({ id }) => store.delivery(id)));
      deepStrictEqual(
        alone.map((one) => one && ofEvent(one)),
        expected,
      );
    });

    test('come in pages that miss nothing and repeat nothing', async ({ store }) => {
      await store.append(
        [1, 2].map((n) =>
          anEntry(
            n,
            {},
            Array.from({ length: 4 }, () => aNewDelivery()),
          ),
        ),
      );
      const ids = [2, 1].flatMap((n) => [3, 2, 1, 0].map((index) => deliveryId(eventId(n), index)));
      for (const query of [{}, { state: 'waiting' }, { state: 'waiting', destination: 'crm' }] as const) {
        const read = await pages(3, (part) => store.deliveries({ ...query, ...part }));
        deepStrictEqual(
          read.map((items) => items.length),
          [3, 3, 2],
        );
        deepStrictEqual(
          read.flat().map(({ id }) => id),
          ids,
        );
      }
      const ofOne = await pages(4, (part) => store.deliveries({ ...part, eventId: eventId(1) }));
      deepStrictEqual(
        ofOne.flat().map(({ id }) => id),
        ids.slice(4),
      );
      await rejects(store.deliveries({ limit: 1, cursor: '1_x' }), { code: 'MALFORMED' });
    });
  });
}
