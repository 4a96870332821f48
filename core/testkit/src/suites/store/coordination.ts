/** The suite's part about what routers exchange that share a store. */
import { deepStrictEqual, ok } from 'node:assert/strict';
import type { RouterBeat, SeenBeat } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import type { StoreFixture, Test } from './fixtures.js';
import { aClaim, aNewDelivery, anEntry, aSettled, deliveryOf, leaseMs, numbers, startMs } from './fixtures.js';

function coordinationOf({ store }: StoreFixture) {
  ok(store.coordination !== undefined);
  return store.coordination;
}

/** What was sent, in the order of ids. */
const byId = (beats: readonly SeenBeat[]): readonly RouterBeat[] =>
  beats.map(({ ageMs: _, ...sent }) => sent).sort((a, b) => (a.id < b.id ? -1 : 1));

/** So long that what passes on a server during a test does not matter. */
const hourMs = 3_600_000;

async function pass({ clock, passOnServer }: StoreFixture, ms: number): Promise<void> {
  await (passOnServer?.(ms) ?? clock.advance(ms));
}

/** Who uses the store; time passes and `meanwhile` is repeated until that is known. */
async function usersOf({ store, clock }: StoreFixture, meanwhile: () => Promise<unknown>) {
  let isKnown = false;
  const users = store.users?.().finally(() => {
    isKnown = true;
  });
  while (!isKnown) {
    await meanwhile();
    await clock.advance(100);
  }
  return users;
}

