import { ExpressionError, type JsonObject, refuse } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { after, aSwitchboard, type Resolve, variablesOf } from '../../support/ringing.js';

const minute = 60_000;
const hello = { variables: { name: '${{ crm.name }}' }, defaults: { name: 'there' } };

describe('the ladder of an answer', () => {
  describe('fresh', () => {
    it('tells what the resolvers found', async () => {
      const { ring, trace } = aSwitchboard({ answers: [hello], resolvers: { crm: async () => ({ name: 'Ada' }) } });
      const rung = await ring();
      expect(rung.reply).to.deep.equal({ status: 200, body: { variables: { name: 'Ada' }, agent: null } });
      expect(await trace()).to.deep.include({
        name: 'answer-1',
        step: 'fresh',
        variables: { name: 'Ada' },
        origins: { name: { step: 'fresh', resolvers: ['crm'], reason: null } },
        lookups: [{ resolver: 'crm', outcome: 'found', start_ms: 0, ms: 0, reason: null }],
      });
    });

    it('does not wait longer than the slowest resolver, and keeps no timer', async () => {
      const clock = new FakeClock();
      const { rungOut } = aSwitchboard({
        clock,
        answers: [hello],
        resolvers: { crm: () => after(clock, 400).then(() => ({ name: 'Ada' })) },
      });
      const rung = await rungOut();
      expect([variablesOf(rung), rung.ms]).to.deep.equal([{ name: 'Ada' }, 400]);
      expect(clock.pending).to.equal(0);
    });
  });

  describe('cached', () => {
    const counting = () => {
      const looks: string[] = [];
      const crm: Resolve = async ({ from }) => {
        looks.push(from);
        return { name: `${from}, look ${looks.length}` };
      };
      return { looks, crm };
    };
    const cached = { ...hello, cache: { forMs: 10 * minute, staleMs: 10 * minute } };

    it('spares a look-up while the facts are young, and looks again when they are not', async () => {
      const { looks, crm } = counting();
      const { ring, clock, trace } = aSwitchboard({ answers: [cached], resolvers: { crm } });
      await ring({ from: '+1' });
      await clock.advance(10 * minute - 1);
      expect(variablesOf(await ring({ from: '+1' }))).to.deep.equal({ name: '+1, look 1' });
      expect(await trace()).to.deep.include({
        step: 'cached',
        origins: { name: { step: 'cached', resolvers: ['crm'], reason: null } },
      });
      expect((await trace()).lookups).to.deep.equal([
        { resolver: 'crm', outcome: 'cached', start_ms: 0, ms: 0, reason: null },
      ]);
      await clock.advance(minute);
      expect(variablesOf(await ring({ from: '+1' }))).to.deep.equal({ name: '+1, look 2' });
      expect(looks).to.deep.equal(['+1', '+1']);
    });

    it('keeps callers, called numbers, agents and answers apart', async () => {
      const { looks, crm } = counting();
      const answers = [{ ...cached, where: 'call.to == "+9"' }, cached];
      const { ring, clock } = aSwitchboard({ answers, resolvers: { crm } });
      for (const call of [
        { from: '+1', to: '+8' },
        { from: '+2', to: '+8' },
        { from: '+1', to: '+7' },
        { from: '+1', to: '+8', agent: 'other' },
        { from: '+1', to: '+9' },
      ]) {
        await ring(call);
        await clock.advance(minute);
        await ring(call);
      }
      expect(looks).to.have.length(5);
    });

    it('keeps nothing of callers who withhold their number: they are not one and the same', async () => {
      for (const from of ['', 'anonymous', '+266696687', 'Unknown Caller', 'sip:anonymous@anonymous.invalid']) {
        const { looks, crm } = counting();
        const { ring, clock } = aSwitchboard({ answers: [cached], resolvers: { crm } });
        await ring({ from });
        await clock.advance(minute);
        await ring({ from });
        expect(looks, from).to.have.length(2);
      }
    });

    it('knows callers by SIP URI and by numbers of any form', async () => {
      const written = {
        'sip:ada@example.com': '"Ada" <sip:ada@example.com>',
        '+12345678912': '(1) 234-567-8912',
        '+525512345678': '+5215512345678',
      };
      for (const [known, from] of Object.entries(written)) {
        const { looks, crm } = counting();
        const { ring, clock } = aSwitchboard({ answers: [cached], resolvers: { crm } });
        await ring({ from });
        await clock.advance(minute);
        expect(variablesOf(await ring({ from: known }))).to.deep.equal({ name: `${known}, look 1` });
        expect(looks, from).to.have.length(1);
      }
    });

    it('makes a look-up for each call that a name, a short code or an unassigned number may share', async () => {
      for (const from of ['ACME', '464', 'Mobile user', 'Wireless Caller', '266696687', '+anonymous', '+10000000000']) {
        const { looks, crm } = counting();
        const { ring, clock } = aSwitchboard({ answers: [cached], resolvers: { crm } });
        await ring({ from });
        await clock.advance(minute);
        await ring({ from });
        expect(looks, from).to.have.length(2);
      }
    });

    it('remembers that a caller was not found', async () => {
      let looks = 0;
      const crm: Resolve = async () => {
        looks += 1;
        return {};
      };
      const { ring, clock } = aSwitchboard({ answers: [cached], resolvers: { crm } });
      await ring();
      await clock.advance(minute);
      expect(variablesOf(await ring())).to.deep.equal({ name: 'there' });
      expect(looks).to.equal(1);
    });

    it('keeps no more than fits, and forgets who has not called for longest', async () => {
      const { looks, crm } = counting();
      const large: Resolve = async (...given) => ({ ...((await crm(...given)) as object), notes: 'x'.repeat(900_000) });
      const { ring, clock } = aSwitchboard({ answers: [cached], resolvers: { crm: large } });
      for (let n = 0; n < 40; n += 1) await ring({ from: `+${n}` });
      await clock.advance(minute);
      await ring({ from: '+39' });
      expect(looks).to.have.length(40);
      await ring({ from: '+0' });
      expect(looks).to.have.length(41);
    });
  });

  describe('stale', () => {
    const stale = { ...hello, cache: { forMs: minute, staleMs: 60 * minute } };
    const failures: Readonly<Record<string, Resolve>> = {
      failing: () => Promise.reject(new Error('connection refused')),
      hanging: () => new Promise(() => {}),
      'throwing at once': () => {
        throw new Error('boom');
      },
      'returning nonsense': async () => 'Ada',
    };
    for (const [title, fails] of Object.entries(failures))
      it(`stands in for a look-up that is ${title}`, async () => {
        let broken = false;
        const crm: Resolve = (...given) => (broken ? fails(...given) : Promise.resolve({ name: 'Ada' }));
        const { ring, rungOut, clock, trace } = aSwitchboard({ answers: [stale], resolvers: { crm } });
        await ring();
        broken = true;
        await clock.advance(30 * minute);
        expect(variablesOf(await rungOut())).to.deep.equal({ name: 'Ada' });
        expect(await trace()).to.deep.include({
          step: 'stale',
          origins: { name: { step: 'stale', resolvers: ['crm'], reason: null } },
        });
        await clock.advance(31 * minute);
        expect(variablesOf(await rungOut())).to.deep.equal({ name: 'there' });
      });

    it('does not bring back a caller who is no longer found', async () => {
      let gone = false;
      const crm: Resolve = async () => (gone ? {} : { name: 'Ada' });
      const { ring, clock } = aSwitchboard({ answers: [stale], resolvers: { crm } });
      await ring();
      gone = true;
      await clock.advance(2 * minute);
      expect(variablesOf(await ring())).to.deep.equal({ name: 'there' });
    });

    it('stands in for a reply that lacks what is picked from it, which is no word about the caller', async () => {
      const replies: readonly (() => unknown)[] = [
        () => ({ name: 'Ada' }),
        () => Promise.reject(new ExpressionError('no such key: customer', true, 'reply.customer')),
        () => Promise.reject(new Error('down')),
      ];
      let look = 0;
      const crm: Resolve = async () => replies[look++]?.();
      const answer = { ...hello, cache: { forMs: 0, staleMs: 24 * 60 * minute } };
      const { ring, clock, trace, log } = aSwitchboard({ answers: [answer], resolvers: { crm } });
      for (const step of ['fresh', 'stale', 'stale']) {
        expect([variablesOf(await ring()), (await trace()).step]).to.deep.equal([{ name: 'Ada' }, step]);
        await clock.advance(minute);
      }
      expect(log.of('resolver.missed').map(({ level, fields }) => [level, fields.reason])).to.deep.equal([
        ['warn', 'no such key: customer'],
      ]);
    });

    it('does not give what was found about one person to the next one with the same number', async () => {
      let owner: JsonObject = { id: 'ada' };
      let broken = false;
      const { ring, rungOut, clock } = aSwitchboard({
        answers: [{ ...stale, variables: { order: '${{ orders.of }}' } }],
        resolvers: {
          crm: async () => owner,
          orders: {
            after: ['crm'],
            look: async (_, known) => {
              if (broken) throw new Error('down');
              return { of: (known.crm as { id: string }).id };
            },
          },
        },
      });
      expect(variablesOf(await ring())).to.deep.include({ order: 'ada' });
      broken = true;
      await clock.advance(2 * minute);
      expect(variablesOf(await rungOut())).to.deep.include({ order: 'ada' });
      owner = { id: 'bob' };
      await clock.advance(2 * minute);
      expect(variablesOf(await rungOut())).not.to.have.property('order');
    });

    it('may be all that is kept: then every call is looked up', async () => {
      let looks = 0;
      const crm: Resolve = async () => {
        looks += 1;
        if (looks > 2) throw new Error('down');
        return { name: `look ${looks}` };
      };
      const answers = [{ ...hello, cache: { forMs: 0, staleMs: 60 * minute } }];
      const { ring, clock } = aSwitchboard({ answers, resolvers: { crm } });
      const names: unknown[] = [];
      for (let n = 0; n < 3; n += 1) {
        names.push(variablesOf(await ring()));
        await clock.advance(minute);
      }
      expect(names).to.deep.equal([{ name: 'look 1' }, { name: 'look 2' }, { name: 'look 2' }]);
    });

    it('feeds the look-ups that wait for it', async () => {
      let broken = false;
      const { ring, rungOut, clock, trace } = aSwitchboard({
        answers: [{ ...stale, variables: { order: '${{ orders.of }}' } }],
        resolvers: {
          crm: () => (broken ? Promise.reject(new Error('down')) : Promise.resolve({ id: 'c1' })),
          orders: { after: ['crm'], look: async (_, known) => ({ of: (known.crm as { id: string }).id }) },
        },
      });
      await ring();
      broken = true;
      await clock.advance(30 * minute);
      expect(variablesOf(await rungOut())).to.deep.equal({ order: 'c1', name: 'there' });
      expect((await trace()).step).to.equal('default');
    });
  });

  describe('default', () => {
    it('is given where nobody found anything', async () => {
      const { ring, trace } = aSwitchboard({ answers: [hello], resolvers: { crm: async () => ({}) } });
      expect(variablesOf(await ring())).to.deep.equal({ name: 'there' });
      expect(await trace()).to.deep.include({
        step: 'default',
        origins: { name: { step: 'default', resolvers: ['crm'], reason: 'crm returned no record' } },
      });
    });

    it('is given for what is found empty', async () => {
      for (const name of ['', null]) {
        const { ring } = aSwitchboard({ answers: [hello], resolvers: { crm: async () => ({ name }) } });
        expect(variablesOf(await ring())).to.deep.equal({ name: 'there' });
      }
    });

    it('may stand in the expression itself, and is known as one where nobody was found or the look-up failed', async () => {
      let broken = false;
      const { ring, clock, trace } = aSwitchboard({
        answers: [{ variables: { name: '${{ default(crm.name, "friend") }}' } }],
        resolvers: { crm: () => (broken ? Promise.reject(new Error('down')) : Promise.resolve({})) },
      });
      expect(variablesOf(await ring())).to.deep.equal({ name: 'friend' });
      expect((await trace()).origins).to.deep.equal({
        name: { step: 'default', resolvers: ['crm'], reason: 'crm returned no record' },
      });
      broken = true;
      await clock.advance(minute);
      expect(variablesOf(await ring())).to.deep.equal({ name: 'friend' });
      expect((await trace()).step).to.equal('default');
    });

    it('leaves a variable out that has none, and sends an empty one empty', async () => {
      const { ring, trace } = aSwitchboard({
        answers: [{ variables: { name: '${{ crm.name }}', company: '${{ crm.company }}' } }],
        resolvers: { crm: async () => ({ company: '' }) },
      });
      expect(variablesOf(await ring())).to.deep.equal({ company: '' });
      expect((await trace()).step).to.equal('none');
    });
  });

  describe('minimum', () => {
    it('is sent where no answer matches, counted as unanswered', async () => {
      const { ring, trace, metrics } = aSwitchboard({ answers: [{ where: 'call.to == "+999"' }] });
      expect((await ring()).reply).to.deep.equal({ status: 200, body: { variables: {}, least: true } });
      expect(await trace()).to.deep.include({ name: null, step: 'unanswered' });
      expect(metrics.values.get('calls_answered_total{source="calls",answer="",step="unanswered"}')).to.equal(1);
    });

    const circle: { self?: JsonObject } = {};
    circle.self = circle as JsonObject;
    const unsendable: Readonly<Record<string, () => never | { status: number }>> = {
      throws: () => {
        throw new Error('no format');
      },
      'is a 500': () => ({ status: 500 }),
      'cannot be written as JSON': () => ({ status: 200, body: circle }),
      'has a header that HTTP refuses': () => ({ status: 200, headers: { 'x-name': 'A\nda' } }),
      'has a header that is no text': () => ({ status: 200, headers: { 'x-name': undefined } }),
      'has a promise as its body': () => ({ status: 200, body: Promise.resolve({}) }),
      'is nothing': () => undefined as never,
    };
    for (const [title, reply] of Object.entries(unsendable))
      it(`is sent where the source's reply ${title}`, async () => {
        const inboundCall = { reply };
        expect((await aSwitchboard({ inboundCall }).ring()).reply.body).to.deep.equal({ variables: {}, least: true });
        const neither = { inboundCall: { reply, fallback: reply } };
        expect((await aSwitchboard(neither).ring()).reply).to.deep.equal({ status: 200, body: {} });
        const source = { fallback: () => ({ status: 200, body: { least: 'source' } }) };
        expect((await aSwitchboard({ ...neither, source }).ring()).reply.body).to.deep.equal({ least: 'source' });
      });

    it('is sent where the source fails on the request', async () => {
      const fallback = () => ({ status: 200, body: { variables: {} } });
      const failures: Readonly<Record<string, () => never>> = {
        throws: () => {
          throw new Error('boom');
        },
        'hangs for ever': () => new Promise(() => {}) as never,
      };
      for (const [title, receive] of Object.entries(failures)) {
        const { rungOut, metrics } = aSwitchboard({ source: { receive, fallback } });
        const rung = await rungOut();
        expect(rung.reply, title).to.deep.equal({ status: 200, body: { variables: {} } });
        expect(rung.ms, title).to.be.at.most(2_000);
        expect(metrics.values.get('calls_answered_total{source="calls",answer="",step="minimum"}')).to.equal(1);
      }
    });

    it('is not for requests that the source refuses', async () => {
      const fallback = () => ({ status: 200, body: {} });
      const receive = () => {
        throw refuse('UNVERIFIED', 'no token');
      };
      const thrown = await aSwitchboard({ source: { receive, fallback } })
        .ring()
        .catch((error: unknown) => error);
      expect(thrown).to.have.property('code', 'UNVERIFIED');
    });
  });

  it('counts each call by the lowest step, and each variable by its own', async () => {
    const { ring, metrics } = aSwitchboard({
      answers: [{ ...hello, variables: { ...hello.variables, line: '${{ call.to }}' } }],
      resolvers: { crm: async () => ({}) },
    });
    await ring();
    expect(metrics.values.get('calls_answered_total{source="calls",answer="answer-1",step="default"}')).to.equal(1);
    expect(metrics.values.get('answer_variables_total{answer="answer-1",step="default"}')).to.equal(1);
    expect(metrics.values.get('answer_variables_total{answer="answer-1",step="fresh"}')).to.equal(1);
    expect(metrics.values.get('resolver_lookups_total{resolver="crm",outcome="not-found"}')).to.equal(1);
  });
});

