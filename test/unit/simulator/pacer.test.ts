import { type Pace, paced } from '@switchhook/simulator';
import { FakeClock, settled } from '@switchhook/testkit';
import { expect } from 'chai';

function setup(pace: Pace, takesMs = 0) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const begun: (readonly [n: number, atMs: number])[] = [];
  let [running, most] = [0, 0];
  const run = async (n: number): Promise<void> => {
    begun.push([n, clock.elapsed()]);
    running += 1;
    most = Math.max(most, running);
    if (takesMs > 0) await new Promise<void>((resolve) => clock.after(takesMs, resolve));
    running -= 1;
  };
  const done = paced(pace, run, { clock, stop: stop.signal });
  return { clock, stop, begun, done, most: () => most };
}

describe('a pace', () => {
  it('does something as often as it is told, counting from 1', async () => {
    const { begun, done } = setup({ repeat: 3, concurrency: 1 });
    await done;
    expect(begun.map(([n]) => n)).to.deep.equal([1, 2, 3]);
  });

  it('has no more under way at once than it may', async () => {
    const { clock, begun, done, most } = setup({ repeat: 7, concurrency: 3 }, 100);
    await clock.advance(300);
    await done;
    expect(most()).to.equal(3);
    expect(begun.map(([, atMs]) => atMs)).to.deep.equal([0, 0, 0, 100, 100, 100, 200]);
  });

  it('begins nothing before its time', async () => {
    const rate = { count: 10, perMs: 1_000 };
    const { clock, begun, done } = setup({ repeat: 4, concurrency: 4, rate });
    await clock.advance(300);
    await done;
    expect(begun.map(([, atMs]) => atMs)).to.deep.equal([0, 100, 200, 300]);
  });

  it('makes up for what was late, as far as it may', async () => {
    const rate = { count: 10, perMs: 1_000 };
    const { clock, begun, done } = setup({ repeat: 4, concurrency: 1, rate }, 150);
    await clock.advance(600);
    await done;
    expect(begun.map(([, atMs]) => atMs)).to.deep.equal([0, 150, 300, 450]);
  });

  it('begins nothing more once it is stopped, and waits for no time to come', async () => {
    const rate = { count: 10, perMs: 1_000 };
    const { clock, stop, begun, done } = setup({ repeat: 100, concurrency: 2, rate });
    await clock.advance(250);
    stop.abort();
    await done;
    await settled();
    expect(begun).to.have.length(3);
    expect(clock.pending).to.equal(0);
  });
});
