/** The service `State`: what plugins keep in the router's store. */
import { stateIn } from '@switchhook/core/internal';
import { refuse, type Store } from '@switchhook/sdk';
import { FakeClock, fakeServices } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';

function setup(store: (kept: Store) => Store = (kept) => kept) {
  const clock = new FakeClock();
  const kept = memoryStore(clock);
  const stateOf = stateIn(store(kept), clock);
  return { clock, kept, stateOf, state: stateOf('crm') };
}

const failure = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => new Error('it succeeded'),
    (error) => error,
  );

describe('State', () => {
  it('keeps every JSON value with its digits, until it is removed', async () => {
    const { state } = setup();
    expect(await state.get('cursor')).to.equal(null);
    for (const value of [{ next: 'a\u0000\ud800', list: [1, null] }, 'text', 0, false, 2n ** 60n, { version: 'x' }]) {
      expect(await state.set('cursor', value)).to.equal(true);
      expect((await state.get('cursor'))?.value).to.deep.equal(value);
    }
    expect(await state.set('cursor', null)).to.equal(true);
    expect([await state.get('cursor'), await state.set('cursor', null)]).to.deep.equal([null, true]);
  });

  it('changes a value only where its version is the expected one, also after it has been removed and set again', async () => {
    const { state } = setup();
    expect(await state.set('token', 'one', { ifVersion: null })).to.equal(true);
    expect(await state.set('token', 'two', { ifVersion: null })).to.equal(false);
    const first = await state.get('token');
    await state.set('token', null, { ifVersion: first?.version ?? '' });
    await state.set('token', 'one');
    expect(await state.set('token', 'two', { ifVersion: first?.version ?? '' })).to.equal(false);
    const second = await state.get('token');
    expect(await state.set('token', 'two', { ifVersion: second?.version ?? '' })).to.equal(true);
    expect((await state.get('token'))?.value).to.equal('two');
  });

  it('lets one of many succeed that expect the same, and all that expect nothing', async () => {
    const { state } = setup();
    const many = <T>(set: (n: number) => Promise<T>) => Promise.all(Array.from({ length: 20 }, (_, n) => set(n)));
    const leased = await many((n) => state.set('lease', n, { ifVersion: null }));
    expect(leased.filter((done) => done)).to.have.length(1);
    expect(await many((n) => state.set('lease', n))).to.not.include(false);
  });

  it('ends a value at its time, and removes it from the store', async () => {
    const { state, clock, kept } = setup();
    await state.set('sent:1', true, { expiresInMs: 1_000 });
    await clock.advance(999);
    expect((await state.get('sent:1'))?.value).to.equal(true);
    await clock.advance(1);
    expect(await state.get('sent:1')).to.equal(null);
    expect(await kept.prune({ beforeMs: 0, limit: 10 })).to.equal(1);
  });

  it('keeps the keys of plugins apart, whatever they are called', async () => {
    const { stateOf } = setup();
    await stateOf('crm').set('a:b', 1);
    await stateOf('crm:a').set('b', 2);
    await stateOf('@x/crm').set('a:b', 3);
    const values = [stateOf('crm').get('a:b'), stateOf('crm:a').get('b'), stateOf('crm').get('b')];
    expect((await Promise.all(values)).map((entry) => entry?.value)).to.deep.equal([1, 2, undefined]);
    expect((await setup().stateOf('crm').get('a:b')) ?? null).to.equal(null);
  });

  it('refuses what is beyond its limits, with the plugin and the key', async () => {
    const { state } = setup();
    const cases: readonly (readonly [Promise<unknown>, string])[] = [
      [state.set('big', 'x'.repeat(65_535)), 'key "big": the value has 65537 bytes as JSON, 65536 are allowed'],
      [state.get(''), 'key "": a key has 1 to 200 characters'],
      [state.set('k'.repeat(201), 1), 'a key has 1 to 200 characters'],
      [state.get('a\u0000'), 'a key has no U+0000'],
      [state.get('a\ud800'), 'no halves of characters'],
      [state.set('a', 1, { expiresInMs: 0 }), 'expiresInMs is 0, and must be a number above 0'],
      [state.set('a', 1, { expiresInMs: Number.NaN }), 'expiresInMs is NaN'],
      [state.set('a', undefined as never), 'the value is no JSON'],
    ];
    for (const [call, said] of cases) {
      const { message } = await failure(call);
      expect(message).to.match(/^State of plugin crm, key "/);
      expect(message).to.contain(said);
    }
    expect(await state.set('fits', 'x'.repeat(65_534))).to.equal(true);
  });

  it('rejects while the store is not open, or fails', async () => {
    const closed = refuse('STORE_UNAVAILABLE', 'the store is not open yet');
    for (const [error, said] of [
      [closed, 'State of plugin crm, key "a" could not be read: the store is not open yet'],
      [new Error('disk I/O error'), 'State of plugin crm, key "a" could not be read: the store failed: disk I/O error'],
    ] as const) {
      const { state } = setup((kept) => Object.assign(kept, { state: () => Promise.reject(error) }));
      for (const call of [state.get('a'), state.set('a', 1)]) {
        const { message, code } = await failure(call);
        expect([message, code]).to.deep.equal([said, 'STORE_UNAVAILABLE']);
      }
    }
  });

  it('is a fake in tests, which follows the fake clock', async () => {
    const { state, clock } = fakeServices();
    await state.set('a', 1, { expiresInMs: 1_000 });
    await clock.advance(1_000);
    expect(await state.get('a')).to.equal(null);
  });
});
