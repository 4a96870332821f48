/** The suite's part about what comes in. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { deliveryId, type EventRecord } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import type { Test } from './fixtures.js';
import { aClaim, aNewDelivery, anEntry, aRecord, eventId, leaseMs, numbers, startMs } from './fixtures.js';

export function appendTests(test: Test): void {
  describe('append', () => {
    test('keeps an event as it came, its body byte for byte', async ({ store }) => {
      const body = Buffer.from('{ "text": "grüß Gott ☎",\n "n": 1.0 }');
      const event = aRecord(1, { body, subject: null, agent: null, key: 'ключ' });
      deepStrictEqual(await store.append([{ event, deliveries: [] }]), [{ eventId: eventId(1), duplicate: false }]);
      const kept = await store.event(eventId(1));
      ok(kept !== null);
      deepStrictEqual(Buffer.from(kept.body), body);
      deepStrictEqual({ ...kept, body: null }, { ...event, body: null });
    });

    test('keeps the trace of an event, or that it has none, and hands it over with its deliveries', async ({
      store,
    }) => {
      const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      await store.append([anEntry(1, { trace }), anEntry(2)]);
      const [first, second] = [await store.event(eventId(1)), await store.event(eventId(2))];
      deepStrictEqual([first?.trace, second?.trace ?? null], [trace, null]);
      const { deliveries } = await store.claim(aClaim());
      deepStrictEqual(
        deliveries.map(({ event }) => event.trace ?? null),
        [trace, null],
      );
    });

    test.needing('eventConditions')(
      'keeps what has verified an event, or that this is not known, and hands it over with lists and deliveries',
      async ({ store }) => {
        await store.append([anEntry(1, { verified: '2/3' }), anEntry(2), anEntry(3, { verified: '0/0' })]);
        const expected = ['0/0', null, '2/3'];
        const of = (events: readonly Pick<EventRecord, 'verified'>[]) => events.map(({ verified }) => verified ?? null);
        const single = await Promise.all([3, 2, 1].map((n) => store.event(eventId(n))));
        deepStrictEqual(of(single.flatMap((one) => one ?? [])), expected);
        for (const bodies of [true, false])
          deepStrictEqual(of((await store.events({ limit: 9, bodies })).items), expected);
        const { deliveries } = await store.claim(aClaim());
        deepStrictEqual(of(deliveries.map(({ event }) => event)), expected.toReversed());
      },
    );

    test('keeps a body that was part of a larger buffer, whatever becomes of that buffer', async ({ store }) => {
      const buffer = Buffer.from('before{"n":1}after');
      await store.append([anEntry(1, { body: buffer.subarray(6, 13) })]);
      buffer.fill(0);
      strictEqual(Buffer.from((await store.event(eventId(1)))?.body ?? []).toString(), '{"n":1}');
    });

    test('makes all deliveries of an event with it', async ({ store, clock }) => {
      const running = aNewDelivery({ state: 'running', dueMs: startMs + leaseMs, route: 'a', destination: 'slack' });
      const waiting = aNewDelivery({ transforms: ['mask', 'trim'], dueMs: startMs + 5 });
      clock.jumpTo(startMs + 3);
      await store.append([anEntry(1, {}, [running, waiting])]);
      const { items } = await store.deliveries({ eventId: eventId(1), limit: 10 });
      const { event } = anEntry(1);
      const ofEvent = { eventId: event.id, type: event.type, subject: event.subject };
      const facts = { ...ofEvent, reason: null, createdAtMs: startMs + 3, settledAtMs: null, failure: null };
      const second = { ...facts, ...waiting, id: deliveryId(eventId(1), 1), attempts: 0 };
      const first = { ...facts, ...running, id: deliveryId(eventId(1), 0), attempts: 1 };
      const withAttempts = [second, first].map((one, index) => {
        // Not every store knows how many there were in all.
        return items[index]?.attemptsInAll === undefined ? one : { ...one, attemptsInAll: one.attempts };
      });
      deepStrictEqual(items, withAttempts);
      deepStrictEqual(await store.delivery(deliveryId(eventId(1), 0)), withAttempts[1]);
    });

    test('identifies an event by source and key: a repetition is a duplicate and makes no delivery', async ({
      store,
    }) => {
      await store.append([anEntry(1)]);
      const again = anEntry(2, { key: 'key-1' }, [aNewDelivery(), aNewDelivery()]);
      deepStrictEqual(await store.append([again]), [{ eventId: eventId(1), duplicate: true }]);
      strictEqual(await store.event(eventId(2)), null);
      strictEqual((await store.deliveries({ limit: 10 })).items.length, 1);
    });

    test('takes the same key of another source for another event', async ({ store }) => {
      await store.append([anEntry(1)]);
      const other = anEntry(2, { key: 'key-1', source: 'others' });
      deepStrictEqual(await store.append([other]), [{ eventId: eventId(2), duplicate: false }]);
    });

    test('finds the second of two equal events in one call to be a duplicate', async ({ store }) => {
      const appended = await store.append([anEntry(1), anEntry(2, { key: 'key-1' }), anEntry(3)]);
      deepStrictEqual(
        appended.map(({ eventId: id, duplicate }) => [id, duplicate]),
        [
          [eventId(1), false],
          [eventId(1), true],
          [eventId(3), false],
        ],
      );
    });

    test('keeps one of many equal events that come at once', async ({ store }) => {
      const calls = Array.from({ length: 50 }, (_, n) => store.append([anEntry(n, { key: 'same' })]));
      const appended = (await Promise.all(calls)).flat();
      strictEqual(appended.filter(({ duplicate }) => !duplicate).length, 1);
      strictEqual(new Set(appended.map(({ eventId: id }) => id)).size, 1);
      strictEqual((await store.deliveries({ limit: 100 })).items.length, 1);
    });

    test('takes 1,000 deliveries of one event', async ({ store }) => {
      await store.append([
        anEntry(
          1,
          {},
          Array.from({ length: 1_000 }, () => aNewDelivery()),
        ),
      ]);
      strictEqual((await store.claim(aClaim({ limit: 2_000 }))).deliveries.length, 1_000);
      ok((await store.delivery(deliveryId(eventId(1), 999))) !== null);
    });

    test('keeps nothing of a call it rejects, and all of the calls beside it', async ({ store }) => {
      const tooMany = anEntry(
        2,
        {},
        Array.from({ length: 1_001 }, () => aNewDelivery()),
      );
      const sameId = anEntry(1, { key: 'another' });
      const [before, many, same, after] = await Promise.allSettled([
        store.append([anEntry(1)]),
        store.append([anEntry(5), tooMany]),
        store.append([anEntry(6), sameId]),
        store.append([anEntry(3)]),
      ]);
      deepStrictEqual(
        [before, many, same, after].map(({ status }) => status),
        ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
      );
      deepStrictEqual(numbers((await store.events({ limit: 10 })).items), [3, 1]);
      deepStrictEqual(
        (await store.backlog()).map(({ waiting }) => waiting),
        [2],
      );
    });

    test('takes some room, where it knows how much', async ({ store }) => {
      await store.append([anEntry(1)]);
      const { bytes, freeBytes } = (await store.size?.()) ?? { bytes: 1, freeBytes: null };
      ok(Number.isSafeInteger(bytes) && bytes > 0, String(bytes));
      ok(freeBytes === null || (Number.isSafeInteger(freeBytes) && freeBytes > 0), String(freeBytes));
    });

    test('keeps nothing of a call without entries', async ({ store }) => {
      deepStrictEqual(await store.append([]), []);
      deepStrictEqual((await store.events({ limit: 10 })).items, []);
    });
  });
}
