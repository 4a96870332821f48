/** The suite's part about what is moved between stores: everything, as it is at one moment. */
import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { memoryStore } from '@switchhook/plugin-memory';
import type { Page, Snapshot, Store, StoredEvent } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import {
  aClaim,
  aNewDelivery,
  anEntry,
  aRecord,
  dead,
  deliveryOf,
  eventId,
  inOrder,
  leaseMs,
  numbers,
  retryAt,
  settleAll,
  startMs,
  type Test,
} from './fixtures.js';
import { gathering } from './gather.js';
import { stateOf } from './model.js';

/** Everything a store keeps, oldest first. */
async function storedIn(store: Store): Promise<readonly StoredEvent[]> {
  const stored = (await store.events({ limit: 1_000 })).items.toReversed().map(async (event) => {
    const { items } = await store.deliveries({ eventId: event.id, limit: 1_000 });
    const deliveries = items
      .toReversed()
      .map(async (record) => ({ record, attempts: await store.attempts(record.id) }));
    return { event, deliveries: await Promise.all(deliveries) };
  });
  return Promise.all(stored);
}

export function restoreTests(test: Test): void {
  test('keeps events of another store as they are, again and again', async ({ store, clock }) => {
    ok(store.restore !== undefined);
    const source = memoryStore(clock);
    const subject = 'a';
    const receivedAtMs = (n: number): number => startMs + (n - 6) * 86_400_000;
    await source.append(
      [1, 2, 3, 4, 5].map((n) =>
        anEntry(n, { subject, party: '+1', receivedAtMs: receivedAtMs(n), verified: `${n}/9` }),
      ),
    );
    await source.append([
      anEntry(6, { subject: null }, []),
      anEntry(7, {}, [aNewDelivery(), aNewDelivery({ route: 'b' })]),
    ]);
    for (const settlement of [retryAt(startMs), { state: 'delivered' }, dead, { state: 'skipped' }] as const)
      await settleAll(source, settlement, { ...inOrder, limit: 1 });
    await source.claim({ ...inOrder, limit: 2 });
    const restored = async (): Promise<void> => {
      await store.restore?.(await storedIn(source));
      deepStrictEqual(await stateOf(store), await stateOf(source));
    };
    await restored();
    await restored();
    await source.append([gathering(11, 'g'), gathering(12, 'g'), gathering(13, 'g', true)]);
    await restored();
    await source.replay([deliveryOf(2)], startMs);
    await source.extend(eventId(6), [aNewDelivery()]);
    await restored();
    deepStrictEqual(await store.append([anEntry(8, { key: 'key-3' })]), [{ eventId: eventId(3), duplicate: true }]);
    const later = { ...inOrder, nowMs: startMs + leaseMs };
    const claimed = async (from: Store) =>
      (await from.claim(later)).deliveries.map(({ id, event, events = [] }) => [id, event.id, numbers(events)]);
    deepStrictEqual(await claimed(store), await claimed(source));
  });

  test('sends nothing of a gathering along with a later message, where its first event was erased here', async ({
    store,
    clock,
  }) => {
    if (store.restore === undefined || store.erase === undefined) return;
    const source = memoryStore(clock);
    await source.append([gathering(1, 'g'), gathering(2, 'g'), gathering(3, 'h')]);
    await store.restore(await storedIn(source));
    await store.erase({ eventIds: [eventId(1)], keysUntilMs: startMs + 1e9 });
    await store.restore(await storedIn(source));
    await store.append([gathering(4, 'g'), gathering(5, 'h', true), gathering(6, 'g', true)]);
    const { deliveries } = await store.claim(aClaim());
    deepStrictEqual(deliveries.map(({ events = [] }) => numbers(events)).sort(), [
      [3, 5],
      [4, 6],
    ]);
    const { state, gathered = null } = (await store.delivery(deliveryOf(2))) ?? {};
    deepStrictEqual([state, gathered], ['gathered', null]);
  });

  test('keeps a gathering whose first delivery is that of a later event', async ({ store, clock }) => {
    if (store.restore === undefined) return;
    const source = memoryStore(clock);
    await source.append([anEntry(1, { subject: 'g' }, []), gathering(2, 'g')]);
    await source.extend(eventId(1), gathering(1, 'g', true).deliveries);
    for (const one of await storedIn(source)) await store.restore([one]);
    deepStrictEqual(
      (await store.claim(aClaim())).deliveries.map(({ events = [] }) => numbers(events)),
      [[1, 2]],
    );
  });

  test('removes a body that retention has removed from the other store since the last copy', async ({
    store,
    clock,
  }) => {
    ok(store.restore !== undefined);
    const source = memoryStore(clock);
    await source.append([anEntry(1, { type: 'x' }, []), anEntry(2, {}, [])]);
    await store.restore(await storedIn(source));
    await source.prune({ beforeMs: startMs + 1, limit: 9, remove: 'bodies', scope: { types: ['x'] } });
    await store.restore(await storedIn(source));
    const bodies = (await storedIn(store)).map(({ event }) => event.body.length > 0);
    deepStrictEqual(bodies, [false, true]);
  });

  test('keeps nothing of a copy in which another event has a key that is kept', async ({ store }) => {
    ok(store.restore !== undefined);
    await store.append([anEntry(1)]);
    const event = aRecord(2, { key: 'key-1' });
    await rejects(
      store.restore([
        { event: aRecord(3), deliveries: [] },
        { event, deliveries: [] },
      ]),
    );
    deepStrictEqual(numbers((await store.events({ limit: 9 })).items), [1]);
  });
}

