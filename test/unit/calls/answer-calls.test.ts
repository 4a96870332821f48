import type { Store } from '@switchhook/sdk';
import { FakeClock, settled } from '@switchhook/testkit';
import { expect } from 'chai';
import { storeWith } from '../../support/pipeline.js';
import { after, aSwitchboard, type Resolve, variablesOf } from '../../support/ringing.js';

const hello = { variables: { name: '${{ crm.name }}' }, defaults: { name: 'there' } };

describe('a call that is asked about again', () => {
  const counting = (clock: FakeClock, ms = 0) => {
    let looks = 0;
    const crm: Resolve = async () => {
      looks += 1;
      const look = looks;
      await after(clock, ms);
      return { name: `look ${look}` };
    };
    return { crm, looks: () => looks };
  };

  it('gets the same answer for as long as the platform tries, and is one event', async () => {
    const clock = new FakeClock();
    const { crm, looks } = counting(clock);
    const { rungOut, calls, metrics, log } = aSwitchboard({ clock, answers: [hello], resolvers: { crm } });
    const names: unknown[] = [];
    for (let n = 0; n < 4; n += 1) names.push(variablesOf(await rungOut()));
    expect(names).to.deep.equal(Array.from({ length: 4 }, () => ({ name: 'look 1' })));
    expect([looks(), (await calls()).length]).to.deep.equal([1, 1]);
    expect(metrics.values.get('calls_repeated_total{source="calls"}')).to.equal(3);
    expect(log.of('call.repeated').map(({ fields }) => fields.requests)).to.deep.equal([2, 3, 4]);
    expect(variablesOf(await rungOut())).to.deep.equal({ name: 'look 2' });
    expect((await calls()).length).to.equal(2);
  });

  it('names the same event in each reply, which is the one that is recorded', async () => {
    const { rungOut, calls } = aSwitchboard({ answers: [hello], resolvers: { crm: async () => ({ name: 'Ada' }) } });
    const named = [(await rungOut()).event, (await rungOut()).event, (await rungOut({ from: '+12025550100' })).event];
    const [other, recorded] = await calls();
    expect(named).to.deep.equal([recorded?.id, recorded?.id, other?.id]);
  });

  it('is said to be one in each reply but the first', async () => {
    const clock = new FakeClock();
    const { ring, rungOut } = aSwitchboard({ clock, answers: [hello], resolvers: { crm: counting(clock, 2_000).crm } });
    const [first, second] = [ring(), ring()];
    await clock.advance(2_000);
    expect((await Promise.all([first, second, ring()])).map(({ requests }) => requests)).to.deep.equal([
      null,
      '2',
      '3',
    ]);
    expect((await rungOut({ from: '+12025550100' })).requests).to.equal(null);
  });

  it('joins the look-up that is under way', async () => {
    const clock = new FakeClock();
    const { crm, looks } = counting(clock, 2_000);
    const { ring, trace } = aSwitchboard({ clock, answers: [hello], resolvers: { crm } });
    const first = ring();
    await clock.advance(500);
    const second = ring();
    await clock.advance(1_500);
    const results = await Promise.all([first, second]);
    expect(results.map(variablesOf)).to.deep.equal([{ name: 'look 1' }, { name: 'look 1' }]);
    expect(results.map(({ ms }) => ms)).to.deep.equal([2_000, 1_500]);
    expect([looks(), (await trace()).requests]).to.deep.equal([1, 2]);
  });

  it('is answered within its own time, where that ends before the time of the first', async () => {
    const clock = new FakeClock();
    const { crm } = counting(clock, 2_900);
    const { ring } = aSwitchboard({ clock, answers: [hello], resolvers: { crm } });
    const first = ring();
    await clock.advance(100);
    const late = ring({}, { ageMs: 8_500 });
    await clock.advance(1_000);
    const rung = await late;
    expect([variablesOf(rung), rung.ms]).to.deep.equal([{ name: 'there' }, 1_000]);
    await clock.advance(2_000);
    expect(variablesOf(await first)).to.deep.equal({ name: 'look 1' });
    expect(rung.event, 'the event that is recorded').to.equal((await first).event);
  });

  it('keeps an answer that was made without the look-ups: the first reply may have been heard', async () => {
    let broken = true;
    const crm: Resolve = async () => {
      if (broken) throw new Error('down');
      return { name: 'Ada' };
    };
    const { rungOut } = aSwitchboard({ answers: [hello], resolvers: { crm } });
    expect(variablesOf(await rungOut())).to.deep.equal({ name: 'there' });
    broken = false;
    expect(variablesOf(await rungOut())).to.deep.equal({ name: 'there' });
  });

  it('is known by its id where it has one, and else by its numbers', async () => {
    const clock = new FakeClock();
    const { crm, looks } = counting(clock);
    const { ring } = aSwitchboard({ clock, answers: [hello], resolvers: { crm } });
    const ask = async (call: object) => {
      const inboundCall = ring(call);
      await clock.advance(0);
      return variablesOf(await inboundCall);
    };
    await ask({ id: 'a', from: '+1' });
    expect(await ask({ id: 'a', from: '+1' })).to.deep.equal({ name: 'look 1' });
    expect(await ask({ id: 'b', from: '+1' })).to.deep.equal({ name: 'look 2' });
    expect(await ask({ from: '+1' })).to.deep.equal({ name: 'look 3' });
    expect(await ask({ from: '+1', to: '+2' })).to.deep.equal({ name: 'look 4' });
    // An id that two callers share is not the call's own.
    expect(await ask({ id: 'a', from: '+3' })).to.deep.equal({ name: 'look 5' });
    expect(looks()).to.equal(5);
  });

  it('cannot be told from another one where the caller withholds the number: each is looked up and recorded', async () => {
    const clock = new FakeClock();
    const { crm, looks } = counting(clock);
    const { rungOut, calls } = aSwitchboard({ clock, answers: [hello], resolvers: { crm } });
    for (let n = 0; n < 3; n += 1) await rungOut({ from: '' });
    expect([looks(), (await calls()).length]).to.deep.equal([3, 3]);
  });

  it('is forgotten in time, and where there are too many', async () => {
    let looks = 0;
    const crm: Resolve = async () => {
      looks += 1;
      return {};
    };
    const { ring } = aSwitchboard({ resolvers: { crm } });
    for (let n = 0; n <= 20_000; n += 1) await ring({ id: `call-${n}` });
    await ring({ id: 'call-0' });
    await ring({ id: 'call-10001' });
    expect(looks).to.equal(20_002);
  });
});

