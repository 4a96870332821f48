/** The suite's part about how much a delivery gathers. */
import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import type { Entry } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import { anEntry, eventId, retryAt, settleAll, startMs, type Test } from './fixtures.js';
import { gathering, late, recordOf, takenBy, withinMs } from './gather.js';

/** The same with a body of so many bytes. */
function large({ event, deliveries }: Entry, bytes: number): Entry {
  return { event: { ...event, body: Buffer.from(`"${'x'.repeat(bytes - 2)}"`) }, deliveries };
}

export function gatherLimitTests(test: Test): void {
  describe('gather, at its limits', () => {
    test('is due at once with 1,000 events, and takes no more', async ({ store }) => {
      const all = Array.from({ length: 1_000 }, (_, n) => gathering(n, 'a'));
      await store.append(all.slice(0, 400));
      await store.append(all.slice(400, 999));
      strictEqual((await recordOf(store, 0)).dueMs, startMs + withinMs);
      await store.append([...all.slice(999), gathering(1_000, 'a', true)]);
      const { dueMs, gathered } = await recordOf(store, 0);
      deepStrictEqual([dueMs, gathered?.events, (await recordOf(store, 1_000)).state], [startMs, 1_000, 'skipped']);
      const [[, event, events]] = (await takenBy(store)) as [[number, number, number[]]];
      deepStrictEqual([event, events.length], [999, 1_000]);
    });

    test('is due at once with 16 MB of bodies, and takes no more', async ({ store }) => {
      const all = Array.from({ length: 17 }, (_, n) => large(gathering(n, 'a'), 2 ** 20));
      await store.append(all.slice(0, 9));
      await store.append(all.slice(9, 15));
      strictEqual((await recordOf(store, 0)).dueMs, startMs + withinMs);
      await store.append(all.slice(15));
      const { dueMs, gathered } = await recordOf(store, 0);
      const { state, failure } = await recordOf(store, 16);
      deepStrictEqual([dueMs, gathered?.events, state, failure], [startMs, 16, 'skipped', late]);
      const [[, event, events]] = (await takenBy(store)) as [[number, number, number[]]];
      deepStrictEqual([event, events.length], [15, 16]);
    });

    test('is due at once with a first event, or a further one, that has 16 MB alone', async ({ store }) => {
      await store.append([large(gathering(1, 'a'), 2 ** 24), gathering(2, 'a')]);
      await store.append([gathering(3, 'b')]);
      await store.append([large(gathering(4, 'b'), 2 ** 24)]);
      await store.append([gathering(5, 'b', true), anEntry(6, { ...large(gathering(6, 'c'), 2 ** 24).event }, [])]);
      await store.extend(eventId(6), gathering(6, 'c').deliveries);
      const records = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => recordOf(store, n)));
      deepStrictEqual(
        records.map(({ state, dueMs }) => [state, dueMs]),
        [
          ['waiting', startMs],
          ['skipped', null],
          ['waiting', startMs],
          ['gathered', null],
          ['skipped', null],
          ['waiting', startMs],
        ],
      );
    });

    test('does not send again at once what waits for its next attempt, where a large event comes', async ({
      store,
    }) => {
      await store.append([gathering(1, 'a', true)]);
      await settleAll(store, retryAt(startMs + withinMs));
      await store.append([large(gathering(2, 'a', true), 2 ** 24)]);
      deepStrictEqual(
        [(await recordOf(store, 1)).dueMs, (await recordOf(store, 2)).state],
        [startMs + withinMs, 'skipped'],
      );
    });
  });
}