/** All pages of a list. */
async function allOf<T>(read: (after: string | null, limit: number) => Promise<Page<T>>): Promise<readonly T[]> {
  const all: T[] = [];
  for (let after: string | null = null; ; ) {
    const { items, cursor }: Page<T> = await read(after, 2);
    ok(items.length <= 2);
    all.push(...items);
    if (cursor === null) return all;
    after = cursor;
  }
}

/** Everything in a snapshot. */
async function contentOf(snapshot: Snapshot | undefined) {
  if (snapshot === undefined) throw new Error('the store has no snapshots');
  const events = await allOf((...page) => snapshot.events(...page));
  const texts = await allOf((...page) => snapshot.texts(...page));
  const keys = await allOf((...page) => snapshot.keys(...page));
  const withPlainBodies = events.map(({ event, ...one }) => ({ ...one, event: { ...event, body: `${event.body}` } }));
  return { counts: snapshot.counts, events: withPlainBodies, texts, keys };
}

/** Events in every state of their deliveries, and texts: some that end. */
async function fill(store: Store, nowMs: number): Promise<void> {
  await store.append([
    ...[1, 2, 3, 4, 5].map((n) => anEntry(n, { party: '+1', body: Buffer.from(`{"n": ${n}, "text": "grüß 😀"}`) })),
    anEntry(6, { subject: null, receivedAtMs: startMs + 5 }, []),
    anEntry(7, {}, [aNewDelivery(), aNewDelivery({ route: 'b', transforms: ['short', 'long'] })]),
  ]);
  for (const settlement of [retryAt(startMs + 1), { state: 'delivered' }, dead, { state: 'skipped' }] as const)
    await settleAll(store, settlement, aClaim({ limit: 1 }));
  await store.claim(aClaim({ limit: 1 }));
  await store.append([gathering(11, 'g'), gathering(12, 'g', true)]);
  for (const key of ['', 'b', 'a:😀', 'plugin:crm:token']) await store.setState?.(key, `text of ${key}`, null);
  await store.setState?.('ends', 'later', null, nowMs + 60_000);
  await store.setState?.('ended', 'before', null, nowMs - 1);
}

