import { Answers } from '@switchhook/core/internal';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';
import { MemoryCoordination, shared } from '../../support/coordination.js';
import { aSwitchboard, variablesOf } from '../../support/ringing.js';

/** Two routers on one store, whose resolver returns another name at each look-up. */
function two({
  digests = ['crm@1', 'crm@1'] as (string | null)[],
  cache = null as { forMs: number; staleMs: number } | null,
} = {}) {
  const clock = new FakeClock();
  const coordination = new MemoryCoordination(clock);
  const store = memoryStore(clock);
  let looks = 0;
  const crm = { isDown: false };
  const router = (digest: string | null) =>
    aSwitchboard({
      clock,
      answers: [{ resolve: ['crm'], variables: { name: '${{ crm.name }}' }, cache }],
      resolvers: {
        crm: {
          ...(digest !== null && { digest }),
          look: async () => {
            if (crm.isDown) throw new Error('the CRM is down');
            looks += 1;
            return { name: `Name ${looks}` };
          },
        },
      },
      store: () => shared(store, coordination),
    });
  const [a, b] = digests.map(router);
  if (a === undefined || b === undefined) throw new Error('two routers are made');
  return { clock, coordination, store, a, b, crm, looks: () => looks };
}

const call = { id: 'call-1', from: '+12025550101' };
const keptLong = { forMs: 600_000, staleMs: 600_000 };