describe('a call and the store', () => {
  const rejecting = (reason: string) => (store: Store) =>
    storeWith(store, { append: () => Promise.reject(new Error(reason)) });

  it('has its reply before anything is written', async () => {
    const { ring, calls } = aSwitchboard({
      answers: [hello],
      resolvers: { crm: async () => ({ name: 'Ada' }) },
      store: (store) => storeWith(store, { append: (entries) => settled().then(() => store.append(entries)) }),
    });
    expect(variablesOf(await ring())).to.deep.equal({ name: 'Ada' });
    expect(await calls()).to.deep.equal([]);
    await settled();
    expect(await calls()).to.have.length(1);
  });

  it('is answered while the store is broken, and recorded once it is back', async () => {
    let full = true;
    const { ring, clock, calls, log } = aSwitchboard({
      answers: [hello],
      resolvers: { crm: async () => ({ name: 'Ada' }) },
      store: (store) =>
        storeWith(store, {
          append: (entries) => (full ? Promise.reject(new Error('disk full')) : store.append(entries)),
        }),
    });
    expect(variablesOf(await ring())).to.deep.equal({ name: 'Ada' });
    await clock.advance(5_000);
    expect(await calls()).to.deep.equal([]);
    full = false;
    await clock.advance(15_000);
    expect(await calls()).to.have.length(1);
    expect(log.of('call.unrecorded')).to.deep.equal([]);
  });

  it('is recorded as soon as the store has opened, however long its next try is away', async () => {
    let isOpen = false;
    const { ring, clock, calls, pipeline } = aSwitchboard({
      store: (store) =>
        storeWith(store, {
          append: (entries) => (isOpen ? store.append(entries) : Promise.reject(new Error('not open'))),
        }),
    });
    await ring();
    await clock.advance(120_000);
    isOpen = true;
    expect(await calls()).to.deep.equal([]);
    pipeline.open();
    await clock.advance(0);
    expect(await calls()).to.have.length(1);
    expect(clock.pending).to.equal(0);
  });

  it('is answered while the store throws, or never comes back, and is logged when it is given up', async () => {
    const stores: Readonly<Record<string, (store: Store) => Store>> = {
      rejecting: rejecting('disk full'),
      throwing: (store) =>
        storeWith(store, {
          append: () => {
            throw new Error('gone');
          },
        }),
      hanging: (store) => storeWith(store, { append: () => new Promise(() => {}) }),
    };
    for (const [title, store] of Object.entries(stores)) {
      const { ring, clock, log, metrics } = aSwitchboard({
        answers: [hello],
        resolvers: { crm: async () => ({ name: 'Ada' }) },
        store,
      });
      expect(variablesOf(await ring()), title).to.deep.equal({ name: 'Ada' });
      await clock.advance(1_800_000);
      expect(log.of('call.unrecorded'), title).to.have.length(1);
      expect(metrics.values.get('calls_unrecorded_total{source="calls"}'), title).to.equal(1);
      expect(clock.pending, title).to.equal(0);
    }
  });

  it('is answered at once beside 2,000 commits that wait, and holds no more than 2,000 calls for them', async () => {
    const { ring, log } = aSwitchboard({
      answers: [hello],
      resolvers: { crm: async () => ({ name: 'Ada' }) },
      store: (store) => storeWith(store, { append: () => new Promise(() => {}) }),
    });
    for (let n = 0; n < 2_500; n += 1) {
      const rung = await ring({ from: `+${n}` });
      expect([variablesOf(rung), rung.ms]).to.deep.equal([{ name: 'Ada' }, 0]);
    }
    expect(log.of('call.unrecorded')).to.have.length(500);
  });

  it('is recorded when the router closes, without waiting for the next try', async () => {
    let full = true;
    const { ring, clock, calls, pipeline } = aSwitchboard({
      store: (store) =>
        storeWith(store, {
          append: (entries) => (full ? Promise.reject(new Error('disk full')) : store.append(entries)),
        }),
    });
    await ring();
    await clock.advance(0);
    full = false;
    await pipeline.close();
    expect(await calls()).to.have.length(1);
    expect(clock.pending).to.equal(0);
  });
});
