import { Answers } from '@switchhook/core/internal';
import { busy, ExpressionError, type JsonObject, notReady, parseJson } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { after, aSwitchboard, type Resolve, variablesOf } from '../../support/ringing.js';

const breaker = { failures: 3, windowMs: 60_000, cooldownMs: 30_000 };
const both = {
  variables: { name: '${{ crm.name }}', line: '${{ table.line }}' },
  defaults: { name: 'there', line: 'main' },
};

describe('the look-ups of a call', () => {
  it('are made side by side', async () => {
    const clock = new FakeClock();
    const slow: Resolve = () => after(clock, 1_000).then(() => ({ name: 'Ada', line: 'one' }));
    const { rungOut } = aSwitchboard({ clock, answers: [both], resolvers: { crm: slow, table: slow } });
    const rung = await rungOut();
    expect([variablesOf(rung), rung.ms]).to.deep.equal([{ name: 'Ada', line: 'one' }, 1_000]);
  });

  it('are forgotten with the reason of the last failure when something is erased', async () => {
    const crm: Resolve = () => Promise.reject(new Error('no customer +14155550100'));
    const { ring, engine } = aSwitchboard({
      answers: [both],
      resolvers: { crm, table: async () => ({ line: 'one' }) },
    });
    await ring();
    const answers = engine.get(Answers);
    const reason = () => answers.loads.get('crm')?.lastFailure?.reason ?? null;
    const erased = {
      eventIds: new Set(''),
      subjects: new Set(''),
      numbers: new Set(''),
      agent: null,
      isAbout: () => false,
    };
    answers.forget(erased, true);
    expect(reason()).to.include('+14155550100');
    answers.forget(erased, false);
    expect(reason()).to.equal(null);
  });

  it('may return a key `constructor`', async () => {
    const crm: Resolve = async () => ({
      name: 'Ada',
      constructor: 'ACME Builders',
      firm: { constructor: null, city: 'Reno' },
    });
    const answers = [
      { variables: { name: '${{ crm.name }}', builder: '${{ crm.constructor }}', city: '${{ crm.firm.city }}' } },
    ];
    const { ring } = aSwitchboard({ answers, resolvers: { crm } });
    expect(variablesOf(await ring())).to.deep.equal({ name: 'Ada', builder: 'ACME Builders', city: 'Reno' });
  });

  const failures: Readonly<Record<string, Resolve>> = {
    'hangs and never heeds its signal': () => new Promise(() => {}),
    'loops long after its time, giving way each time': async () => {
      for (let turn = 0; turn < 5_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      return { name: 'too late' };
    },
    'throws at once': () => {
      throw new Error('boom');
    },
    rejects: () => Promise.reject(new Error('connection refused')),
    'rejects with nothing': () => Promise.reject(),
    'throws what cannot be read': () => {
      throw Object.create(null, {
        message: {
          get: () => {
            throw new Error('no');
          },
        },
      });
    },
    'returns a text': async () => 'Ada',
    'returns a list': async () => [{ name: 'Ada' }],
    'returns what throws when it is read': async () => ({
      get name(): string {
        throw new Error('connection lost');
      },
    }),
    'returns a proxy that throws': async () =>
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('revoked');
          },
        },
      ),
    'returns a circle': async () => {
      const circle: Record<string, unknown> = { name: 'Ada' };
      circle.self = circle;
      return circle;
    },
    'returns a hundred thousand rows': async () => ({ rows: Array.from({ length: 100_000 }, () => ({ name: 'Ada' })) }),
    'is later than its own timeout': () => new Promise(() => {}),
  };
  for (const [title, crm] of Object.entries(failures))
    it(`leave out a resolver that ${title}`, async () => {
      const timeoutMs = title.includes('timeout') ? 500 : null;
      const { ring, clock, trace } = aSwitchboard({
        answers: [both],
        resolvers: { crm: { look: crm, timeoutMs }, table: async () => ({ line: 'one' }) },
      });
      const inboundCall = ring();
      await clock.advance(timeoutMs ?? 3_000);
      const rung = await inboundCall;
      expect(variablesOf(rung)).to.deep.equal({ name: 'there', line: 'one' });
      const lookups = (await trace()).lookups as readonly { resolver: string; outcome: string }[];
      const outcomes = Object.fromEntries(lookups.map(({ resolver, outcome }) => [resolver, outcome]));
      expect(outcomes.table).to.equal('found');
      expect(outcomes.crm).to.be.oneOf(['failed', 'late']);
    });

  it('see the same call, which none of them can change', async () => {
    const { ring, trace, calls } = aSwitchboard({
      answers: [{ variables: { caller: '${{ call.from }}' } }],
      resolvers: {
        vandal: async (call) => {
          Object.assign(call, { from: '+666' });
          return {};
        },
        thief: async (call) => {
          (call.data.deep as { list: unknown[] }).list.push('poison');
          return {};
        },
      },
    });
    expect(variablesOf(await ring({ from: '+1', data: { deep: { list: [] } } }))).to.deep.equal({ caller: '+1' });
    const { lookups } = await trace();
    expect((lookups as JsonObject[]).map(({ outcome }) => outcome)).to.deep.equal(['failed', 'failed']);
    expect(await calls()).to.have.length(1);
  });

  it('take nothing for "not found", too: what it means is clear', async () => {
    for (const nothing of [null, undefined]) {
      const { ring, trace } = aSwitchboard({ resolvers: { crm: async () => nothing } });
      await ring();
      expect((await trace()).lookups).to.have.nested.property('[0].outcome', 'not-found');
    }
  });

  it('fail where facts have a promise or a Set in them, of which JSON would keep nothing', async () => {
    for (const inner of [Promise.resolve('Ada'), new Set(['Ada'])]) {
      const facts = { customers: [inner] } as unknown as JsonObject;
      const { ring, trace } = aSwitchboard({ resolvers: { crm: async () => facts } });
      await ring();
      const { lookups } = await trace();
      expect(lookups).to.have.nested.property('[0].outcome', 'failed');
      expect(lookups)
        .to.have.nested.property('[0].reason')
        .that.matches(/^resolve returned .+; allowed is an object of facts/);
    }
  });

  it('take no more than there may be, and do not go through the rest of it', async () => {
    const endless = new Proxy([], { get: (list, key) => (key === 'length' ? 2 ** 32 - 1 : Reflect.get(list, key)) });
    const tooMuch = {
      list: new Array(50_000_000),
      bytes: Buffer.alloc(50_000_000),
      endless,
      text: 'x'.repeat(1_000_001),
    };
    for (const [name, fact] of Object.entries(tooMuch)) {
      const { ring, trace } = aSwitchboard({ resolvers: { crm: async () => ({ [name]: fact }) } });
      await ring();
      expect((await trace()).lookups, name)
        .to.have.nested.property('[0].reason')
        .that.matches(/larger than 1000000/);
    }
  });

  it('take facts that JSON has no word for as what comes nearest', async () => {
    const odd = {
      big: 12n,
      huge: 2n ** 70n,
      born: new Date(0),
      never: new Date(Number.NaN),
      share: Number.NaN,
      gone: undefined,
      call: () => 1,
      map: new Map([['a', 1]]),
      price: { toJSON: () => '9.99' },
      list: [undefined, 1n],
    };
    const { ring } = aSwitchboard({
      answers: [{ variables: { facts: '${{ json(crm) }}' } }],
      resolvers: { crm: async () => odd },
    });
    expect(parseJson((variablesOf(await ring()) as { facts: string }).facts)).to.deep.equal({
      big: 12,
      huge: 2n ** 70n,
      born: '1970-01-01T00:00:00.000Z',
      never: null,
      share: null,
      map: { a: 1 },
      price: '9.99',
      list: [null, 1],
    });
  });

  it('end at the soft end: the reply leaves with what is there, and the others are told to stop', async () => {
    const signals: AbortSignal[] = [];
    const { ring, clock, trace } = aSwitchboard({
      answers: [{ ...both, withinMs: 2_000 }],
      resolvers: {
        table: async () => ({ line: 'one' }),
        crm: (_call, _known, signal) => {
          signals.push(signal);
          return new Promise(() => {});
        },
      },
    });
    const inboundCall = ring();
    await clock.advance(1_999);
    expect(signals[0]?.aborted).to.equal(false);
    await clock.advance(1);
    const rung = await inboundCall;
    expect([variablesOf(rung), rung.ms]).to.deep.equal([{ name: 'there', line: 'one' }, 2_000]);
    expect(signals[0]?.aborted).to.equal(true);
    expect((await trace()).lookups).to.deep.include({
      resolver: 'crm',
      outcome: 'late',
      start_ms: 0,
      ms: 2_000,
      reason: 'no result after 2000 ms',
    });
  });

  it('are told how long they have: as long as the answer, or by their own timeout', async () => {
    const clock = new FakeClock();
    const left: Record<string, readonly [number, AbortSignal]> = {};
    const telling =
      (name: string): Resolve =>
      (_call, _known, signal, leftMs) => {
        left[name] = [leftMs, signal];
        return new Promise((resolve) => name === 'first' && clock.after(400.6, () => resolve({})));
      };
    const { ring } = aSwitchboard({
      clock,
      answers: [{ withinMs: 2_000 }],
      resolvers: {
        first: telling('first'),
        own: { look: telling('own'), timeoutMs: 1_500 },
        second: { look: telling('second'), after: ['first'] },
        secondOwn: { look: telling('secondOwn'), after: ['first'], timeoutMs: 1_000 },
        secondLong: { look: telling('secondLong'), after: ['first'], timeoutMs: 1_900 },
      },
    });
    const inboundCall = ring();
    await clock.advance(401);
    expect(Object.entries(left).map(([name, [leftMs]]) => `${name} ${leftMs}`)).to.deep.equal([
      'first 2000',
      'own 1500',
      'second 1600',
      'secondOwn 1000',
      'secondLong 1600',
    ]);
    const ended = () => Object.keys(left).filter((name) => left[name]?.[1].aborted);
    await clock.advance(999);
    expect(ended()).to.deep.equal([]);
    await clock.advance(1);
    expect(ended()).to.deep.equal(['secondOwn']);
    await clock.advance(600);
    await inboundCall;
    expect(ended()).to.deep.equal(['own', 'second', 'secondOwn', 'secondLong']);
  });

  it('end before the platform hangs up, whatever the answer says', async () => {
    const { rungOut } = aSwitchboard({
      answers: [{ ...both, withinMs: 60_000 }],
      resolvers: { crm: () => new Promise(() => {}), table: async () => ({}) },
      inboundCall: { deadlineMs: 5_000 },
    });
    expect((await rungOut()).ms).to.equal(4_500);
  });

  it('get less time where the request was old when it came, and none where it was too old', async () => {
    const fixture = {
      answers: [both],
      resolvers: { crm: () => new Promise(() => {}), table: async () => ({ line: 'one' }) },
    };
    const { ring, clock } = aSwitchboard(fixture);
    const inboundCall = ring({}, { ageMs: 2_500 });
    await clock.advance(500);
    expect((await inboundCall).ms).to.equal(500);
    const late = aSwitchboard(fixture);
    const rung = await late.ring({}, { ageMs: 60_000 });
    expect([variablesOf(rung), rung.ms]).to.deep.equal([{ name: 'there', line: 'main' }, 0]);
  });

  it('are not disturbed by a clock that jumps', async () => {
    const { ring, clock } = aSwitchboard({ resolvers: { crm: () => new Promise(() => {}) } });
    const inboundCall = ring();
    clock.jumpTo(clock.now() - 3_600_000);
    await clock.advance(3_000);
    expect((await inboundCall).ms).to.equal(3_000);
  });

  it('are not made for a reply that is due already, however long the body took and whatever the clock shows', async () => {
    let looks = 0;
    const crm: Resolve = async () => {
      looks += 1;
      return {};
    };
    const { ring, clock } = aSwitchboard({ resolvers: { crm } });
    await ring({}, { ageMs: 9_600 });
    expect(looks).to.equal(0);
    clock.jumpTo(clock.now() + 3_600_000);
    await ring({ from: '+12025550100' }, { ageMs: 100 });
    expect(looks).to.equal(1);
  });

  describe('that wait for another', () => {
    it('are skipped when it failed, which is no failure of theirs', async () => {
      const orders: Resolve = async () => {
        throw new ExpressionError('no such key: crm', true, 'known.crm.id');
      };
      const { ring, trace, log, clock } = aSwitchboard({
        answers: [{ variables: { order: '${{ orders.id }}' } }],
        resolvers: {
          crm: { look: () => Promise.reject(busy('the pool is full')) },
          orders: { look: orders, after: ['crm'], breaker: { failures: 1, windowMs: 60_000, cooldownMs: 60_000 } },
        },
      });
      for (const from of ['+12025550101', '+12025550102']) {
        await ring({ from });
        await clock.advance(1_000);
      }
      const { lookups, origins } = await trace();
      expect((lookups as JsonObject[])[1]).to.include({
        outcome: 'skipped',
        reason: 'depends on crm, which failed',
      });
      expect(origins).to.have.nested.property('order.reason', 'orders was skipped: depends on crm, which failed');
      expect(log.of('resolver.breaker-opened')).to.deep.equal([]);
    });

    const chain = (crm: Resolve, orders: Resolve, given: object = {}) => ({
      answers: [{ variables: { order: '${{ orders.id }}', known: '${{ orders.known }}' } }],
      resolvers: { orders: { look: orders, after: ['crm'], ...given }, crm },
    });

    it('start when it is done, and see what it found and nothing else', async () => {
      const clock = new FakeClock();
      const seen: unknown[] = [];
      const fixture = chain(
        () => after(clock, 300).then(() => ({ id: 7 })),
        async (_call, known) => {
          seen.push(known);
          return { id: 'o1' };
        },
      );
      const { rungOut, trace } = aSwitchboard({
        ...fixture,
        clock,
        resolvers: { other: async () => ({ a: 1 }), ...fixture.resolvers },
      });
      expect(variablesOf(await rungOut())).to.deep.equal({ order: 'o1' });
      expect(seen).to.deep.equal([{ crm: { id: 7 } }]);
      expect(
        ((await trace()).lookups as { resolver: string; start_ms: number }[]).map((l) => `${l.resolver} ${l.start_ms}`),
      ).to.deep.equal(['other 0', 'crm 0', 'orders 300']);
    });

    it('run without it where it failed, in the time that is left', async () => {
      const clock = new FakeClock();
      const fixture = chain(
        () => new Promise(() => {}),
        async (_call, known) => ({ known: Object.keys(known).length }),
      );
      const { rungOut } = aSwitchboard({
        ...fixture,
        clock,
        resolvers: { ...fixture.resolvers, crm: { look: fixture.resolvers.crm, timeoutMs: 1_000 } },
      });
      const rung = await rungOut();
      expect([variablesOf(rung), rung.ms]).to.deep.equal([{ known: '0' }, 1_000]);
    });

    it('are not called any more where it took all the time', async () => {
      let calls = 0;
      const fixture = chain(
        () => new Promise(() => {}),
        async () => {
          calls += 1;
          return {};
        },
      );
      const { rungOut, trace } = aSwitchboard(fixture);
      expect((await rungOut()).ms).to.equal(3_000);
      expect(calls).to.equal(0);
      expect((await trace()).lookups).to.have.nested.property('[1].reason', 'no time was left for it');
    });

    it('bring it along where only they are asked, and ask it once for all of them', async () => {
      let looks = 0;
      const { ring } = aSwitchboard({
        answers: [{ resolve: ['orders', 'notes'], variables: { order: '${{ orders.id }}', note: '${{ notes.id }}' } }],
        resolvers: {
          crm: async () => {
            looks += 1;
            return { id: 7 };
          },
          orders: { after: ['crm'], look: async (_call, known) => ({ id: JSON.stringify(known) }) },
          notes: { after: ['crm'], look: async (_call, known) => ({ id: JSON.stringify(known) }) },
        },
      });
      expect(variablesOf(await ring())).to.deep.equal({ order: '{"crm":{"id":7}}', note: '{"crm":{"id":7}}' });
      expect(looks).to.equal(1);
    });

    it('cannot change what others see', async () => {
      const { ring } = aSwitchboard({
        answers: [{ variables: { name: '${{ crm.name }}' } }],
        resolvers: {
          crm: async () => ({ name: 'Ada' }),
          vandal: {
            after: ['crm'],
            look: async (_call, known) => {
              (known.crm as { name: string }).name = 'Eve';
              return {};
            },
          },
        },
      });
      expect(variablesOf(await ring())).to.deep.equal({ name: 'Ada' });
    });
  });

  describe('of a resolver that keeps failing', () => {
    it('are skipped, so that they cost no ring time, and tried again later', async () => {
      let works = false;
      const crm: Resolve = () => (works ? Promise.resolve({ name: 'Ada' }) : new Promise(() => {}));
      const { rungOut, ring, clock, trace, metrics, log } = aSwitchboard({
        answers: [both],
        resolvers: { crm: { look: crm, breaker }, table: async () => ({ line: 'one' }) },
      });
      const open = () => metrics.values.get('resolver_breaker_open{resolver="crm"}');
      for (let n = 0; n < 3; n += 1) expect((await rungOut({ from: `+${n}` })).ms).to.equal(3_000);
      expect([open(), log.of('resolver.breaker-opened').length]).to.deep.equal([1, 1]);
      const rung = await ring({ from: '+9' });
      expect([variablesOf(rung), rung.ms]).to.deep.equal([{ name: 'there', line: 'one' }, 0]);
      expect((await trace()).lookups).to.have.nested.property('[0].outcome', 'skipped');
      works = true;
      await clock.advance(30_000);
      expect(variablesOf(await ring({ from: '+10' }))).to.deep.equal({ name: 'Ada', line: 'one' });
      expect([open(), log.of('resolver.recovered').length]).to.deep.equal([0, 1]);
    });

    it('cost one caller at a time while it is tried', async () => {
      const { ring, rungOut, clock } = aSwitchboard({
        answers: [both],
        resolvers: { crm: { look: () => new Promise(() => {}), breaker }, table: async () => ({}) },
      });
      for (let n = 0; n < 3; n += 1) await rungOut({ from: `+${n}` });
      await clock.advance(30_000);
      const calls = Promise.all(Array.from({ length: 20 }, (_, n) => ring({ from: `+1${n}` })));
      await clock.advance(3_000);
      expect((await calls).filter(({ ms }) => ms > 0)).to.have.length(1);
    });

    it('do not blame it for the time another one took, nor for what another one did not find', async () => {
      const clock = new FakeClock();
      const { rungOut, metrics } = aSwitchboard({
        clock,
        answers: [both],
        resolvers: {
          crm: () => after(clock, 2_900).then(() => ({ name: 'Ada' })),
          table: { after: ['crm'], breaker, look: () => new Promise(() => {}) },
          broken: () => Promise.reject(new Error('down')),
          needy: { after: ['broken'], breaker, look: () => Promise.reject(new Error('known.broken is missing')) },
        },
      });
      for (let n = 0; n < 5; n += 1) await rungOut({ from: `+${n}` });
      expect(metrics.values.get('resolver_breaker_open{resolver="table"}')).to.equal(0);
      expect(metrics.values.get('resolver_breaker_open{resolver="needy"}')).to.equal(0);
    });
  });

  it('of a resolver that goes by what another one did not find find nothing either, and are no failure', async () => {
    const needy: Resolve = async (_, known) => {
      const { id } = known.crm as { id?: string };
      if (id === undefined) throw new ExpressionError('known.crm.id is missing', true);
      return { line: `order of ${id}` };
    };
    const { ring, rungOut, trace, metrics, log } = aSwitchboard({
      answers: [both],
      resolvers: {
        crm: async ({ from }) => (from === '+9' ? { id: 'c9' } : {}),
        table: { after: ['crm'], breaker, look: needy },
      },
    });
    for (let n = 0; n < 5; n += 1) await rungOut({ from: `+${n}` });
    expect((await trace()).lookups).to.have.nested.property('[1].outcome', 'not-found');
    expect(variablesOf(await ring({ from: '+9' }))).to.deep.include({ line: 'order of c9' });
    expect(metrics.values.get('resolver_breaker_open{resolver="table"}')).to.equal(0);
    expect(log.of('resolver.failed')).to.deep.equal([]);
  });

  it('of a resolver that says it is busy are a miss, and do not count against it', async () => {
    let full = true;
    const crm: Resolve = async () => {
      if (full) throw busy('the pool is full');
      return { name: 'Ada' };
    };
    const { ring, rungOut, trace } = aSwitchboard({
      answers: [both],
      resolvers: { crm: { look: crm, breaker }, table: async () => ({}) },
    });
    for (let n = 0; n < 5; n += 1) await rungOut({ from: `+${n}` });
    expect((await trace()).lookups).to.have.nested.property('[0].outcome', 'busy');
    full = false;
    expect(variablesOf(await ring({ from: '+9' }))).to.deep.include({ name: 'Ada' });
  });

  it('of a resolver that is not ready fail, and do not keep it from being asked when it is', async () => {
    let isReady = false;
    const crm: Resolve = async () => {
      if (!isReady) throw notReady('it is not open yet');
      return { name: 'Ada' };
    };
    const { ring, rungOut, trace } = aSwitchboard({
      answers: [both],
      resolvers: { crm: { look: crm, breaker }, table: async () => ({}) },
    });
    for (let n = 0; n < 5; n += 1) await rungOut({ from: `+${n}` });
    const [lookup] = (await trace()).lookups as readonly JsonObject[];
    expect(lookup).to.include({ resolver: 'crm', outcome: 'failed', reason: 'it is not open yet' });
    isReady = true;
    expect(variablesOf(await ring({ from: '+9' }))).to.deep.include({ name: 'Ada' });
  });

  it('above what a resolver takes are a miss at once, and its places are free again when their time is up', async () => {
    const { ring, clock, metrics } = aSwitchboard({
      answers: [both],
      resolvers: { crm: { look: () => new Promise(() => {}), concurrency: 2 }, table: async () => ({}) },
    });
    const calls = Array.from({ length: 5 }, (_, n) => ring({ from: `+${n}` }));
    expect((await Promise.all(calls.slice(2))).map(({ ms }) => ms)).to.deep.equal([0, 0, 0]);
    await clock.advance(3_000);
    await Promise.all(calls);
    const next = ring({ from: '+9' });
    await clock.advance(3_000);
    expect((await next).ms).to.equal(3_000);
    expect(metrics.values.get('resolver_lookups_total{resolver="crm",outcome="busy"}')).to.equal(3);
  });

  it('end with the resolvers they began with, and cached facts are those of the same resolver only', async () => {
    const clock = new FakeClock();
    const answers = [{ ...both, resolve: ['crm'], cache: { forMs: 3_600_000, staleMs: 3_600_000 } }];
    const slow: Resolve = () => new Promise((resolve) => clock.after(1_000, () => resolve({ name: 'Ada' })));
    const { ring, current } = aSwitchboard({ clock, answers, resolvers: { crm: slow, table: async () => ({}) } });
    const first = ring({ from: '+1' });
    await clock.advance(500);
    const crm = current.value.resolvers.get('crm');
    if (crm === undefined) throw new Error('there is no crm');
    const next = { ...crm, resolver: { resolve: async () => ({ name: 'Grace' }) } };
    void current.swap({ ...current.value, resolvers: new Map([...current.value.resolvers, ['crm', next]]) });
    const second = ring({ from: '+2' });
    await clock.advance(1_000);
    expect([variablesOf(await first), variablesOf(await second)]).to.deep.equal([
      { name: 'Ada', line: 'main' },
      { name: 'Grace', line: 'main' },
    ]);
    await clock.advance(60_000);
    expect(variablesOf(await ring({ from: '+1' }))).to.deep.include({ name: 'Grace' });
    void current.swap({ ...current.value, resolvers: new Map(current.value.resolvers) });
    next.resolver.resolve = async () => ({ name: 'not looked up' });
    await clock.advance(60_000);
    expect(variablesOf(await ring({ from: '+1' }))).to.deep.include({ name: 'Grace' });
  });
});
