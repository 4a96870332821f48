import { VerificationQueue } from '@switchhook/core/internal';
import type { Clock } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';

const mb = 1_048_576;

/** A queue whose clock is moved by what is verified. */
function setup() {
  let elapsed = 0;
  const clock: Clock = Object.assign(new FakeClock(), { elapsed: () => elapsed });
  const queue = new VerificationQueue(clock);
  const done: string[] = [];
  const verify = (name: string, ms: number) => () => {
    elapsed += ms;
    done.push(name);
    return name;
  };
  const run = (sender: string, name: string, ms: number, bytes = 1) => queue.run(sender, bytes, verify(name, ms));
  return { queue, run, verify, done };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the verification of requests', () => {
  it('is done at once while a turn has time left, and later without any time in between being counted', async () => {
    const { run } = setup();
    expect(run('a', '1', 2)).to.equal('1');
    expect(run('a', '2', 2)).to.equal('2');
    expect(run('a', '3', 2)).to.equal('3');
    expect(run('a', '4', 2)).to.be.instanceOf(Promise);
    await nextTurn();
    await nextTurn();
    expect(run('a', '5', 2)).to.equal('5');
  });

  it('takes no more of a turn than its time, and one request where that takes longer', async () => {
    const { run, done } = setup();
    const all = ['1', '2', '3', '4', '5'].map((name) => run('a', name, 20));
    expect(done).to.deep.equal(['1']);
    await nextTurn();
    expect(done).to.deep.equal(['1', '2']);
    await nextTurn();
    expect(done).to.deep.equal(['1', '2', '3']);
    expect(await Promise.all(all)).to.deep.equal(['1', '2', '3', '4', '5']);
  });

  it('lets senders take turns, so that one with many requests does not keep the others waiting', async () => {
    const { run, done } = setup();
    const all = [
      ...['a1', 'a2', 'a3', 'a4'].map((name) => run('a', name, 6)),
      ...['b1', 'b2'].map((name) => run('b', name, 6)),
      run('c', 'c1', 6),
    ];
    await Promise.all(all);
    expect(done).to.deep.equal(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  it('is refused as OVERLOADED beyond 16 MB of one sender, and 64 MB of all, until some are done', async () => {
    const { run } = setup();
    const waiting = [run('a', 'first', 6)];
    const add = (sender: string, bytes: number) => waiting.push(run(sender, 'more', 6, bytes));
    add('a', 16 * mb);
    expect(() => run('a', 'beyond', 1, 1))
      .to.throw()
      .with.property('code', 'OVERLOADED');
    for (const sender of ['b', 'c', 'd']) add(sender, 16 * mb);
    expect(() => run('e', 'beyond', 1, 1))
      .to.throw()
      .with.property('code', 'OVERLOADED');
    await Promise.all(waiting);
    add('a', 16 * mb);
    await Promise.all(waiting);
  });

  it('frees the bytes of each request that is done, although others of its sender still wait', async () => {
    const { run } = setup();
    const add = (name: string, bytes: number) => run('a', name, 6, bytes);
    const waiting = [add('at once', 1), add('1', 8 * mb), add('2', 8 * mb)];
    for (const name of ['3', '4']) {
      expect(() => add('beyond', 1))
        .to.throw()
        .with.property('code', 'OVERLOADED');
      await nextTurn();
      waiting.push(add(name, 8 * mb));
    }
    await Promise.all(waiting);
  });

  it('takes the time of its turn also where it throws', async () => {
    const { queue, run, verify } = setup();
    const refused = (): never => {
      verify('not signed', 6)();
      throw new Error('not signed');
    };
    expect(() => queue.run('a', 1, refused)).to.throw('not signed');
    expect(run('b', 'next', 1)).to.be.instanceOf(Promise);
    await nextTurn();
  });

  it('hands on what it throws, and what its promise comes to', async () => {
    const { queue, run } = setup();
    const fail = (): never => {
      throw new Error('not signed');
    };
    expect(() => queue.run('a', 1, fail)).to.throw('not signed');
    run('a', 'long', 6);
    const message = async (verify: () => unknown) => {
      try {
        return await queue.run('a', 1, verify);
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(await Promise.all([message(fail), message(async () => 'later')])).to.deep.equal(['not signed', 'later']);
  });
});
