/** The suite's part about the texts that are kept beside the events. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import type { Store } from '@switchhook/sdk';
import { describe } from '../../mocha.js';
import type { Test } from './fixtures.js';

function statefulOf(store: Store) {
  const { state, setState } = store;
  ok(state !== undefined && setState !== undefined);
  return { get: state.bind(store), set: setState.bind(store) };
}

export function stateTests(test: Test): void {
  describe('state', () => {
    test('keeps the text of a key character by character, until it is removed', async ({ store }) => {
      const kept = statefulOf(store);
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

    test.needing('stateKeys')('lists the keys of texts that are kept by their beginning', async ({ store, clock }) => {
      const kept = statefulOf(store);
      const listed = async (prefix: string, limit = 10) => [...((await store.stateKeys?.(prefix, limit)) ?? [])].sort();
      deepStrictEqual(await listed(''), []);
      for (const key of ['a', 'call%', 'call:2', 'call:😀', 'Call:3', 'callz', 'd']) await kept.set(key, 'one', null);
      await kept.set('call:ends', 'one', null, clock.now() + 1_000);
      deepStrictEqual(await listed('call:'), ['call:2', 'call:ends', 'call:😀']);
      deepStrictEqual([await listed('call%'), await listed('call_'), (await listed('')).length], [['call%'], [], 8]);
      strictEqual((await listed('call:', 2)).length, 2);
      await clock.advance(1_000);
      await kept.set('call:2', null, 'one');
      deepStrictEqual(await listed('call:'), ['call:😀']);
    });

    test('changes a text only where it is the expected one', async ({ store }) => {
      const kept = statefulOf(store);
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

    test('ends a text at its time: it is not read any more, and another one can be set in its place', async ({
      store,
      clock,
    }) => {
      const kept = statefulOf(store);
      strictEqual(await kept.set('a', 'one', null, clock.now() + 1_000), true);
      await clock.advance(999);
      deepStrictEqual([await kept.get('a'), await kept.set('a', 'two', null)], ['one', false]);
      await clock.advance(1);
      strictEqual(await kept.get('a'), null);
      deepStrictEqual([await kept.set('a', 'two', 'one'), await kept.set('a', null, 'one')], [false, false]);
      strictEqual(await kept.set('a', 'three', null, clock.now() + 0.5), true);
      strictEqual(await kept.get('a'), 'three');
    });

    test('takes the time of a text from its last change', async ({ store, clock }) => {
      const kept = statefulOf(store);
      await kept.set('later', 'one', null, clock.now() + 1_000);
      strictEqual(await kept.set('later', 'one', 'one', clock.now() + 3_000), true);
      await kept.set('never', 'one', null, clock.now() + 1_000);
      strictEqual(await kept.set('never', 'two', 'one'), true);
      await clock.advance(2_000);
      deepStrictEqual([await kept.get('later'), await kept.get('never')], ['one', 'two']);
      await clock.advance(1_000);
      deepStrictEqual([await kept.get('later'), await kept.get('never')], [null, 'two']);
    });

    test('removes texts that have ended in steps of `limit`, counted with the events, and no others', async (fixture) => {
      const { store, clock } = fixture;
      const kept = statefulOf(store);
      for (let n = 0; n < 5; n += 1) await kept.set(`ended ${n}`, 'one', null, clock.now() + 1_000);
      await kept.set('ends', 'one', null, clock.now() + 5_000);
      await kept.set('stays', 'one', null);
      const request = { beforeMs: 0, limit: 2 };
      strictEqual(await store.prune(request), 0);
      await clock.advance(1_000);
      const removed = [await store.prune(request), await store.prune(request)];
      deepStrictEqual([...removed, await store.prune(request), await store.prune(request)], [2, 2, 1, 0]);
      deepStrictEqual([await kept.get('ends'), await kept.get('stays')], ['one', 'one']);
    });

    test.needing('reopen')(
      'keeps texts over a restart, with their end, and beside events that are removed',
      async (fixture) => {
        const kept = statefulOf(fixture.store);
        await kept.set('a', 'one', null);
        await kept.set('b', 'one', null, fixture.clock.now() + 1_000);
        await fixture.store.prune({ beforeMs: Number.MAX_SAFE_INTEGER, limit: 10 });
        strictEqual(await kept.get('a'), 'one');
        ok(fixture.reopen !== undefined);
        const after = await fixture.reopen();
        strictEqual(await after.state?.('a'), 'one');
        strictEqual(await after.setState?.('a', 'two', 'one'), true);
        strictEqual(await after.state?.('b'), 'one');
        await fixture.clock.advance(1_000);
        strictEqual(await after.state?.('b'), null);
      },
    );
  });
}
