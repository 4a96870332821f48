/** The suite's part about following what happens. */
import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import type { Change, Store } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import {
  aClaim,
  anEntry,
  aSettled,
  dead,
  deliveryOf,
  eventId,
  retryAt,
  settleAll,
  startMs,
  type Test,
} from './fixtures.js';

/** Follows a store from now on. */
async function follower(store: Store, limit = 100, from?: string) {
  const changes = store.changes?.bind(store);
  ok(changes !== undefined);
  let cursor = from ?? (await changes(null, limit)).cursor;
  /** Reads until so many changes were found: they may be found late. */
  const next = async (count: number): Promise<readonly Change[]> => {
    const found: Change[] = [];
    while (found.length < count) {
      const part = await changes(cursor, limit);
      cursor = part.cursor;
      found.push(...part.changes);
    }
    return found;
  };
  return { next, changes, cursor: () => cursor };
}

/** `event 1`, or `attempt 1 of 1: delivered, dead`. */
function texts(changes: readonly Change[]): readonly string[] {
  return changes.map((change) => {
    const event = Number.parseInt(change.event.id.slice(24), 16);
    if (change.kind === 'event') return `event ${event}`;
    const { attempt, delivery } = change;
    return `attempt ${attempt.number} of ${event}: ${attempt.outcome}, ${delivery.state}`;
  });
}

export function changesTests(test: Test): void {
  describe('changes', () => {
    test('are found once, from the cursor on, without bodies', async ({ store }) => {
      await store.append([anEntry(1)]);
      const live = await follower(store);
      await store.append([anEntry(2), anEntry(3)]);
      await store.append([anEntry(2)]);
      await store.append([anEntry(4)]);
      const found = await live.next(3);
      deepStrictEqual(texts(found), ['event 2', 'event 3', 'event 4']);
      deepStrictEqual({ ...found[0]?.event, body: found[0]?.event.body.byteLength }, { ...anEntry(2).event, body: 0 });
      await settleAll(store);
      deepStrictEqual(
        new Set(texts(await live.next(4))),
        new Set([1, 2, 3, 4].map((n) => `attempt 1 of ${n}: delivered, delivered`)),
      );
      deepStrictEqual((await live.changes(live.cursor(), 100)).changes, []);
    });

    test('have each attempt, with its delivery as it stands when they are read', async ({ store, clock }) => {
      await store.append([anEntry(1)]);
      const live = await follower(store);
      await settleAll(store, retryAt(startMs + 1_000));
      const [first] = await live.next(1);
      strictEqual(texts([first].flatMap((one) => one ?? []))[0], 'attempt 1 of 1: unavailable, waiting');
      await clock.advance(1_000);
      await settleAll(store, dead, aClaim({ nowMs: startMs + 1_000 }));
      const [second] = await live.next(1);
      if (second?.kind !== 'attempt') throw new Error('expected an attempt');
      strictEqual(second.event.id, eventId(1));
      deepStrictEqual(second.delivery, await store.delivery(deliveryOf(1)));
      deepStrictEqual(second.attempt, (await store.attempts(deliveryOf(1)))[1]);
    });

    test('have no attempt of a destination that was never called, and none whose lease was lost', async ({ store }) => {
      await store.append([anEntry(1), anEntry(2)]);
      const live = await follower(store);
      const { deliveries } = await store.claim(aClaim());
      const [lost, uncalled] = deliveries;
      await store.settle([
        aSettled(lost && { ...lost, lease: lost.lease + 1 }),
        aSettled(uncalled, { state: 'skipped' }, { attempt: null }),
      ]);
      await store.append([anEntry(3)]);
      deepStrictEqual(texts(await live.next(1)), ['event 3']);
    });

    test('come in parts of a limit, without a gap between them', async ({ store }) => {
      const live = await follower(store, 2);
      await store.append([1, 2, 3, 4, 5].map((n) => anEntry(n)));
      await settleAll(store);
      const part = async (): Promise<number> => (await live.changes(live.cursor(), 2)).changes.length;
      while ((await part()) < 4);
      deepStrictEqual(new Set(texts(await live.next(10))).size, 10);
    });

    test('are counted beyond a limit where that is asked for and the store can, and each is read or counted once', async ({
      store,
    }) => {
      const live = await follower(store, 2);
      await store.append([1, 2, 3, 4, 5].map((n) => anEntry(n)));
      await settleAll(store);
      let [cursor, read, counted] = [live.cursor(), 0, 0];
      while (read + counted < 10) {
        const part = await live.changes(cursor, 2, 2);
        ok(part.more === undefined || part.more <= 4);
        read += part.changes.length;
        counted += part.more ?? 0;
        cursor = part.cursor;
      }
      deepStrictEqual([read + counted, (await live.changes(cursor, 10, 10)).changes], [10, []]);
    });

    test.needing('reopen')('go on after a restart where they ended', async ({ store, reopen }) => {
      const live = await follower(store);
      ok(reopen !== undefined);
      await store.append([anEntry(1)]);
      await live.next(1);
      await store.append([anEntry(2)]);
      const again = await follower(await reopen(), 100, live.cursor());
      deepStrictEqual(texts(await again.next(1)), ['event 2']);
    });

    test('are not those of removed events, and go on after them', async ({ store, clock }) => {
      const live = await follower(store);
      await store.append([anEntry(1)]);
      await settleAll(store);
      await live.next(2);
      const stale = live.cursor();
      await clock.advance(3_600_000);
      while ((await store.prune({ beforeMs: startMs + 1, limit: 10 })) > 0);
      await store.append([anEntry(2, { receivedAtMs: clock.now() })]);
      await settleAll(store, undefined, aClaim({ nowMs: clock.now() }));
      const again = await follower(store, 100, stale);
      deepStrictEqual(texts(await again.next(2)), ['event 2', 'attempt 1 of 2: delivered, delivered']);
    });

    test('refuse a cursor that is none', async ({ store }) => {
      const changes = store.changes?.bind(store);
      ok(changes !== undefined);
      for (const cursor of ['', 'x', '1', '-1_2'])
        await rejects(changes(cursor, 10), (error: Error & { code?: string }) => error.code === 'MALFORMED');
    });
  });
}
