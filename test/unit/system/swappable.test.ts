import { Swappable } from '@switchhook/core/internal';
import { settled } from '@switchhook/testkit';
import { expect } from 'chai';

describe('a value that another one takes the place of', () => {
  it('stays in use for what has begun within its use, until that has ended, too', async () => {
    const [first, second] = [{ name: 'first' }, { name: 'second' }];
    const current = new Swappable(first);
    const ended: string[] = [];
    let leave = (): void => {};
    await current.use(async (value) => {
      void current.swap(second).then(() => ended.push(value.name));
      leave = current.hold(value);
    });
    await settled();
    expect(ended).to.deep.equal([]);
    leave();
    await settled();
    expect(ended).to.deep.equal(['first']);
  });

  it('stays the value of what has begun with it, and is unused when the last of these has ended', async () => {
    const [one, two] = [{ name: 'one' }, { name: 'two' }];
    const current = new Swappable(one);
    const ends: (() => void)[] = [];
    const seen: string[] = [];
    const use = () =>
      current.use(async (value) => {
        await new Promise<void>((resolve) => ends.push(resolve));
        seen.push(value.name);
      });
    const users = [use(), use()];
    let isUnused = false;
    void current.swap(two).then(() => {
      isUnused = true;
    });
    expect(current.value).to.equal(two);
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
    const current = new Swappable({ number: 1 });
    let end = (): void => {};
    const user = current.use(
      () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    );
    const unused: number[] = [];
    for (const number of [2, 3]) void current.swap({ number }).then(() => unused.push(number - 1));
    await settled();
    expect(unused).to.deep.equal([]);
    end();
    await user;
    await settled();
    expect(unused).to.deep.equal([1, 2]);
  });

  it('is unused at once where nothing uses it, also after a use that failed', async () => {
    const current = new Swappable({ number: 1 });
    await current.use(() => Promise.reject(new Error('no'))).catch(() => null);
    await current.swap({ number: 2 });
    await current.swap({ number: 3 });
    expect(current.value).to.deep.equal({ number: 3 });
  });
});
