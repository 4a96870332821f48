import { expect } from 'chai';
import type { Call } from '../../../core/src/contract/source.js';
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
        const answer = told(await ring({ from, to: '1 234 567 8913', data: { from_number: from } }));
        expect(answer, from).to.deep.equal({ caller, sent: from, name });
      }
  });
});
