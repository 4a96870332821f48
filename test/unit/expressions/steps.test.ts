/** Expressions over hostile event data: however long lists, texts and patterns are, evaluation ends after its steps. */
import { compileExpression } from '@switchhook/core/internal';
import { isExpressionError, type JsonValue } from '@switchhook/sdk';
import { expect } from 'chai';

const tooMany = 'these values need more than 1000000 steps; use shorter lists and texts, or fewer loops within loops';
const numbers = (length: number, from = 0): readonly number[] => Array.from({ length }, (_, n) => n + from);

function resultOf(text: string, data: JsonValue): JsonValue {
  return compileExpression(text, ['event']).evaluate({ event: { data } });
}

function failureOf(text: string, data: JsonValue): string {
  try {
    return `no failure: ${resultOf(text, data)}`;
  } catch (error) {
    if (isExpressionError(error)) return error.message;
    throw error;
  }
}

describe('the steps of an expression', () => {
  const a = numbers(60_000);
  const b = numbers(60_000, 60_000);
  const long = 'a'.repeat(500_000);
  const lists = a.map((n) => [n]);

  /** Without any loop: each variable is twice as long as the one before. */
  const doubled = Array.from({ length: 8 }, (_, n) => n)
    .reduceRight((rest, n) => `cel.bind(v${n + 1}, v${n} + v${n}, ${rest})`, 'v8 != []')
    .replaceAll('v0', 'event.data.a');

  const hostile: readonly (readonly [string, JsonValue])[] = [
    ['event.data.a.all(x, event.data.b.all(y, x != y))', { a, b }],
    ['event.data.a.exists(x, event.data.b.exists(y, x == y))', { a, b }],
    ['event.data.a.exists_one(x, event.data.b.exists_one(y, x == y))', { a, b }],
    ['event.data.a.map(x, event.data.b.map(y, x + y))', { a, b }],
    ['event.data.a.filter(x, event.data.b.filter(y, x == y).size() > 0)', { a, b }],
    ['event.data.a.map(x, x > 3.0, event.data.b.map(y, y))', { a, b }],
    ['event.data.a.all(x, !(x in event.data.b))', { a, b }],
    ['event.data.a.all(x, event.data.b == event.data.c)', { a, b, c: [...b] }],
    ['event.data.a.all(x, event.data.b + event.data.c != [x])', { a, b, c: [...b] }],
    ['event.data.a.all(x, event.data.lists == event.data.same)', { a, lists, same: lists.map((one) => [...one]) }],
    ['event.data.a.all(x, !event.data.text.contains("b"))', { a, text: long }],
    ['event.data.a.all(x, event.data.text + event.data.text != "b")', { a, text: long }],
    ['event.data.a.all(x, event.data.text < event.data.other)', { a, text: `${long}a`, other: `${long}b` }],
    ['event.data.a.all(x, json(event.data.b) != "")', { a, b }],
    ['event.data.a.all(x, cel.bind(v, event.data.text, v + "b" != ""))', { a, text: long }],
    [doubled, { a }],
    [
      'event.data.map.all(x, event.data.map.all(y, x + y != ""))',
      { map: Object.fromEntries(a.map((n) => [`k${n}`, n])) },
    ],
    ['event.data.a.all(x, !event.data.text.matches("(a+)+b"))', { a, text: long }],
    ['event.data.text.matches(event.data.pattern)', { text: long, pattern: '(a?){200}b' }],
    ['default(event.data.a.all(x, event.data.b.all(y, x != y)), true)', { a, b }],
    ['event.data.a.all(x, event.data.b.all(y, x != y)) || true', { a, b }],
  ];
  for (const [text, data] of hostile)
    it(`ends ${text}`, () => {
      expect(failureOf(text, data)).to.match(new RegExp(`^${tooMany}`));
    });

  it('are enough for a loop over the longest list a body holds, and for loops within loops over short ones', () => {
    expect(resultOf('event.data.all(x, x >= 0.0)', numbers(150_000))).to.equal(true);
    const short = numbers(300);
    expect(resultOf('event.data.all(x, event.data.exists(y, x == y))', short)).to.equal(true);
  });

  it('are all there for the next evaluation', () => {
    const { evaluate } = compileExpression('event.data.all(x, event.data.all(y, x >= 0.0))', ['event']);
    const evaluated = (length: number) => () => evaluate({ event: { data: numbers(length) } });
    expect(evaluated(5_000)).to.throw(tooMany);
    expect(evaluated(100)()).to.equal(true);
  });
});

describe('matches', () => {
  it('takes no longer for a pattern that others try in exponential time', () => {
    for (const pattern of ['(a+)+$', '(a|aa)+$', '(x+x+)+y', '(.*)*b'])
      expect(
        resultOf('event.data.text.matches(event.data.pattern)', { text: `${'a'.repeat(50_000)}!`, pattern }),
      ).to.equal(false);
  });

  it('finds a pattern anywhere in a text, in any language, with flags', () => {
    for (const [text, pattern, found] of [
      ['please REFUND me', '(?i)refund', true],
      ['please refund me', '^refund', false],
      ['Grüße', '\\pL{5}', true],
      ['', '^$', true],
      ['a\nb', '(?m)^b$', true],
    ] as const)
      expect(resultOf('event.data.text.matches(event.data.pattern)', { text, pattern }), pattern).to.equal(found);
  });

  it('refuses a pattern of an event that is not valid, or too long, without repeating it', () => {
    for (const pattern of ['[secret', '(?=secret)', '(secret)\\1'])
      expect(failureOf('"a".matches(event.data.p)', { p: pattern })).to.equal(
        'Invalid regular expression in "a".matches(event.data.p)',
      );
    expect(failureOf('"a".matches(event.data.p)', { p: 'a'.repeat(501) })).to.match(/^The pattern is longer than 500/);
  });

  it('ends evaluation where an event brings too many costly patterns', () => {
    const patterns = Array.from({ length: 200 }, (_, n) => `(\\pL{1,900}${n})`);
    expect(failureOf('event.data.all(p, !"a".matches(p))', patterns)).to.match(new RegExp(`^${tooMany}`));
  });

  it('refuses a written pattern that is not one of RE2 when the file is read', () => {
    const problemFor = (text: string) => {
      try {
        compileExpression(text, ['event']);
      } catch (error) {
        return error;
      }
      return null;
    };
    expect(problemFor('event.data.text.matches("(?=a)")')).to.include({
      code: 'EXPRESSION_SYNTAX',
      message: 'the pattern is not valid in RE2: invalid or unsupported Perl syntax: `(?=`',
      offset: 24,
    });
    expect(problemFor('event.data.text.matches("(a)\\\\1")')).to.include({ code: 'EXPRESSION_SYNTAX' });
  });
});