describe('which answer is given', () => {
  const named = (name: string, where?: string) => ({ name, variables: { line: name }, ...(where && { where }) });

  it('is the first that matches: by numbers, agent and time of day', async () => {
    const clock = new FakeClock(Date.parse('2026-07-01T06:30:00Z'));
    const { ring } = aSwitchboard({
      clock,
      answers: [
        named('sales', 'call.to == "+1"'),
        named('partner', 'call.from.startsWith("+49")'),
        named('vip', 'call.agent == "agent_vip"'),
        named('day', 'now.getHours("Europe/Berlin") >= 9 && now.getHours("Europe/Berlin") < 18'),
        named('night'),
      ],
    });
    const line = async (call: object) => (variablesOf(await ring(call)) as { line: string }).line;
    expect(await line({ to: '+1', from: '+49301' })).to.equal('sales');
    expect(await line({ to: '+2', from: '+49301' })).to.equal('partner');
    expect(await line({ to: '+2', from: '+33', agent: 'agent_vip' })).to.equal('vip');
    expect(await line({ to: '+2', from: '+34' })).to.equal('night');
    await clock.advance(30 * minute);
    expect(await line({ to: '+2', from: '+35' })).to.equal('day');
  });

  it('is none whose condition cannot be evaluated, and the log says why', async () => {
    const { ring, log } = aSwitchboard({ answers: [named('broken', 'call.data.tier.startsWith("x")'), named('next')] });
    expect(variablesOf(await ring())).to.deep.equal({ line: 'next' });
    expect(log.of('answer.where-failed')[0]?.fields.answer).to.equal('broken');
  });
});
