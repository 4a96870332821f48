import type { Network } from '@switchhook/core/internal';
import { Callers } from '@switchhook/simulator';
import { FakeClock, settled } from '@switchhook/testkit';
import { expect } from 'chai';

/** What a router does with a request about a call. */
type Behavior = 'hangs' | 'fails' | 'is gone' | (() => string);

function setup(...routers: readonly Behavior[]) {
  const fleet = { mustTake: false };
  const clock = new FakeClock();
  const heard = { answered: 0, slowestMs: 0, unanswered: 0, anew: 0, refused: 0 };
  const fetch = (url: string, { signal }: RequestInit): Promise<Response> => {
    const behavior = routers[Number(/router-(\d)/.exec(url)?.[1])] ?? 'is gone';
    if (behavior === 'is gone') return Promise.reject(new Error('connection refused'));
    if (behavior === 'fails') return Promise.resolve(new Response(null, { status: 503 }));
    if (behavior !== 'hangs') return Promise.resolve(new Response(behavior()));
    return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  };
  const callers = new Callers({
    secret: 'secret',
    network: { fetch } as unknown as Network,
    clock,
    onAnswered: (ms) => {
      heard.answered += 1;
      heard.slowestMs = Math.max(heard.slowestMs, ms);
    },
    onUnanswered: () => {
      heard.unanswered += 1;
    },
    mustTake: () => fleet.mustTake,
    onRefused: () => {
      heard.refused += 1;
    },
    onAnsweredAnew: () => {
      heard.anew += 1;
    },
  });
  callers.setTargets(routers.map((_, index) => `http://router-${index}`));
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 25) {
      await clock.advance(25);
      await settled();
    }
    return heard;
  };
  return { pass, callers, fleet };
}

describe('The callers of the crash test', () => {
  it('get the same answer from each router', async () => {
    const { pass } = setup(...Array.from({ length: 3 }, () => () => 'Ada'));
    const { answered, unanswered, anew } = await pass(5_000);
    expect(answered).to.be.greaterThan(9);
    expect([unanswered, anew]).to.deep.equal([0, 0]);
  });

  it('notice that a repeated call gets another answer', async () => {
    const { pass } = setup(...['Ada', 'Grace'].map((name) => () => name));
    const { answered, anew } = await pass(5_000);
    expect(answered).to.be.greaterThan(9);
    expect(anew).to.be.within(answered - 3, answered);
  });

  it('are answered by another router where one hangs or is gone', async () => {
    const { pass } = setup('hangs', 'is gone', () => 'Ada');
    const { answered, unanswered } = await pass(60_000);
    expect(answered).to.be.greaterThan(9);
    expect(unanswered).to.equal(0);
  });

  it('are unanswered where four requests get no answer within ten seconds each', async () => {
    const { pass } = setup('hangs');
    expect(await pass(42_900)).to.include({ unanswered: 0 });
    expect(await pass(1_500)).to.include({ unanswered: 3, answered: 0, refused: 0 });
  });

  it('are unanswered where the router fails each time', async () => {
    const { pass } = setup('fails', 'fails');
    expect((await pass(5_000)).unanswered).to.be.greaterThan(2);
  });

  it('wait for a router that is gone, and are not counted where the test stops', async () => {
    const { pass, callers } = setup('is gone');
    const heard = await pass(60_000);
    await Promise.all([callers.stop(), pass(500)]);
    expect(heard).to.include({ answered: 0, unanswered: 0 });
  });

  it('are refused where no router takes a call that one must take, whether it fails or is gone', async () => {
    const { pass, fleet } = setup('fails', 'is gone');
    expect((await pass(3_000)).refused).to.equal(0);
    fleet.mustTake = true;
    expect((await pass(3_000)).refused).to.be.greaterThan(0);
    const { refused } = await setup('is gone', () => 'Ada').pass(3_000);
    expect(refused).to.equal(0);
  });
});