export function snapshotTests(test: Test): void {
  describe('snapshot', () => {
    test.needing(
      'erase',
      'clear',
      'restore',
    )(
      'has the keys of erased events, so that their repetitions are duplicates in a copy, too',
      async ({ store, clock }) => {
        ok(store.snapshot !== undefined && store.erase !== undefined);
        await store.append([anEntry(1), anEntry(2)]);
        const untilMs = clock.now() + 60_000;
        await store.erase({ eventIds: [eventId(1)], keysUntilMs: untilMs });
        const snapshot = await store.snapshot();
        const { counts, events, keys } = await contentOf(snapshot);
        await snapshot.close();
        deepStrictEqual([counts.events, counts.keys, events.length], [1, 1, 1]);
        deepStrictEqual(
          keys.map((key) => [key.eventId, key.untilMs]),
          [[eventId(1), untilMs]],
        );
        const copies = [memoryStore(clock), store];
        await store.clear?.();
        for (const copy of copies) {
          await copy.open?.();
          await copy.restore?.([], { keys });
          deepStrictEqual(await copy.append([anEntry(3, { key: 'key-1' })]), [
            { eventId: eventId(1), duplicate: true, erased: true },
          ]);
        }
      },
    );

    test('has everything as it was at one moment, whatever is written meanwhile', async ({ store, clock }) => {
      ok(store.snapshot !== undefined);
      await fill(store, clock.now());
      const expected = await storedIn(store);
      const snapshot = await store.snapshot();
      try {
        await settleAll(store);
        await store.append([anEntry(8)]);
        await store.discard([1, 2, 3, 4, 5].map(deliveryOf));
        await store.prune({ beforeMs: startMs + 1e9, limit: 100 });
        await store.setState?.('b', 'changed', 'text of b');
        const { counts, events, texts, keys } = await contentOf(snapshot);
        deepStrictEqual(counts, { events: 9, deliveries: 9, attempts: 4, texts: 5, keys: 0 });
        deepStrictEqual([snapshot.oldestMs, snapshot.newestMs], [startMs, startMs + 5]);
        deepStrictEqual(
          events.toSorted((a, b) => (a.event.id < b.event.id ? -1 : 1)).map(({ event }) => event.body),
          [...expected].sort((a, b) => (a.event.id < b.event.id ? -1 : 1)).map(({ event }) => `${event.body}`),
        );
        const deliveries = (all: typeof events | typeof expected) =>
          Object.fromEntries(
            all.map(({ event, deliveries: made }) => [
              event.id,
              made.map(({ attempts, record }) => ({
                attempts: attempts.map((one) => ({ ...one })),
                record: { ...record },
              })),
            ]),
          );
        deepStrictEqual(deliveries(events), deliveries(expected));
        deepStrictEqual(
          texts.map(({ key, value, expiresAtMs }) => [key, value, expiresAtMs]),
          [
            ['', 'text of ', null],
            ['a:😀', 'text of a:😀', null],
            ['b', 'text of b', null],
            ['ends', 'later', clock.now() + 60_000],
            ['plugin:crm:token', 'text of plugin:crm:token', null],
          ],
        );
        deepStrictEqual(keys, []);
      } finally {
        await snapshot.close();
      }
    });

    test.needing('clear')('removes everything but what it is given to keep, in one step', async ({ store }) => {
      ok(store.snapshot !== undefined && store.clear !== undefined);
      await store.append([anEntry(1), anEntry(2)]);
      await store.setState?.('plugin:crm:token', 'of crm', null);
      const keys = [{ digest: 'ab'.repeat(16), eventId: eventId(7), dayMs: startMs, untilMs: startMs + 1e9 }];
      const texts = [{ key: 'switchhook.erasures:1', value: '{}', expiresAtMs: null }];
      await store.clear({ texts, keys });
      const snapshot = await store.snapshot();
      const { counts } = snapshot;
      deepStrictEqual([counts.events, counts.texts, counts.keys], [0, 1, 1]);
      deepStrictEqual((await snapshot.keys(null, 10)).items[0]?.untilMs, startMs + 1e9);
      await snapshot.close();
      strictEqual(await store.state?.('switchhook.erasures:1'), '{}');
    });

    test.needing('clear', 'restore')(
      'gives, after everything was removed, all of it back',
      async ({ store, clock }) => {
        ok(store.snapshot !== undefined && store.clear !== undefined && store.restore !== undefined);
        await fill(store, clock.now());
        const before = await store.snapshot();
        const expected = await contentOf(before);
        const events = await allOf((...page) => before.events(...page));
        await before.close();
        await store.clear();
        const empty = { events: 0, deliveries: 0, attempts: 0, texts: 0, keys: 0 };
        const cleared = await store.snapshot();
        deepStrictEqual([cleared.counts, cleared.oldestMs, cleared.newestMs], [empty, null, null]);
        await cleared.close();
        deepStrictEqual([await store.backlog(), (await store.claim(aClaim())).deliveries], [[], []]);
        strictEqual((await store.append([anEntry(9, { key: 'key-1' })]))[0]?.duplicate, false);
        await store.clear();
        await store.restore(events, { texts: expected.texts });
        await store.restore(events, { texts: expected.texts });
        const after = await store.snapshot();
        deepStrictEqual(await contentOf(after), expected);
        await after.close();
        deepStrictEqual(await store.append([anEntry(8, { key: 'key-3' })]), [{ eventId: eventId(3), duplicate: true }]);
        strictEqual(await store.state?.('plugin:crm:token'), 'text of plugin:crm:token');
      },
    );
  });
}