export function coordinationTests(test: Test): void {
  describe('coordination', () => {
    test('returns the last heartbeat of each router, with its report character by character', async (fixture) => {
      const kept = coordinationOf(fixture);
      const a = { id: 'a', beat: 1, report: '{"name":"grüß 😀\\u0000"}\n' };
      deepStrictEqual(byId(await kept.beat(a)), [a]);
      const b = { id: 'b', beat: 7, report: '' };
      deepStrictEqual(byId(await kept.beat(b)), [a, b]);
      const later = { id: 'a', beat: 2, report: 'x'.repeat(50_000) };
      deepStrictEqual(byId(await kept.beat(later)), [later, b]);
      deepStrictEqual(byId(await kept.beat({ ...b, beat: 8 })), [later, { ...b, beat: 8 }]);
    });

    test('counts the age of each heartbeat from when it kept it, by one clock, or gives none', async (fixture) => {
      const kept = coordinationOf(fixture);
      const hours = async (id: string, beat: number) =>
        (await kept.beat({ id, beat, report: '' }))
          .toSorted((a, b) => (a.id < b.id ? -1 : 1))
          .map(({ id: of, ageMs }) => [of, ageMs == null ? null : Math.round(ageMs / hourMs)] as const);
      const [[, own] = []] = await hours('a', 1);
      // Without ages, all of them are unknown.
      const known = (age: number) => (own === null ? null : age);
      deepStrictEqual(own, known(0));
      await pass(fixture, 2 * hourMs);
      deepStrictEqual(await hours('b', 1), [
        ['a', known(2)],
        ['b', known(0)],
      ]);
      await pass(fixture, hourMs);
      deepStrictEqual(await hours('a', 2), [
        ['a', known(0)],
        ['b', known(1)],
      ]);
    });

    test('removes a router only where it has sent no further heartbeat', async (fixture) => {
      const kept = coordinationOf(fixture);
      const at = (id: string, beat: number): RouterBeat => ({ id, beat, report: 'r' });
      for (const beat of [at('a', 1), at('b', 1), at('c', 5)]) await kept.beat(beat);
      await kept.remove([at('a', 1), at('b', 2), at('missing', 1)]);
      deepStrictEqual(byId(await kept.beat(at('c', 6))), [at('b', 1), at('c', 6)]);
      await kept.remove([]);
      await kept.remove([at('b', 1)]);
      deepStrictEqual(byId(await kept.beat(at('c', 7))), [at('c', 7)]);
    });

    test('gives the tokens of a bucket to all, one request after the other, and promises later ones', async (fixture) => {
      const kept = coordinationOf(fixture);
      const take = async (tokens: number, key = 'crm') =>
        Math.round((await kept.take({ key, tokens, tokenMs: hourMs, capacity: 10 })) / hourMs);
      deepStrictEqual([await take(4), await take(6), await take(1), await take(3)], [0, 0, 1, 4]);
      deepStrictEqual(await take(10, 'other'), 0);
      await pass(fixture, 4 * hourMs);
      deepStrictEqual([await take(1), await take(1)], [1, 2]);
      const all = await Promise.all(Array.from({ length: 20 }, () => take(1)));
      deepStrictEqual(
        [...all].sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, index) => 3 + index),
      );
      await pass(fixture, 600 * hourMs);
      deepStrictEqual([await take(10), await take(1)], [0, 1]);
    });

    test('keeps texts until their time, the last one under each key', async (fixture) => {
      const kept = coordinationOf(fixture);
      const { clock } = fixture;
      const at = (key: string, text: string, forMs: number) => ({ key, text, untilMs: clock.now() + forMs });
      await kept.keepTexts([at('a', 'grüß 😀', hourMs), at('b', 'one', hourMs / 2 + 0.5)]);
      await kept.keepTexts([at('b', 'two', 2 * hourMs), at('["c"]', '', 2 * hourMs)]);
      deepStrictEqual(
        await kept.texts(['a', 'b', '["c"]', 'A', 'missing']),
        new Map([
          ['a', 'grüß 😀'],
          ['b', 'two'],
          ['["c"]', ''],
        ]),
      );
      await pass(fixture, hourMs);
      deepStrictEqual(await kept.texts(['a', 'b']), new Map([['b', 'two']]));
      await kept.keepTexts([at('a', 'again', hourMs)]);
      deepStrictEqual(await kept.texts(['a']), new Map([['a', 'again']]));
      deepStrictEqual(await kept.texts([]), new Map());
    });

    test('lists the keys of texts page by page, and removes texts', async (fixture) => {
      const kept = coordinationOf(fixture);
      const keys = Array.from({ length: 7 }, (_, n) => `key ${n}`);
      await kept.keepTexts(keys.map((key) => ({ key, text: 'x', untilMs: fixture.clock.now() + hourMs })));
      const found: string[] = [];
      for (;;) {
        const page = await kept.textKeys(found.at(-1) ?? null, 3);
        found.push(...page);
        if (page.length < 3) break;
      }
      deepStrictEqual([...found].sort(), keys);
      await kept.dropTexts(['key 1', 'key 2', 'missing']);
      deepStrictEqual([...(await kept.texts(keys)).keys()].sort(), [...keys.slice(0, 1), ...keys.slice(3)]);
    });

    test.needing('users')('names the routers that use it, and none that was killed', async (fixture) => {
      const kept = coordinationOf(fixture);
      const idle = async () => {};
      deepStrictEqual(await usersOf(fixture, idle), { routers: [], others: 0 });
      let beat = 0;
      const beats = () => kept.beat({ id: 'here', beat: ++beat, report: 'a report' });
      await kept.beat({ id: 'killed', beat: 5, report: '' });
      await beats();
      const { routers = [], others } = (await usersOf(fixture, beats)) ?? {};
      deepStrictEqual([routers.map(({ id, report }) => [id, report]), others], [[['here', 'a report']], 0]);
      deepStrictEqual(await usersOf(fixture, idle), { routers: [], others: 0 });
    });

    test.needing('endLeases')(
      'ends the leases of a router that is gone, once, and not those of one that has sent a further heartbeat',
      async (fixture) => {
        const [kept, { store, clock }] = [coordinationOf(fixture), fixture];
        ok(store.endLeases !== undefined);
        const beat = (n: number) => kept.beat({ id: 'a', beat: n, report: '' });
        const end = (n: number, id = 'a') => store.endLeases?.([{ id, beat: n }]);
        const dueMs = startMs + leaseMs;
        await beat(1);
        await store.append([
          anEntry(1, {}, [aNewDelivery({ state: 'running', dueMs })]),
          anEntry(2),
          anEntry(3, {}, [aNewDelivery({ dueMs })]),
        ]);
        const claimed = (await store.claim(aClaim())).deliveries;
        deepStrictEqual(numbers(claimed), [2]);
        await clock.advance(1_000);
        deepStrictEqual([await end(2), await end(1, 'b'), await store.endLeases([])], [0, 0, 0]);
        deepStrictEqual([await end(1), await end(1)], [2, 0]);
        const standing = async (n: number) => {
          const found = await store.delivery(deliveryOf(n));
          return [found?.state, found?.attempts, (found?.dueMs ?? 0) - clock.now()];
        };
        const after = [
          ['waiting', 1, 0],
          ['waiting', 1, 0],
          ['waiting', 0, leaseMs - 1_000],
        ];
        deepStrictEqual([await standing(1), await standing(2), await standing(3)], after);
        await store.settle([1, 2].map((n) => aSettled({ id: deliveryOf(n), lease: 1 })));
        deepStrictEqual([await standing(1), await standing(2), await standing(3)], after);
        const again = (await store.claim(aClaim({ nowMs: clock.now() }))).deliveries;
        deepStrictEqual(
          again.map(({ attempt, lease }) => [attempt, lease]),
          [
            [2, 2],
            [2, 2],
          ],
        );
        deepStrictEqual(await end(1), 0);
        await beat(2);
        deepStrictEqual(await end(2), 2);
        // They were lost twice.
        deepStrictEqual(
          [await standing(1), await standing(2)],
          [
            ['waiting', 2, 0],
            ['waiting', 2, 2_000],
          ],
        );
      },
    );

    test('counts parts of a millisecond', async (fixture) => {
      const kept = coordinationOf(fixture);
      const aThird = { key: 'calls', tokens: 3 * hourMs, tokenMs: 1 / 3, capacity: 1 };
      deepStrictEqual(
        [await kept.take(aThird), await kept.take(aThird)].map((ms) => Math.round(ms / hourMs)),
        [1, 2],
      );
      // On a server the parts have passed before the next request comes.
      if (fixture.passOnServer !== undefined) return;
      const take = () => kept.take({ key: 'crm', tokens: 1, tokenMs: 1 / 3, capacity: 1 });
      const waits = [await take(), await take(), await take(), await take()];
      deepStrictEqual(
        waits.map((ms) => Math.round(ms * 3)),
        [0, 1, 2, 3],
      );
    });
  });
}
