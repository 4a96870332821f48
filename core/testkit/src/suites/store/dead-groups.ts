/** The suite's part about what is dead, in groups. */
import { deepStrictEqual } from 'node:assert/strict';
import { type DeadGroup, type DeadGroupQuery, deliveryId, type Store } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import type { Test } from './fixtures.js';
import { aClaim, aNewDelivery, anEntry, aSettled, eventId, pages, startMs } from './fixtures.js';

export function deadGroupTests(test: Test): void {
  describe('what is dead', () => {
    test('is grouped by destination, reason and the failure of the last attempt', async ({ store, clock }) => {
      await sixDead(store, clock);
      const all = await groups(store, {});
      deepStrictEqual(all, [
        aGroup('crm', 'exhausted', 'status 503', [2, 12, 15, 5]),
        aGroup('crm', 'rejected', 'status 400', [1, 11, 11, 1]),
        aGroup('crm', 'rejected', 'status 503', [1, 13, 13, 3]),
        aGroup('slack', 'rejected', null, [1, 16, 16, 6]),
      ]);
      deepStrictEqual(await groups(store, {}, 1), all);
    });

    test('is grouped by what is asked for, and with what was discarded only where that is', async ({
      store,
      clock,
    }) => {
      await sixDead(store, clock);
      const counts = async (query: DeadQuery) => (await groups(store, query)).map(({ count }) => count);
      deepStrictEqual(await counts({ reason: 'rejected' }), [1, 1, 1]);
      deepStrictEqual(await groups(store, { reason: 'discarded' }), [
        aGroup('crm', 'discarded', 'status 503', [1, 20, 20, 4]),
      ]);
      deepStrictEqual(await counts({ destination: 'slack' }), [1]);
      deepStrictEqual(await counts({ route: 'alerts' }), [1]);
      deepStrictEqual(await counts({ destination: 'crm', route: 'alerts' }), []);
      deepStrictEqual(await counts({ settledSinceMs: startMs + 13, settledUntilMs: startMs + 16 }), [1, 1]);
      deepStrictEqual(await counts({ sinceMs: startMs + 5 }), [1, 1]);
      deepStrictEqual(await counts({ untilMs: startMs + 2 }), [1]);
      await store.replay([deliveryId(eventId(5), 0)], startMs);
      deepStrictEqual(await counts({ reason: 'exhausted' }), [1]);
    });
  });
}

type DeadQuery = Omit<DeadGroupQuery, 'limit' | 'cursor'>;

/** Made at 1 to 6 ms and dead ten later; the fourth is discarded at 20, and the sixth was never attempted. */
async function sixDead(store: Store, clock: { jumpTo(ms: number): void }): Promise<void> {
  for (const n of [1, 2, 3, 4, 5, 6]) {
    clock.jumpTo(startMs + n);
    await store.append([
      anEntry(n, {}, [n === 6 ? aNewDelivery({ destination: 'slack', route: 'alerts' }) : aNewDelivery()]),
    ]);
  }
  const ofCrm = (await store.claim(aClaim({ nowMs: startMs + 7 }))).deliveries;
  const ofSlack = (await store.claim(aClaim({ destination: 'slack', nowMs: startMs + 7 }))).deliveries;
  const claimed = [...ofCrm, ...ofSlack].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const attempt = { startedAtMs: startMs, durationMs: 1, outcome: 'unavailable', response: null } as const;
  for (const [index, delivery] of claimed.entries()) {
    const n = index + 1;
    clock.jumpTo(startMs + 10 + n);
    const isExhausted = n === 2 || n === 4 || n === 5;
    const failure = n === 6 ? null : { ...attempt, reason: n === 1 ? 'status 400' : 'status 503' };
    const settlement = { state: 'dead', reason: isExhausted ? 'exhausted' : 'rejected' } as const;
    await store.settle([aSettled(delivery, settlement, { attempt: failure })]);
  }
  clock.jumpTo(startMs + 20);
  await store.discard([deliveryId(eventId(4), 0)]);
}

function aGroup(
  destination: string,
  reason: DeadGroup['reason'],
  failure: string | null,
  [count, first, last, latest]: readonly [number, number, number, number],
): DeadGroup {
  const times = { firstMs: startMs + first, lastMs: startMs + last };
  return { destination, reason, failure, count, ...times, latest: deliveryId(eventId(latest), 0) };
}

/** All groups by their names, with their parts summed up. */
async function groups(store: Store, query: DeadQuery, limit = 100): Promise<readonly DeadGroup[]> {
  const none = { items: [], cursor: null };
  const read = await pages(limit, async (part) => (await store.deadGroups?.({ ...query, ...part })) ?? none);
  const sums = new Map<string, DeadGroup>();
  for (const part of read.flat()) {
    const key = `${part.destination} ${part.reason} ${part.failure}`;
    const known = sums.get(key) ?? part;
    const latest = part.lastMs >= known.lastMs ? part : known;
    sums.set(key, {
      ...part,
      count: known === part ? part.count : known.count + part.count,
      firstMs: Math.min(known.firstMs, part.firstMs),
      lastMs: latest.lastMs,
      latest: latest.latest,
    });
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}
