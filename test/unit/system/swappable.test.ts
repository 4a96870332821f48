import { Swappable } from '@switchhook/core/internal';
import { settled } from '@switchhook/testkit';
import { expect } from 'chai';

describe('a value that another one takes the place of', () => {
  it('stays the value of what has begun with it, and is unused when the last of these has ended', async () => {
    const current = new Swappable('one');
    const ends: (() => void)[] = [];
    const seen: string[] = [];
    const use = () =>
      current.use(async (value) => {
        await new Promise<void>((resolve) => ends.push(resolve));
        seen.push(value);
      });
    const users = [use(), use()];
    let isUnused = false;
    void current.swap('two').then(() => {
      isUnused = true;
    });
    expect(current.value).to.equal('two');
    users.push(use());
    ends[0]?.();
    await settled();
    expect([isUnused, seen]).to.deep.equal([false, ['one']]);
    ends[1]?.();
    await settled();
    expect([isUnused, seen]).to.deep.equal([true, ['one', 'one']]);
    ends[2]?.();
    await Promise.all(users);
    expect(seen).to.deep.equal(['one', 'one', 'two']);
  });

  it('is unused only when those before it are', async () => {
    const current = new Swappable(1);
    let end = (): void => {};
    const user = current.use(
      () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    );
    const unused: number[] = [];
    for (const next of [2, 3]) void current.swap(next).then(() => unused.push(next - 1));
    await settled();
    expect(unused).to.deep.equal([]);
    end();
    await user;
    await settled();
    expect(unused).to.deep.equal([1, 2]);
  });

  it('is unused at once where nothing uses it, also after a use that failed', async () => {
    const current = new Swappable(1);
    await current.use(() => Promise.reject(new Error('no'))).catch(() => null);
    await current.swap(2);
    await current.swap(3);
    expect(current.value).to.equal(3);
  });
});
