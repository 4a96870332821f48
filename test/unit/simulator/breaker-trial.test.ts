import { breakerTrial, failingMs, mostCalls } from '@switchhook/simulator';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';

/** Two routers, each of which opens and closes its breaker so long after the destination has failed or recovered. */
interface Routers {
  readonly opensAfterMs: readonly [number, number];
  readonly closesAfterMs: readonly [number, number];
  /** The second one adopts the verdict of the first: it shows the same time. */
  readonly isShared: boolean;
  /** By both together, while their breakers are open. */
  readonly callsPerSecond: number;
  /** Calls that arrive 1.5 s after the destination has failed. */
  readonly underWay: number;
}

const usual: Routers = {
  opensAfterMs: [500, 1_100],
  closesAfterMs: [1_500, 2_300],
  isShared: true,
  callsPerSecond: 0.5,
  underWay: 0,
};

async function trial(given: Partial<Routers> = {}, stopAfterMs = Number.POSITIVE_INFINITY) {
  const { opensAfterMs, closesAfterMs, isShared, callsPerSecond, underWay } = { ...usual, ...given };
  const clock = new FakeClock();
  const stopping = new AbortController();
  let [isDown, changedMs] = [false, Number.NEGATIVE_INFINITY];
  const isOpen = (router: 0 | 1): boolean => {
    const forMs = clock.elapsed() - changedMs;
    return isDown ? forMs >= opensAfterMs[router] : forMs < closesAfterMs[router];
  };
  const running = breakerTrial({
    clock,
    stop: stopping.signal,
    openSince: async () => ([0, 1] as const).map((n) => (isOpen(n) ? opensAfterMs[isShared ? 0 : n] : null)),
    setDown: (next) => {
      if (next === isDown) return;
      [isDown, changedMs] = [next, clock.elapsed()];
    },
    calls: () =>
      Math.floor((clock.elapsed() * callsPerSecond) / 1_000) + (clock.elapsed() - changedMs >= 1_500 ? underWay : 0),
    pause: (ms) => new Promise((resolve) => clock.after(stopping.signal.aborted ? 0 : ms, () => resolve())),
  });
  let isOver = false;
  void running.finally(() => {
    isOver = true;
  });
  for (let passedMs = 0; !isOver && passedMs < 120_000; passedMs += 100) {
    if (passedMs >= stopAfterMs) stopping.abort();
    await clock.advance(100);
  }
  return { result: await running, isDown };
}

describe('A trial of circuit breakers', () => {
  it('is content where all routers have the verdict of the first one, keep away, and return', async () => {
    expect(await trial()).to.deep.equal({ result: { verdictMs: 600, calls: 2, fault: null }, isDown: false });
  });

  it('finds routers that open their breakers by themselves only', async () => {
    const { result } = await trial({ isShared: false });
    expect(result).to.deep.equal({ verdictMs: null, calls: 0, fault: 'not-shared' });
  });

  it('finds a verdict that comes too late, a breaker that never opens, and one that stays open', async () => {
    const never = Number.POSITIVE_INFINITY;
    const faults = await Promise.all([
      trial({ opensAfterMs: [500, 5_700] }),
      trial({ opensAfterMs: [never, never] }),
      trial({ closesAfterMs: [1_000, never] }),
    ]);
    expect(faults.map(({ result }) => result?.fault)).to.deep.equal(['not-shared', 'not-opened', 'not-closed']);
    expect(faults.map(({ isDown }) => isDown)).to.deep.equal([false, false, false]);
  });

  it('finds more calls than one of each router in each cooldown, and one under way', async () => {
    const allowed = mostCalls(2);
    expect(allowed).to.equal(6);
    const perSecond = (calls: number) => ({ callsPerSecond: (calls * 1_000) / failingMs });
    const [few, many] = await Promise.all([trial(perSecond(allowed - 1)), trial(perSecond(allowed + 2))]);
    expect([few.result?.fault, many.result?.fault]).to.deep.equal([null, 'called']);
    expect(many.result?.calls).to.be.greaterThan(allowed);
    const { result } = await trial({ underWay: 50 });
    expect(result?.fault, 'attempts that were under way when the breakers opened').to.equal(null);
  });

  it('comes to nothing where it is stopped, and leaves the destination as it should be', async () => {
    for (const stopAfterMs of [200, 700, 2_000, 6_000])
      expect(await trial({}, stopAfterMs), `${stopAfterMs}`).to.deep.equal({ result: null, isDown: false });
  });
});
