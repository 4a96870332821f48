/** The suite's part about what routers exchange that share a store. */
import { deepStrictEqual, ok } from 'node:assert/strict';
import type { RouterBeat } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import type { StoreFixture, Test } from './fixtures.js';

function coordinationOf({ store }: StoreFixture) {
  ok(store.coordination !== undefined);
  return store.coordination;
}

const byId = (beats: readonly RouterBeat[]) => [...beats].sort((a, b) => (a.id < b.id ? -1 : 1));

export function coordinationTests(test: Test): void {
  describe('coordination', () => {
    test('returns the last heartbeat of each router, with its report character by character', async (fixture) => {
      const kept = coordinationOf(fixture);
      const a = { id: 'a', beat: 1, report: '{"name":"grüß 😀\\u0000"}\n' };
      deepStrictEqual(await kept.beat(a), [a]);
      const b = { id: 'b', beat: 7, report: '' };
      deepStrictEqual(byId(await kept.beat(b)), [a, b]);
      const later = { id: 'a', beat: 2, report: 'x'.repeat(50_000) };
      deepStrictEqual(byId(await kept.beat(later)), [later, b]);
      deepStrictEqual(byId(await kept.beat({ ...b, beat: 8 })), [later, { ...b, beat: 8 }]);
    });

    test('removes a router only where it has sent no further heartbeat', async (fixture) => {
      const kept = coordinationOf(fixture);
      const at = (id: string, beat: number): RouterBeat => ({ id, beat, report: 'r' });
      for (const beat of [at('a', 1), at('b', 1), at('c', 5)]) await kept.beat(beat);
      await kept.remove([at('a', 1), at('b', 2), at('missing', 1)]);
      deepStrictEqual(byId(await kept.beat(at('c', 6))), [at('b', 1), at('c', 6)]);
      await kept.remove([]);
      await kept.remove([at('b', 1)]);
      deepStrictEqual(await kept.beat(at('c', 7)), [at('c', 7)]);
    });

    test('gives the tokens of a bucket to all, one request after the other, and promises later ones', async (fixture) => {
      const kept = coordinationOf(fixture);
      const take = (tokens: number, key = 'crm') => kept.take({ key, tokens, tokenMs: 100, capacity: 10 });
      deepStrictEqual([await take(4), await take(6), await take(1), await take(3)], [0, 0, 100, 400]);
      deepStrictEqual(await take(10, 'other'), 0);
      await fixture.clock.advance(400);
      deepStrictEqual([await take(1), await take(1)], [100, 200]);
      const all = await Promise.all(Array.from({ length: 20 }, () => take(1)));
      deepStrictEqual(
        [...all].sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, index) => 300 + 100 * index),
      );
      await fixture.clock.advance(60_000);
      deepStrictEqual([await take(10), await take(1)], [0, 100]);
    });

    test('keeps texts until their time, the last one under each key', async (fixture) => {
      const kept = coordinationOf(fixture);
      const { clock } = fixture;
      const at = (key: string, text: string, forMs: number) => ({ key, text, untilMs: clock.now() + forMs });
      await kept.keepTexts([at('a', 'grüß 😀', 1_000), at('b', 'one', 500.5)]);
      await kept.keepTexts([at('b', 'two', 2_000), at('["c"]', '', 2_000)]);
      deepStrictEqual(
        await kept.texts(['a', 'b', '["c"]', 'A', 'missing']),
        new Map([
          ['a', 'grüß 😀'],
          ['b', 'two'],
          ['["c"]', ''],
        ]),
      );
      await clock.advance(1_000);
      deepStrictEqual(await kept.texts(['a', 'b']), new Map([['b', 'two']]));
      await kept.keepTexts([at('a', 'again', 1_000)]);
      deepStrictEqual(await kept.texts(['a']), new Map([['a', 'again']]));
      deepStrictEqual(await kept.texts([]), new Map());
    });

    test('lists the keys of texts page by page, and removes texts', async (fixture) => {
      const kept = coordinationOf(fixture);
      const keys = Array.from({ length: 7 }, (_, n) => `key ${n}`);
      await kept.keepTexts(keys.map((key) => ({ key, text: 'x', untilMs: fixture.clock.now() + 1_000 })));
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

    test('counts parts of a millisecond', async (fixture) => {
      const kept = coordinationOf(fixture);
      const take = () => kept.take({ key: 'crm', tokens: 1, tokenMs: 1 / 3, capacity: 1 });
      const waits = [await take(), await take(), await take(), await take()];
      deepStrictEqual(
        waits.map((ms) => Math.round(ms * 3)),
        [0, 1, 2, 3],
      );
    });
  });
}
