import { busy, type Call, type JsonObject, type JsonValue } from '@switchhook/sdk';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';
import { aSwitchboard, type CallWorld, type Resolve, variablesOf, type WrittenAnswer } from '../../support/ringing.js';

describe('the variables of an answer', () => {
  const telling = (facts: object, answer: object = {}) =>
    aSwitchboard({
      answers: [{ variables: { value: '${{ crm.value }}' }, defaults: { value: 'standard' }, ...answer }],
      resolvers: { crm: async () => facts },
    });
  const sentFor = async (value: unknown) => (variablesOf(await telling({ value }).ring()) as { value: string }).value;

  it('are texts: numbers, true and false become them', async () => {
    expect(await sentFor(5)).to.equal('5');
    expect(await sentFor(12.5)).to.equal('12.5');
    expect(await sentFor(false)).to.equal('false');
    expect(await sentFor(0)).to.equal('0');
    expect(await sentFor(10n)).to.equal('10');
  });

  it('are never maps or lists: those take the default, and the log says so', async () => {
    for (const value of [{ a: 1 }, [1], {}, []]) {
      const { ring, log } = telling({ value });
      expect(variablesOf(await ring())).to.deep.equal({ value: 'standard' });
      expect(log.of('answer.variable-refused').map(({ fields }) => [fields.answer, fields.variable])).to.deep.equal([
        ['answer-1', 'value'],
      ]);
    }
  });

  it('log nothing where a fact is missing, which is the ordinary case', async () => {
    const { ring, log } = telling({});
    await ring();
    expect(log.of('answer.variable-refused')).to.deep.equal([]);
  });

  it('say in the log why an expression failed for another reason', async () => {
    const { ring, log } = telling({ value: 'x' }, { variables: { value: '${{ crm.value + 1 }}' } });
    expect(variablesOf(await ring())).to.deep.equal({ value: 'standard' });
    expect(log.of('answer.variable-refused')).to.have.length(1);
  });

  it('are cut at 10,000 characters, and no character in half', async () => {
    const cut = await sentFor('🎉'.repeat(10_001));
    expect([...cut]).to.have.length(10_000);
    expect(cut.endsWith('🎉')).to.equal(true);
    expect(await sentFor('x'.repeat(10_000))).to.have.length(10_000);
  });

  it('hold no halves of characters and no NUL, which readers of JSON choke on', async () => {
    expect(await sentFor('a\ud83cb\0c')).to.equal('a\uFFFDb\uFFFDc');
  });

  it('are no larger than 64 KB together: the largest go first', async () => {
    const names = Array.from({ length: 10 }, (_, n) => `v${n}`);
    const { ring, log } = aSwitchboard({
      answers: [
        {
          variables: Object.fromEntries(names.map((name) => [name, `\${{ crm.${name} }}`])),
          defaults: { v9: 'short' },
        },
      ],
      resolvers: { crm: async () => Object.fromEntries(names.map((name, n) => [name, 'ä'.repeat(n * 1_000)])) },
    });
    const variables = variablesOf(await ring()) as Record<string, string>;
    expect(Buffer.byteLength(JSON.stringify(variables))).to.be.at.most(65_536);
    expect(Object.keys(variables)).to.deep.equal(['v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7', 'v9']);
    expect(variables.v9).to.equal('short');
    expect(log.of('answer.variable-refused').map(({ fields }) => fields.variable)).to.deep.equal(['v9', 'v8']);
  });

  it('may have names that every object has', async () => {
    const { ring, trace } = aSwitchboard({
      answers: [
        {
          variables: { constructor: '${{ crm.nothing }}', valueOf: '${{ crm.value }}' },
          defaults: { toString: 'x', valueOf: 'y' },
        },
      ],
      resolvers: { crm: async () => ({ value: 'ä'.repeat(10_000) }) },
    });
    expect(variablesOf(await ring())).to.deep.equal({ toString: 'x', valueOf: 'ä'.repeat(10_000) });
    expect((await trace()).step).to.equal('none');
  });

  it('may use the call and the time', async () => {
    const { ring } = aSwitchboard({
      answers: [
        {
          variables: {
            caller: '${{ call.from }}',
            greeting: '${{ now.getHours("Europe/Berlin") < 12 ? "Good morning" : "Hello" }}',
            constant: 5,
          },
        },
      ],
    });
    expect(variablesOf(await ring({ from: '+12345678912' }))).to.deep.equal({
      caller: '+12345678912',
      greeting: 'Good morning',
      constant: '5',
    });
  });

  it('are dropped by their size in bytes where all together are too many', async () => {
    const facts = { a: 'a'.repeat(10_000), b: 'b'.repeat(10_000), c: '顧'.repeat(9_999), d: '客'.repeat(9_999) };
    const variables = Object.fromEntries(Object.keys(facts).map((name) => [name, `\${{ crm.${name} }}`]));
    const { ring } = aSwitchboard({ answers: [{ variables }], resolvers: { crm: async () => facts } });
    const kept = Object.keys(variablesOf(await ring()) as object);
    expect(kept).to.include.members(['a', 'b']).and.to.have.length(3);
  });

  it('are made from the number in E.164, however it is sent, and from none where it is withheld', async () => {
    const sent = {
      '+12345678912': ['12345678912', '+1 (234) 567-8912', 'sip:+12345678912@pbx.example.com'],
      'sip:ada@example.com': ['"Ada" <sip:ada@example.com>'],
      '24365': ['24365'],
      '': ['', 'anonymous', 'Restricted', '+266696687'],
    };
    for (const [caller, ways] of Object.entries(sent))
      for (const from of ways) {
        const answers = [
          {
            where: 'call.to == "+12345678913"',
            variables: { caller: '${{ call.from }}', sent: '${{ call.data.from_number }}', name: '${{ crm.name }}' },
            defaults: { name: 'there' },
          },
        ];
        const crm = async (call: Call) => (call.from === '+12345678912' ? { name: 'Ada' } : {});
        const { ring } = aSwitchboard({ answers, resolvers: { crm } });
        const name = caller === '+12345678912' ? 'Ada' : 'there';
        const answer = variablesOf(await ring({ from, to: '1 234 567 8913', data: { from_number: from } }));
        expect(answer, from).to.deep.equal({ caller, sent: from, name });
      }
  });
});

