/** The suite's part about deliveries that gather the events of a subject. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import type { DeliveryRecord, Entry, Store } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import {
  aClaim,
  aNewDelivery,
  anEntry,
  aSettled,
  dead,
  deliveryOf,
  eventId,
  inOrder,
  numbers,
  retryAt,
  settleAll,
  startMs,
  type Test,
} from './fixtures.js';

/** How long the route of `gathering` waits. */
export const withinMs = 600_000;
/** Why later events are skipped. */
export const late = 'the message was sent';

/** The n-th event of a subject, for a route that waits. */
export function gathering(n: number, subject: string | null, ends = false, given = {}): Entry {
  const dueMs = startMs + (ends ? 0 : withinMs);
  return anEntry(n, { subject }, [aNewDelivery({ dueMs, gather: { ends, late }, ...given })]);
}

/** The record of the n-th event's first delivery. */
export async function recordOf(store: Store, n: number): Promise<DeliveryRecord> {
  const record = await store.delivery(deliveryOf(n));
  if (record === null) throw new Error(`delivery ${n} is not kept`);
  return record;
}

/** What a claim hands over: the number of the delivery, that of its event, and those of all its events. */
export async function takenBy(store: Store, claim = aClaim()) {
  const { deliveries } = await store.claim(claim);
  return deliveries.map(({ id, event, events }) => [
    ...[numbers([{ id }])[0], numbers([event])[0]],
    ...(events === undefined ? [] : [numbers(events)]),
  ]);
}

const atEnd = aClaim({ nowMs: startMs + withinMs });

