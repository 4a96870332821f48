import { beatMs, Dispatcher } from '@switchhook/core/internal';
import type { Outcome } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { MemoryCoordination, shared } from '../../support/coordination.js';
import { aPipeline } from '../../support/pipeline.js';

const breaker = { failures: 3, windowMs: 60_000, cooldownMs: 30_000 };
const down = { kind: 'unavailable', reason: 'status 503' } as const;

/** Two routers with a breaker, whose destination answers as `answer` says. Each has a store of its own, so that only verdicts pass between them. */
async function two() {
  const clock = new FakeClock();
  const coordination = new MemoryCoordination(clock);
  const attempts: { readonly name: string; readonly atMs: number }[] = [];
  let outcome: Outcome = down;
  const router = (name: string) =>
    aPipeline({
      clock,
      policy: { breaker, concurrency: 8, retry: { attempts: 100, firstMs: 1_000, maxMs: 120_000 } },
      destinations: {
        crm: async () => {
          attempts.push({ name, atMs: clock.elapsed() });
          return outcome;
        },
      },
      store: () => shared(memoryStore(clock), coordination),
    });
  const [a, b] = [router('a'), router('b')];
  await clock.advance(3 * beatMs);
  const standing = ({ engine }: typeof a) => engine.get(Dispatcher).loads.get('crm');
  const close = async () => {
    await Promise.all([a.pipeline.close(), b.pipeline.close()]);
  };
  return { clock, attempts, a, b, standing, close, answer: (next: Outcome) => (outcome = next) };
}

describe('the verdict of one router about a destination', () => {
  it('opens the breaker of the others within a second, and closes it', async () => {
    const { clock, attempts, a, b, standing, answer, close } = await two();
    for (let n = 0; n < 3; n += 1) await a.send({ key: `a${n}` });
    await clock.advance(100);
    expect([standing(a)?.breaker, standing(b)?.breaker]).to.deep.equal(['open', 'closed']);
    await clock.advance(2 * beatMs);
    expect(standing(b)?.breaker).to.equal('open');
    expect(standing(b)?.holds.map(({ kind }) => kind)).to.deep.equal(['breaker-open']);
    await b.send({ key: 'b' });
    await clock.advance(20_000);
    expect(attempts.map(({ name }) => name)).to.deep.equal(['a', 'a', 'a']);
    answer({ kind: 'delivered' });
    const cooledMs = 10_000 + 2 * beatMs + 500;
    await clock.advance(cooledMs);
    expect([standing(a)?.breaker, standing(b)?.breaker]).to.deep.equal(['closed', 'closed']);
    const probes = attempts.slice(3);
    expect(probes[0]?.name, 'the router that has opened it makes the probe').to.equal('a');
    expect(probes.map(({ name }) => name)).to.include('b');
    await close();
  });

  it('is also that the probe failed: the others wait for the next one', async () => {
    const { clock, attempts, a, b, standing, close } = await two();
    for (let n = 0; n < 3; n += 1) await a.send({ key: `a${n}` });
    await clock.advance(1_000);
    await b.send({ key: 'b' });
    await clock.advance(75_000);
    expect(attempts.map(({ name }) => name)).to.deep.equal(['a', 'a', 'a', 'a']);
    expect(standing(b)?.holds[0]?.untilMs).to.be.within(clock.now(), clock.now() + 60_000);
    await close();
  });

  it('leaves the probe to the others where the router that has opened the breaker is gone', async () => {
    const { clock, attempts, a, b, answer, close } = await two();
    for (let n = 0; n < 3; n += 1) await a.send({ key: `a${n}` });
    await clock.advance(1_000);
    await a.pipeline.close();
    await b.send({ key: 'b' });
    answer({ kind: 'delivered' });
    await clock.advance(32_000);
    expect(attempts.slice(3).map(({ name }) => name)).to.deep.equal(['b']);
    await close();
  });

  it('is that the other side has asked to wait, until then', async () => {
    const { clock, attempts, a, b, standing, answer, close } = await two();
    answer({ ...down, retryAfterMs: 20_000 });
    await a.send({ key: 'a' });
    await clock.advance(2 * beatMs);
    expect(standing(b)?.holds.map(({ kind }) => kind)).to.deep.equal(['asked-to-wait']);
    answer({ kind: 'delivered' });
    await b.send({ key: 'b' });
    await clock.advance(18_000);
    expect(attempts).to.have.length(1);
    await clock.advance(3_000);
    expect(attempts.map(({ name }) => name).sort()).to.deep.equal(['a', 'a', 'b']);
    await close();
  });

  it('does not make them forget the failures that they have counted, where it is about something else', async () => {
    const { clock, a, b, standing, answer, close } = await two();
    for (let n = 0; n < 2; n += 1) await b.send({ key: `b${n}` });
    await clock.advance(100);
    answer({ ...down, retryAfterMs: 2_000 });
    await a.send({ key: 'a' });
    await clock.advance(beatMs);
    expect(standing(b)).to.deep.include({ breaker: 'closed' });
    expect(standing(b)?.holds.map(({ kind }) => kind)).to.deep.equal(['asked-to-wait']);
    answer(down);
    await clock.advance(2_500);
    expect(standing(b)?.breaker).to.equal('open');
    await close();
  });

  it('is that an operator has reset the breaker', async () => {
    const { clock, a, b, standing, answer, close } = await two();
    for (let n = 0; n < 3; n += 1) await a.send({ key: `a${n}` });
    await clock.advance(2 * beatMs);
    answer({ kind: 'delivered' });
    b.engine.get(Dispatcher).reset('crm');
    expect(standing(b)?.breaker).to.equal('closed');
    await clock.advance(2 * beatMs);
    expect([standing(a)?.breaker, standing(b)?.breaker]).to.deep.equal(['closed', 'closed']);
    await close();
  });
});