describe('why a variable is its default', () => {
  /** The reasons of one answer to one call. */
  const reasonsOf = async (
    variables: JsonObject,
    resolvers: CallWorld['resolvers'] = {},
    answer: WrittenAnswer = {},
  ): Promise<JsonObject> => {
    const clock = new FakeClock();
    const { rungOut, trace } = aSwitchboard({ clock, answers: [{ variables, ...answer }], resolvers });
    await rungOut();
    const origins = Object.entries((await trace()).origins as Record<string, JsonObject>);
    return Object.fromEntries(origins.map(([name, { reason = '?' }]) => [name, reason]));
  };
  const reasonFor = async (variable: JsonValue, crm: Resolve, fallback?: string) => {
    const defaults = fallback === undefined ? {} : { value: fallback };
    return (await reasonsOf({ value: variable }, { crm }, { defaults })).value;
  };

  it('is not asked of one that was found, or has nothing else', async () => {
    const variables = { found: '${{ crm.a }}', empty: '${{ crm.b }}', constant: 'x' };
    const crm = async () => ({ a: 'A', b: '' });
    expect(await reasonsOf(variables, { crm }, { defaults: { other: 'y' } })).to.deep.equal({
      found: null,
      empty: null,
      constant: null,
      other: null,
    });
  });

  it('is a resolver that found nobody, or brought nothing', async () => {
    expect(await reasonFor('${{ crm.a }}', async () => ({}))).to.equal('crm returned no record');
    expect(await reasonFor('${{ crm.a }}', () => new Promise(() => {}))).to.equal('crm was late');
    expect(await reasonFor('${{ crm.a }}', () => Promise.reject(new Error('down')))).to.equal('crm failed');
    expect(await reasonFor('${{ crm.a }}', () => Promise.reject(busy('full')))).to.equal('crm was busy');
    const { ring, trace } = aSwitchboard({
      answers: [{ variables: { value: '${{ crm.a }}' } }],
      resolvers: {
        crm: {
          look: () => Promise.reject(new Error('down')),
          breaker: { failures: 1, windowMs: 60_000, cooldownMs: 60_000 },
        },
      },
    });
    await ring({ from: '+1' });
    await ring({ from: '+2' });
    expect((await trace()).origins).to.deep.equal({
      value: { step: 'none', resolvers: ['crm'], reason: 'crm was skipped: circuit breaker open' },
    });
  });

  it('is the same where the expression has a way out, or an empty text around it', async () => {
    const late = () => new Promise(() => {});
    expect(await reasonFor('${{ default(crm.a, "there") }}', late)).to.equal('crm was late');
    expect(await reasonFor('${{ crm.?a }}', late)).to.equal('crm was late');
    expect(await reasonFor('${{ crm.?a.orValue("") }}', async () => ({}), 'x')).to.equal('crm returned no record');
  });

  it('is a fact that has another name: those there are, are named, and their values are not', async () => {
    const crm = async () => ({ first_name: 'Ada', 'tier ': 'gold', home: { city: 'Berlin' }, list: [{}] });
    for (const [expression, reason] of [
      ['crm.firstname', 'crm has no firstname; it has first_name, tier , home, list'],
      ['known.crm.firstname', 'crm has no firstname; it has first_name, tier , home, list'],
      ['crm["First Name"]', 'crm has no First Name; it has first_name, tier , home, list'],
      ["'Hello ' + crm . firstname", 'crm has no firstname; it has first_name, tier , home, list'],
      ['crm.home.town', 'crm.home has no town; it has city'],
      ['crm.first_name.last', 'crm.first_name.last is missing'],
      ['crm.list[0].x', 'crm.list[0].x is missing'],
      ['crm.list[3]', 'crm.list[3] is missing'],
      ['crm[call.to]', 'crm[call.to] is missing'],
      ['call.data.x', 'call.data.x is missing'],
      ['crm.list.map(crm, crm.x)', 'crm has no x; it has first_name, tier , home, list'],
    ] as const)
      expect(await reasonFor(`\${{ ${expression} }}`, crm), expression).to.equal(reason);
  });

  it('names no more facts than somebody reads, in one line', async () => {
    const named = (names: readonly string[]) =>
      reasonFor('${{ crm.x }}', async () => Object.fromEntries(names.map((name) => [name, 1])));
    const letters = [...'abcdefghijkl'];
    expect(await named(letters.slice(0, 10))).to.equal('crm has no x; it has a, b, c, d, e, f, g, h, i, j');
    expect(await named(letters)).to.equal('crm has no x; it has a, b, c, d, e, f, g, h, i, j, …');
    expect(await named(['a\n\0b'])).to.equal('crm has no x; it has a b');
    const long = await named(['🎉'.repeat(300)]);
    expect(long).to.equal(`crm has no x; it has ${'🎉'.repeat(99)}…`);
  });

  it('is the resolver that is to blame, where there are several', async () => {
    const resolvers = {
      crm: async () => ({ id: 'c1' }),
      shop: async () => ({}),
      desk: () => Promise.reject(new Error('down')),
    };
    const variables = {
      none: '${{ default(shop.open, 0) == 0 ? crm.name : "" }}',
      away: '${{ default(shop.open, desk.?open) }}',
      first: '${{ shop.open + desk.open }}',
      call: '${{ default(shop.open, call.data.x) }}',
    };
    expect(await reasonsOf(variables, resolvers)).to.deep.equal({
      none: 'crm has no name; it has id',
      away: 'desk failed',
      first: 'shop returned no record',
      call: 'call.data.x is missing',
    });
  });

  it('is what is found, where that cannot be said', async () => {
    expect(await reasonFor('${{ crm.a }}', async () => ({ a: null }))).to.equal('it is null');
    expect(await reasonFor('${{ crm.a }}', async () => ({ a: '' }), 'x')).to.equal('it is empty');
    expect(await reasonFor('${{ crm.a }}', async () => ({ a: {} }))).to.equal('it is a map');
    expect(await reasonFor('${{ crm.a }}', async () => ({ a: [] }))).to.equal('it is a list');
    expect(await reasonFor('${{ crm.a + 1 }}', async () => ({ a: 'secret' }))).to.match(/^cannot compute .* in crm\.a/);
    const large = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`v${n}`, '${{ crm.a }}']));
    expect((await reasonsOf(large, { crm: async () => ({ a: 'x'.repeat(10_000) }) })).v0).to.equal(
      'all variables together are larger than 65536 bytes',
    );
  });
});