export function gatherTests(test: Test): void {
  describe('gather', () => {
    test('hands the events of a subject over with the first delivery, when the one that ends the wait has come', async ({
      store,
    }) => {
      await store.append([gathering(1, 'a')]);
      await store.append([gathering(2, 'a'), gathering(3, 'b')]);
      deepStrictEqual(await store.claim(aClaim()), { deliveries: [], exhausted: [], nextDueMs: startMs + withinMs });
      await store.append([gathering(4, 'a', true)]);
      deepStrictEqual(await takenBy(store), [[1, 4, [1, 2, 4]]]);
      deepStrictEqual(await takenBy(store), []);
    });

    test('hands them over when the first is due, with the latest as its event', async ({ store }) => {
      await store.append([gathering(1, 'a'), gathering(2, 'a')]);
      deepStrictEqual(await takenBy(store, atEnd), [[1, 2, [1, 2]]]);
    });

    test('is due by the first delivery, whatever the later ones say', async ({ store }) => {
      await store.append([gathering(1, 'a')]);
      await store.append([gathering(2, 'a', false, { dueMs: startMs + 2 * withinMs })]);
      strictEqual((await recordOf(store, 1)).dueMs, startMs + withinMs);
    });

    test('keeps the event that ends the wait, where further ones come before the delivery is taken', async ({
      store,
    }) => {
      await store.append([gathering(1, 'a', true), gathering(2, 'a'), gathering(3, 'a', true)]);
      deepStrictEqual(await takenBy(store), [[1, 1, [1, 2, 3]]]);
    });

    test('says of each delivery what it is part of', async ({ store }) => {
      await store.append([gathering(1, 'a'), gathering(2, 'a', true)]);
      const by = deliveryOf(1);
      const [first, second] = [await recordOf(store, 1), await recordOf(store, 2)];
      deepStrictEqual(
        [first.state, first.dueMs, first.settledAtMs, first.gathered],
        ['waiting', startMs, null, { by, events: 2, ends: false }],
      );
      deepStrictEqual(
        [second.state, second.dueMs, second.settledAtMs, second.attempts, second.gathered],
        ['gathered', null, startMs, 0, { by, events: 2, ends: true }],
      );
      deepStrictEqual(numbers((await store.deliveries({ state: 'gathered', limit: 9 })).items), [2]);
      deepStrictEqual(await store.backlog(), [
        { destination: 'crm', waiting: 1, running: 0, dead: 0, oldestOpenMs: startMs },
      ]);
    });

    test('skips what comes later, with the reason', async ({ store }) => {
      await store.append([gathering(1, 'a', true)]);
      const [claimed] = (await store.claim(aClaim())).deliveries;
      await store.append([gathering(2, 'a')]);
      await store.settle([aSettled(claimed)]);
      await store.append([gathering(3, 'a', true)]);
      for (const n of [2, 3]) {
        const { state, attempts, failure, settledAtMs, gathered } = await recordOf(store, n);
        deepStrictEqual([state, attempts, failure, settledAtMs, gathered], ['skipped', 1, late, startMs, undefined]);
        deepStrictEqual(await store.attempts(deliveryOf(n)), [
          { number: 1, startedAtMs: startMs, durationMs: 0, outcome: 'skipped', reason: late, response: null },
        ]);
      }
      deepStrictEqual(await takenBy(store, atEnd), []);
    });

    test('gathers nothing more once an attempt has begun, so that each attempt sends the same', async ({ store }) => {
      await store.append([gathering(1, 'a'), gathering(2, 'a', true)]);
      await settleAll(store, retryAt(startMs));
      await store.append([gathering(3, 'a')]);
      deepStrictEqual(await takenBy(store), [[1, 2, [1, 2]]]);
    });

    test('goes on gathering where a claim is given back without an attempt', async ({ store }) => {
      await store.append([gathering(1, 'a', true)]);
      const [claimed] = (await store.claim(aClaim())).deliveries;
      const back = { state: 'waiting', untilMs: startMs, counted: false } as const;
      await store.settle([aSettled(claimed, back, { attempt: null })]);
      await store.append([gathering(2, 'a')]);
      deepStrictEqual(await takenBy(store), [[1, 1, [1, 2]]]);
    });

    test('keeps routes, destinations and subjects apart, and events without a subject', async ({ store }) => {
      const gather = { ends: false, late };
      const dueMs = startMs;
      await store.append([
        gathering(1, 'a', true),
        gathering(2, 'b', true),
        gathering(3, 'a', true, { route: 'other' }),
        anEntry(4, { subject: 'a' }, [aNewDelivery({ gather, dueMs, destination: 'slack' })]),
        gathering(5, null, true),
        gathering(6, null, true),
        anEntry(7, { subject: 'a' }),
      ]);
      deepStrictEqual(await takenBy(store), [
        [1, 1, [1]],
        [2, 2, [2]],
        [3, 3, [3]],
        [5, 5],
        [6, 6],
        [7, 7],
      ]);
      deepStrictEqual(await takenBy(store, aClaim({ destination: 'slack' })), [[4, 4, [4]]]);
    });

    test('makes one of those that are committed at the same moment the first', async ({ store }) => {
      const all = [1, 2, 3, 4, 5, 6].map((n) => gathering(n, 'a', n === 6));
      await Promise.all(all.map((entry) => store.append([entry])));
      const { items } = await store.deliveries({ limit: 9 });
      strictEqual(items.filter(({ state }) => state === 'gathered').length, 5);
      const [taken, ...more] = (await store.claim(aClaim())).deliveries;
      deepStrictEqual([numbers(taken?.events ?? []).toSorted(), more], [[1, 2, 3, 4, 5, 6], []]);
      strictEqual(taken?.event.id, eventId(6));
    });

    test('keeps nothing of entries that are refused', async ({ store }) => {
      await store.append([gathering(1, 'a')]);
      const tooMany = Array.from({ length: 1_001 }, () => aNewDelivery());
      let failed = false;
      await store.append([gathering(2, 'a', true), anEntry(3, {}, tooMany)]).catch(() => {
        failed = true;
      });
      const { dueMs, gathered } = await recordOf(store, 1);
      deepStrictEqual([failed, dueMs, gathered?.events], [true, startMs + withinMs, 1]);
    });

    test('gathers deliveries that are added to kept events, too', async ({ store }) => {
      await store.append([gathering(1, 'a'), anEntry(2, { subject: 'a' }, [])]);
      await store.extend(eventId(2), [aNewDelivery({ gather: { ends: true, late } })]);
      deepStrictEqual(await takenBy(store), [[1, 2, [1, 2]]]);
    });

    test('replays a delivery with all its events; those that it has gathered are left', async ({ store }) => {
      await store.append([gathering(1, 'a'), gathering(2, 'a', true)]);
      await settleAll(store);
      deepStrictEqual(await store.replay([deliveryOf(1), deliveryOf(2)], startMs), [deliveryOf(1)]);
      deepStrictEqual(await takenBy(store), [[1, 2, [1, 2]]]);
    });

    test('replays no delivery of which one event has no body any more', async ({ store }) => {
      const ending = gathering(2, 'a', true);
      await store.append([gathering(1, 'a'), { ...ending, event: { ...ending.event, source: 'other' } }]);
      await settleAll(store);
      const removed = { beforeMs: startMs + 1, limit: 9, remove: 'bodies', scope: { sources: ['other'] } } as const;
      strictEqual(await store.prune(removed), 1);
      deepStrictEqual(await store.replay([deliveryOf(1)], startMs), []);
    });

    test('hands a late one over alone, where it is replayed', async ({ store }) => {
      await store.append([gathering(1, 'a', true)]);
      await settleAll(store);
      await store.append([gathering(2, 'a')]);
      deepStrictEqual(await store.replay([deliveryOf(2)], startMs), [deliveryOf(2)]);
      deepStrictEqual(await takenBy(store), [[2, 2]]);
    });

    test('discards the delivery with what it has gathered: later events are skipped', async ({ store }) => {
      await store.append([gathering(1, 'a'), gathering(2, 'a')]);
      deepStrictEqual(await store.discard([deliveryOf(1), deliveryOf(2)]), [deliveryOf(1)]);
      await store.append([gathering(3, 'a', true)]);
      strictEqual((await recordOf(store, 3)).state, 'skipped');
      deepStrictEqual(await takenBy(store, atEnd), []);
    });

    test('keeps a gathered event for as long as its delivery is open or dead', async ({ store, clock }) => {
      const day = 86_400_000;
      const old = (n: number): Entry => {
        const entry = gathering(n, 'a', n === 2);
        return { ...entry, event: { ...entry.event, receivedAtMs: startMs - 3 * day } };
      };
      await store.append([old(1), old(2)]);
      clock.jumpTo(clock.now() + 2 * day);
      const prune = () => store.prune({ beforeMs: startMs, limit: 9 });
      strictEqual(await prune(), 0);
      await settleAll(store, dead);
      strictEqual(await prune(), 0);
      await store.replay([deliveryOf(1)], startMs);
      deepStrictEqual((await store.claim(aClaim())).deliveries[0]?.events?.length, 2);
    });

    test('removes a gathering with its delivery: then the next event begins another one', async ({ store }) => {
      await store.append([gathering(1, 'a', true)]);
      await settleAll(store);
      for (let removed = 1; removed > 0; ) removed = await store.prune({ beforeMs: startMs + 1, limit: 9 });
      await store.append([gathering(2, 'a', true)]);
      deepStrictEqual(await takenBy(store), [[2, 2, [2]]]);
    });

    test.needing('erase')(
      'leaves out the events that were erased; with the first one, the delivery',
      async ({ store }) => {
        ok(store.erase !== undefined);
        await store.append([gathering(1, 'a'), gathering(2, 'a'), gathering(3, 'a', true)]);
        await store.erase({ eventIds: [eventId(3)], keysUntilMs: startMs });
        deepStrictEqual(await takenBy(store), [[1, 2, [1, 2]]]);
        await store.erase({ eventIds: [eventId(1)], keysUntilMs: startMs });
        const { state, gathered } = await recordOf(store, 2);
        deepStrictEqual([state, gathered], ['gathered', undefined]);
        await store.append([gathering(4, 'a', true)]);
        deepStrictEqual(await takenBy(store), [[4, 4, [4]]]);
      },
    );

    test('holds the order of a subject: what comes later waits for the delivery that gathers', async ({ store }) => {
      await store.claim(inOrder);
      await store.append([gathering(1, 'a'), anEntry(2, { subject: 'a' }), gathering(3, 'a')]);
      deepStrictEqual(await takenBy(store, inOrder), []);
      await store.append([gathering(4, 'a', true)]);
      deepStrictEqual(await takenBy(store, inOrder), [[1, 4, [1, 3, 4]]]);
    });

    test('goes on after a restart', async ({ store, reopen }) => {
      await store.append([gathering(1, 'a')]);
      const again = (await reopen?.()) ?? store;
      await again.append([gathering(2, 'a', true)]);
      deepStrictEqual(await takenBy(again), [[1, 2, [1, 2]]]);
    });
  });
}
