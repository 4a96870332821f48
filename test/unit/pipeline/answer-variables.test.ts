import { expect } from 'chai';
import { aSwitchboard, told } from '../../support/ringing.js';

describe('the variables of an answer', () => {
  const telling = (facts: object, answer: object = {}) =>
    aSwitchboard({
      answers: [{ variables: { value: '${{ crm.value }}' }, defaults: { value: 'standard' }, ...answer }],
      resolvers: { crm: async () => facts },
    });
  const sentFor = async (value: unknown) => (told(await telling({ value }).ring()) as { value: string }).value;

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
      expect(told(await ring())).to.deep.equal({ value: 'standard' });
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
    expect(told(await ring())).to.deep.equal({ value: 'standard' });
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
    const variables = told(await ring()) as Record<string, string>;
    expect(Buffer.byteLength(JSON.stringify(variables))).to.be.at.most(65_536);
    expect(Object.keys(variables)).to.deep.equal(['v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7', 'v9']);
    expect(variables.v9).to.equal('short');
    expect(log.of('answer.variable-refused').map(({ fields }) => fields.variable)).to.deep.equal(['v9', 'v8']);
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
    expect(told(await ring({ from: '+12345678912' }))).to.deep.equal({
      caller: '+12345678912',
      greeting: 'Good morning',
      constant: '5',
    });
  });

  it('are made from each form of a number as it was sent', async () => {
    for (const from of [
      '',
      'anonymous',
      'Restricted',
      '12345678912',
      'sip:+12345678912@pbx.example.com',
      '+49 30 1234',
    ]) {
      const { ring } = aSwitchboard({
        answers: [{ variables: { caller: '${{ call.from }}', name: '${{ crm.name }}' }, defaults: { name: 'there' } }],
        resolvers: { crm: async (call) => (call.from === '+12345678912' ? { name: 'Ada' } : {}) },
      });
      expect(told(await ring({ from })), from).to.deep.equal({ caller: from, name: 'there' });
    }
  });
});

describe('the agent an answer hands the call to', () => {
  const agentOf = async (overrideAgent: string, facts: object = {}) => {
    const world = { answers: [{ overrideAgent }], resolvers: { crm: async () => facts } };
    return (await aSwitchboard(world).ring({ from: '+1' })).reply.body?.agent;
  };

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
});
