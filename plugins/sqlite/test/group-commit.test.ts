import { expect } from 'chai';
import { GroupCommit } from '../src/group-commit.js';
import type { Replied } from '../src/protocol.js';

interface Run {
  readonly operations: readonly number[];
  reply(): void;
  fail(): void;
}

function setup(policy: { limit: number; earlyBatch: number }) {
  const runs: Run[] = [];
  const run = (operations: readonly number[]): Promise<readonly Replied[]> =>
    new Promise((resolve, reject) => {
      const reply = () => resolve(operations.map(() => ({ result: null })));
      runs.push({ operations, reply, fail: () => reject(new Error('the thread has ended')) });
    });
  const batches = new GroupCommit<number>(policy, run, () => new Error('no result'));
  const add = (...operations: readonly number[]) => Promise.all(operations.map((one) => batches.add(one)));
  return { batches, add, runs, sizes: () => runs.map(({ operations }) => operations.length) };
}

const endOfTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('group commit', () => {
  it('puts all that one turn of the event loop brings into one batch', async () => {
    const { add, runs } = setup({ limit: 100, earlyBatch: 10 });
    void add(1, 2);
    void add(3);
    expect(runs).to.have.length(0);
    await endOfTurn();
    expect(runs.map(({ operations }) => operations)).to.deep.equal([[1, 2, 3]]);
  });

  it('begins in the middle of a turn with a batch that is worth it, and puts a second one behind it', async () => {
    const { add, sizes } = setup({ limit: 100, earlyBatch: 3 });
    void add(1, 2, 3, 4, 5, 6, 7, 8, 9);
    expect(sizes()).to.deep.equal([3, 3]);
    await endOfTurn();
    expect(sizes()).to.deep.equal([3, 3]);
  });

  it('lets a few wait until the batch before them is done', async () => {
    const { add, runs, sizes } = setup({ limit: 100, earlyBatch: 3 });
    const first = add(1);
    await endOfTurn();
    void add(2, 3);
    await endOfTurn();
    expect(sizes()).to.deep.equal([1]);
    runs[0]?.reply();
    await first;
    expect(sizes()).to.deep.equal([1, 2]);
  });

  it('makes no batch larger than the limit', async () => {
    const { add, runs, sizes } = setup({ limit: 4, earlyBatch: 100 });
    const first = add(1);
    await endOfTurn();
    void add(2, 3, 4, 5, 6, 7);
    runs[0]?.reply();
    await first;
    expect(sizes()).to.deep.equal([1, 4]);
  });

  it('rejects what was in a batch that failed, and goes on with the next', async () => {
    const { add, runs } = setup({ limit: 100, earlyBatch: 2 });
    const first = add(1, 2).then(
      () => 'kept',
      (error: Error) => error.message,
    );
    const second = add(3, 4);
    runs[0]?.fail();
    runs[1]?.reply();
    expect(await first).to.equal('the thread has ended');
    expect(await second).to.deep.equal([null, null]);
  });

  it('is idle when every batch is done, and not before', async () => {
    const { batches, add, runs } = setup({ limit: 100, earlyBatch: 2 });
    await batches.idle();
    void add(1, 2, 3);
    let idle = false;
    const whenIdle = batches.idle().then(() => {
      idle = true;
    });
    runs[0]?.reply();
    await endOfTurn();
    expect({ idle, runs: runs.length }).to.deep.equal({ idle: false, runs: 2 });
    runs[1]?.reply();
    await whenIdle;
  });
});