describe('the agent an answer hands the call to', () => {
  const askedFor = async (overrideAgent: string, facts: object = {}) => {
    const fixture = aSwitchboard({ answers: [{ overrideAgent }], resolvers: { crm: async () => facts } });
    return { fixture, agent: (await fixture.ring({ from: '+1' })).reply.body?.agent };
  };
  const agentOf = async (...given: Parameters<typeof askedFor>) => (await askedFor(...given)).agent;

  it('stands in the file or comes from what is known', async () => {
    expect(await agentOf('agent_night')).to.equal('agent_night');
    expect(await agentOf('${{ crm.agent }}', { agent: ' agent_vip ' })).to.equal('agent_vip');
    expect(await agentOf('${{ call.from == "+1" ? "agent_one" : "" }}')).to.equal('agent_one');
  });

  it("is the number's own where none is known, or it is no text", async () => {
    expect(await agentOf('${{ crm.agent }}')).to.equal(null);
    expect(await agentOf('${{ crm.agent }}', { agent: '' })).to.equal(null);
    expect(await agentOf('${{ crm.agent }}', { agent: { id: 'x' } })).to.equal(null);
  });

  it("is the number's own for true and false, which are no ids", async () => {
    for (const agent of [true, false]) expect(await agentOf('${{ crm.agent }}', { agent })).to.equal(null);
    expect(await agentOf('${{ crm.agent }}', { agent: 7 })).to.equal('7');
  });

  it('is told with where it came from, or why there is none', async () => {
    const originOf = async (overrideAgent: JsonValue | undefined, facts: object) => {
      const { ring, trace } = aSwitchboard({
        answers: [{ ...(overrideAgent !== undefined && { overrideAgent }) }],
        resolvers: { crm: async () => facts },
      });
      await ring();
      return (await trace()).override_agent_origin;
    };
    const none = { step: 'none', resolvers: ['crm'] };
    expect(await originOf('${{ crm.agent }}', { agent: 'agent_1' })).to.deep.equal({
      step: 'fresh',
      resolvers: ['crm'],
      reason: null,
    });
    expect(await originOf('${{ crm.agnt }}', { agent: 'a' })).to.deep.equal({
      ...none,
      reason: 'crm has no agnt; it has agent',
    });
    expect(await originOf('${{ crm.agent }}', { agent: true })).to.deep.equal({
      ...none,
      reason: 'it is true, and no id',
    });
    expect(await originOf('${{ crm.agent }}', { agent: 'a b' }))
      .to.have.property('reason')
      .that.is.a('string');
    expect(await originOf(undefined, {})).to.equal(null);
  });

  it("is the number's own where it can be no id, and the log says so: one that was cut would be another's", async () => {
    for (const agent of ['agent night', 'agent\nnight', 'agent\0', 'agent\u200b', 'x'.repeat(257), ['agent'], {}]) {
      const { agent: variablesOf, fixture } = await askedFor('${{ crm.agent }}', { agent });
      expect(variablesOf, JSON.stringify(agent)).to.equal(null);
      expect(fixture.log.of('answer.variable-refused').map(({ fields }) => fields.variable)).to.deep.equal([
        'overrideAgent',
      ]);
    }
    expect(await agentOf('${{ crm.agent }}', { agent: 'x'.repeat(256) })).to.equal('x'.repeat(256));
  });
});
