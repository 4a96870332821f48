/** The suite's part about the texts that are kept beside the events. */
import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import type { Store } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import type { Test } from './fixtures.js';

/** A store that keeps texts; null = it does not, and nothing is to be tried. */
function statefulOf(store: Store) {
  const { state, setState } = store;
  if (state === undefined || setState === undefined) return null;
  return { get: state.bind(store), set: setState.bind(store) };
}

export function stateTests(test: Test): void {
  describe('state', () => {
    test('keeps the text of a key character by character, until it is removed', async ({ store }) => {
      const kept = statefulOf(store);
      if (kept === null) return;
      strictEqual(await kept.get('ключ'), null);
      strictEqual(await kept.set('ключ', '{"text": "grüß Gott ☎ 😀\\u0000"}\n', null), true);
      strictEqual(await kept.set('', '', null), true);
      deepStrictEqual(
        [await kept.get('ключ'), await kept.get(''), await kept.get('Ключ')],
        ['{"text": "grüß Gott ☎ 😀\\u0000"}\n', '', null],
      );
      strictEqual(await kept.set('', null, ''), true);
      deepStrictEqual([await kept.get(''), await kept.set('', null, null)], [null, true]);
    });

    test('changes a text only where it is the expected one', async ({ store }) => {
      const kept = statefulOf(store);
      if (kept === null) return;
      await kept.set('a', 'one', null);
      deepStrictEqual(
        [
          await kept.set('a', 'two', null),
          await kept.set('a', 'two', 'One'),
          await kept.set('a', null, 'two'),
          await kept.set('b', 'two', 'one'),
          await kept.set('b', null, 'one'),
        ],
        [false, false, false, false, false],
      );
      deepStrictEqual([await kept.get('a'), await kept.get('b')], ['one', null]);
      strictEqual(await kept.set('a', 'two', 'one'), true);
      strictEqual(await kept.get('a'), 'two');
    });

    test('lets one of many succeed that expect the same', async ({ store }) => {
      const kept = statefulOf(store);
      if (kept === null) return;
      for (const expected of [null, 'first']) {
        await kept.set('a', 'first', null);
        if (expected === null) await kept.set('a', null, 'first');
        const changed: readonly boolean[] = await Promise.all(
          Array.from({ length: 20 }, (_, n) => kept.set('a', `${n}`, expected)),
        );
        deepStrictEqual([changed.filter((done) => done).length, await kept.get('a')], [1, `${changed.indexOf(true)}`]);
        await kept.set('a', null, `${changed.indexOf(true)}`);
      }
    });

    test('keeps texts over a restart, and beside events that are removed', async (fixture) => {
      const kept = statefulOf(fixture.store);
      if (kept === null) return;
      await kept.set('a', 'one', null);
      await fixture.store.prune({ beforeMs: Number.MAX_SAFE_INTEGER, limit: 10 });
      strictEqual(await kept.get('a'), 'one');
      if (fixture.reopen === undefined) return;
      const after = await fixture.reopen();
      strictEqual(await after.state?.('a'), 'one');
      strictEqual(await after.setState?.('a', 'two', 'one'), true);
    });
  });
}