describe('calls of several routers', () => {
  it('get the same answer when the platform asks another router the second time, and are one event', async () => {
    const { clock, store, a, b, looks } = two();
    const first = await a.ring(call);
    await clock.advance(9_000);
    const second = await b.ring(call);
    expect(variablesOf(second)).to.deep.equal(variablesOf(first));
    expect(second.requests).to.equal('2');
    const third = await b.ring(call);
    expect([variablesOf(third), looks()]).to.deep.equal([{ name: 'Name 1' }, 1]);
    await clock.advance(1_000);
    expect((await store.events({ limit: 9 })).items).to.have.length(1);
    await clock.advance(40_000);
    expect(variablesOf(await b.ring(call)), 'a call after the time of retries').to.deep.equal({ name: 'Name 2' });
  });

  it('are recorded by the second router where the first one ended before it had stored them', async () => {
    const { clock, coordination, a, b } = two();
    const first = await a.ring(call);
    const lone = aSwitchboard({ clock, store: (plain) => shared(plain, coordination) });
    const second = await lone.ring(call);
    expect(variablesOf(second)).to.deep.equal(variablesOf(first));
    await clock.advance(1_000);
    expect(await lone.calls()).to.have.length(1);
    expect(await b.calls()).to.have.length(0);
  });

  it('share what was found about a caller, while it is fresh, with its age', async () => {
    const { clock, a, b, looks } = two({ cache: keptLong });
    await a.ring(call);
    await clock.advance(300_000);
    const other = await b.ring({ ...call, id: 'call-2' });
    expect([variablesOf(other), looks()]).to.deep.equal([{ name: 'Name 1' }, 1]);
    await clock.advance(299_000);
    await b.ring({ ...call, id: 'call-3' });
    expect(looks()).to.equal(1);
    await clock.advance(1_000);
    await b.ring({ ...call, id: 'call-4' });
    expect(looks(), 'ten minutes after it was found by the first router').to.equal(2);
  });

  it('share no facts of a resolver that is configured otherwise, nor of one that is not in a file', async () => {
    for (const digests of [
      ['crm@1', 'crm@2'],
      [null, null],
    ]) {
      const { a, b, looks, clock } = two({ cache: keptLong, digests });
      await a.ring(call);
      await clock.advance(0);
      await b.ring({ ...call, id: 'call-2' });
      expect(looks()).to.equal(2);
    }
  });

  it('get the answer of the other router also from a store that is slow: look-ups begin after 50 ms, the reply waits for 250 ms at most', async () => {
    for (const { afterMs, looks: looked } of [
      { afterMs: 40, looks: 1 },
      { afterMs: 60, looks: 2 },
      { afterMs: 249, looks: 2 },
    ]) {
      const { clock, coordination, a, b, looks } = two();
      const first = await a.ring(call);
      const { texts } = coordination;
      coordination.texts = async (keys) => {
        await new Promise<void>((resolve) => clock.after(afterMs, resolve));
        return texts.call(coordination, keys);
      };
      const second = b.ring(call);
      await clock.advance(afterMs);
      const { ms, requests } = await second;
      expect([ms, requests, looks()], `after ${afterMs} ms`).to.deep.equal([afterMs, '2', looked]);
      expect(variablesOf(await second)).to.deep.equal(variablesOf(first));
      expect(b.log.of('calls.unshared')).to.deep.equal([]);
      coordination.texts = texts;
      expect(variablesOf(await b.ring(call)), 'once more').to.deep.equal(variablesOf(first));
    }
  });

  it('keep facts that the store returns too late for a call, unless it has found newer ones itself', async () => {
    for (const isDown of [true, false]) {
      const { clock, coordination, a, b, crm } = two({ cache: keptLong });
      await a.ring(call);
      const { texts } = coordination;
      coordination.texts = async (keys) => {
        if (keys.some((key) => key.startsWith('facts ')))
          await new Promise<void>((resolve) => clock.after(60, resolve));
        return texts.call(coordination, keys);
      };
      crm.isDown = isDown;
      const late = b.ring({ ...call, id: 'call-2' });
      await clock.advance(50);
      expect(variablesOf(await late)).to.deep.equal(isDown ? {} : { name: 'Name 2' });
      await clock.advance(10);
      const next = await b.ring({ ...call, id: 'call-3' });
      expect(variablesOf(next)).to.deep.equal({ name: isDown ? 'Name 1' : 'Name 2' });
    }
  });

  it('wait for a store that hangs, 250 ms in all and ever more seldom, and are answered from the memory of each router', async () => {
    const { clock, coordination, a, b } = two({ cache: keptLong });
    const { texts } = coordination;
    coordination.texts = () => new Promise(() => {});
    const first = b.ring(call);
    await clock.advance(250);
    expect((await first).ms).to.equal(250);
    const second = await b.ring({ ...call, id: 'call-2' });
    expect([second.ms, variablesOf(second)]).to.deep.equal([0, { name: 'Name 1' }]);
    expect(b.log.of('calls.unshared')).to.have.length(1);
    for (const pauseMs of [250, 500, 1_000, 2_000, 4_000, 5_000]) {
      await clock.advance(pauseMs - 1);
      expect((await b.ring({ ...call, id: `before ${pauseMs}` })).ms).to.equal(0);
      await clock.advance(1);
      const after = b.ring({ ...call, id: `after ${pauseMs}` });
      await clock.advance(250);
      expect((await after).ms, `after ${pauseMs}`).to.equal(250);
    }
    coordination.texts = texts;
    await clock.advance(5_000);
    await b.ring({ ...call, id: 'call-3', from: '+12025550102' });
    expect(b.log.of('calls.shared')).to.have.length(1);
    coordination.keepTexts = () => Promise.reject(new Error('the database is away'));
    expect((await a.ring({ ...call, id: 'call-4', from: '+12025550103' })).ms).to.equal(0);
  });

  it('are kept together where a write is under way, and with the next one after a write that failed', async () => {
    const { clock, coordination, a, b, looks } = two();
    const { keepTexts } = coordination;
    const written: number[] = [];
    let end = (_error?: Error): void => {};
    coordination.keepTexts = async (texts) => {
      written.push(texts.length);
      await new Promise<void>((resolve, reject) => {
        end = (error) => (error === undefined ? resolve() : reject(error));
      });
      return keepTexts.call(coordination, texts);
    };
    const callers = ['1', '2', '3', '4'].map((digit) => ({ id: `call-${digit}`, from: `+1202555010${digit}` }));
    for (const one of callers) await a.ring(one);
    expect(written).to.deep.equal([1]);
    end();
    await clock.advance(0);
    expect(written).to.deep.equal([1, 3]);
    end();
    await clock.advance(0);
    for (const one of callers) await b.ring(one);
    expect(looks()).to.equal(4);
    await a.ring({ ...call, id: 'call-5' });
    await a.ring({ ...call, id: 'call-6' });
    end(new Error('the database is away'));
    await clock.advance(250);
    await a.ring({ ...call, id: 'call-7' });
    expect(written).to.deep.equal([1, 3, 1, 1]);
  });

  it('are shared as before where a call is only tried while the store hangs', async () => {
    const { clock, coordination, b } = two({ cache: keptLong });
    const { texts } = coordination;
    coordination.texts = () => new Promise(() => {});
    const answers = b.engine.get(Answers);
    const tried = { ...call, to: '+12025550199', agent: null, data: {} };
    const asked = { call: tried, deadlineMs: 10_000, eventId: 'event', isSentLater: false };
    const trying = answers.dryRun('calls', asked, clock.elapsed(), b.current.value);
    await clock.advance(250);
    await trying;
    expect(b.log.of('calls.unshared')).to.deep.equal([]);
    let reads = 0;
    coordination.texts = (keys) => {
      reads += 1;
      return texts.call(coordination, keys);
    };
    await b.ring(call);
    expect(reads).to.be.greaterThan(0);
  });

  it('are forgotten with an erased person, also what is shared of them', async () => {
    const { clock, coordination, a, b, looks } = two({ cache: keptLong });
    await a.ring(call);
    await a.ring({ ...call, id: 'call-2', from: '+12025550102' });
    await clock.advance(0);
    const numbers = new Set([call.from]);
    const nothing = { eventIds: new Set<string>(), subjects: new Set<string>(), agent: null, isAbout: () => false };
    const answers = a.engine.get(Answers);
    for (const isDryRun of [true, false]) {
      const removed = await answers.forget({ ...nothing, numbers }, isDryRun);
      expect(removed).to.deep.equal({ calls: 1, facts: 1 });
      expect(await coordination.textKeys(null, 9)).to.have.length(isDryRun ? 4 : 2);
    }
    await b.ring(call);
    expect(looks()).to.equal(3);
    coordination.textKeys = () => Promise.reject(new Error('the database is away'));
    const failed = await Promise.resolve(answers.forget({ ...nothing, numbers }, false)).catch(String);
    expect(failed).to.equal('Error: the database is away');
  });

  it('put up with texts that another version has written', async () => {
    const { clock, coordination, a, b, looks } = two({ cache: keptLong });
    await a.ring(call);
    await clock.advance(0);
    for (const text of ['', 'null', '[]', '{"answer":{}}', '{"facts":1}', '{'])
      await coordination.keepTexts(
        (await coordination.textKeys(null, 9)).map((key) => ({ key, text, untilMs: clock.now() + 10_000 })),
      );
    await b.ring(call);
    expect(looks()).to.equal(2);
  });
});
