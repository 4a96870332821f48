import { compileExpression } from '@switchhook/core/internal';
import type { JsonObject } from '@switchhook/sdk';
import { expect } from 'chai';
import * as fc from 'fast-check';

/** `✘ text = value (operand = value)` of each part; ✘ = it decides. */
function explained(text: string, data: JsonObject = {}): readonly string[] {
  const said = ({ text, value, failure }: { text: string; value: unknown; failure: string | null }) =>
    `${text} = ${failure ?? JSON.stringify(value)}`;
  const parts = compileExpression(text, ['event'], 'bool').explain?.({ event: { agent: 'agent_sales', data } }) ?? [];
  return parts.map((part) => {
    const operands = part.operands.length === 0 ? '' : ` (${part.operands.map(said).join(', ')})`;
    return `${part.decides ? '✘' : '·'} ${said(part)}${operands}`;
  });
}

describe('an expression that is explained', () => {
  it('tells what each side of && came to, with the values that were compared', () => {
    expect(explained('event.agent == "agent_sales" && event.data.duration > 30', { duration: 12 })).to.deep.equal([
      '· event.agent == "agent_sales" = true (event.agent = "agent_sales")',
      '✘ event.data.duration > 30 = false (event.data.duration = 12)',
    ]);
  });

  it('tells that all sides of || said no', () => {
    const text = 'event.data.duration > 30 || (event.data.vip && event.agent != "x")';
    expect(explained(text, { duration: 12, vip: false })).to.deep.equal([
      '✘ event.data.duration > 30 = false (event.data.duration = 12)',
      '✘ event.data.vip = false',
      '· event.agent != "x" = true (event.agent = "agent_sales")',
    ]);
  });

  it('looks behind !', () => {
    expect(explained('!(event.data.test || event.data.duration < 5)', { test: true, duration: 12 })).to.deep.equal([
      '✘ event.data.test = true',
      '· event.data.duration < 5 = false (event.data.duration = 12)',
    ]);
    expect(explained('!event.data.test', { test: true })).to.deep.equal([
      '✘ !event.data.test = false (event.data.test = true)',
    ]);
  });

  it('names what is missing, and only where that matters', () => {
    expect(explained('event.data.analysis.score > 3 && event.agent != "x"')).to.deep.equal([
      '✘ event.data.analysis.score > 3 = event.data.analysis is missing (event.data.analysis.score = event.data.analysis is missing)',
      '· event.agent != "x" = true (event.agent = "agent_sales")',
    ]);
    expect(explained('event.data.a > 3 || event.agent == "agent_sales"')[0]).to.match(/^· .* is missing/);
  });

  it('shows what functions and macros were given, but nothing from within a macro', () => {
    expect(
      explained('event.data.tags.exists(tag, tag == "vip") || duration(event.data.s) == "1m"', { tags: ['a'], s: 61 }),
    ).to.deep.equal([
      '✘ event.data.tags.exists(tag, tag == "vip") = false (event.data.tags = ["a"])',
      '✘ duration(event.data.s) == "1m" = false (duration(event.data.s) = "1m 1s")',
    ]);
  });

  it('writes a part as it stands in the file, and anew where it cannot stand by itself', () => {
    expect(
      explained("((event.data.a)   ==  'x') && (event.data.b + 1) * (event.data.c) > 3", { a: 'x', b: 0, c: 1 }),
    ).to.deep.equal([
      '· event.data.a == "x" = true (event.data.a = "x")',
      '✘ (event.data.b + 1) * event.data.c > 3 = false ((event.data.b + 1) * event.data.c = 1)',
    ]);
  });

  it('cuts long values', () => {
    const [part = ''] = explained('event.data.transcript.contains("bye")', { transcript: 'hello '.repeat(1_000) });
    expect(part.length).to.be.lessThan(400);
    expect(part).to.include('…');
  });

  it('always has a part to blame, and the blamed ones have the value of the whole unless they stand behind !', () => {
    const leaf = fc.constantFrom(
      'event.data.t',
      'event.data.f',
      'event.data.missing',
      'event.data.n > 3',
      'event.agent == "x"',
    );
    const { condition } = fc.letrec<{ condition: string }>((tie) => ({
      condition: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.tuple(tie('condition'), tie('condition')).map(([a, b]) => `(${a} && ${b})`),
        fc.tuple(tie('condition'), tie('condition')).map(([a, b]) => `(${a}  ||  ${b})`),
      ),
    }));
    void fc.assert(
      fc.property(condition, (text) => {
        const scope = { event: { agent: 'y', data: { t: true, f: false, n: 5 } } };
        const expression = compileExpression(text, ['event']);
        const parts = expression.explain?.(scope) ?? [];
        const blamed = parts.filter(({ decides }) => decides);
        expect(blamed).to.not.deep.equal([]);
        try {
          const whole = expression.evaluate(scope);
          expect(new Set(blamed.map(({ value }) => value))).to.deep.equal(new Set([whole]));
        } catch (error) {
          expect(error).to.have.property('name', 'ExpressionError');
          expect(blamed.every(({ failure }) => failure !== null)).to.equal(true);
        }
      }),
    );
  });
});
