import { compileExpression, isVariableName } from '@switchhook/core/internal';
import { isExpressionError, type JsonValue } from '@switchhook/sdk';
import type { ExpressionProblem } from '@switchhook/sdk/internal';
import { expect } from 'chai';

const event = {
  id: '0190',
  key: 'k1',
  source: 'agents',
  type: 'conversation_ended',
  subject: null,
  agent: 'sales',
  occurredAt: '2026-01-02T03:04:05.678Z',
  receivedAt: '2026-01-02T03:04:06.000Z',
  data: {
    duration: 73,
    name: 'Jane',
    nothing: null,
    phone: '+4930123456789',
    tags: ['vip', 'berlin'],
    nested: { flag: true, numbers: [1, 2, 3] },
  },
};
const scope = { event, delivery: { id: '0190.0', route: 'r', destination: 'd', attempt: 2 } };

function evaluated(text: string, variables: readonly string[] = ['event', 'delivery']): JsonValue {
  return compileExpression(text, variables).evaluate(scope);
}

/** What is thrown, `missing` first. */
function failureOf(text: string): string {
  const expression = compileExpression(text, ['event', 'delivery']);
  try {
    expression.evaluate(scope);
  } catch (error) {
    if (isExpressionError(error)) return `${error.missing ? 'missing' : 'wrong'}: ${error.message}`;
    throw error;
  }
  throw new Error(`${text} has a value`);
}

describe('an object with a key `constructor`', () => {
  for (const value of ['ACME Builders', null, 7, { name: 'ACME' }, ['ACME']])
    it(`is an object like any other: ${JSON.stringify(value)}`, () => {
      const body = { analysis: { constructor: value, score: 7 }, list: [{ constructor: value, score: 8 }] };
      const evaluate = (text: string): JsonValue => compileExpression(text, ['body']).evaluate({ body });
      expect(evaluate('body.analysis.constructor')).to.deep.equal(value);
      expect(evaluate('body.analysis.score')).to.equal(7);
      expect(evaluate('body.analysis')).to.deep.equal({ constructor: value, score: 7 });
      expect(evaluate('body.list.exists(one, one.score == 8.0)')).to.equal(true);
      expect(evaluate('default(body.analysis.nothing, "none")')).to.equal('none');
      expect(evaluate('has(body.analysis.constructor)')).to.equal(true);
      expect(() => evaluate('body.analysis.nothing')).to.throw('body.analysis.nothing is missing');
    });
});

function problemOf(text: string, variables: readonly string[] = ['event', 'delivery'], result?: 'bool'): string {
  try {
    compileExpression(text, variables, result);
  } catch (error) {
    const { code, offset, message } = error as ExpressionProblem;
    return `${code} ${offset} ${message}`;
  }
  throw new Error(`${text} compiles`);
}

describe('expressions', () => {
  const values: readonly (readonly [string, JsonValue])[] = [
    ['event.agent == "sales" && event.data.duration > 30', true],
    ['event.type in ["conversation_ended", "x"]', true],
    ['event.type.startsWith("conversation_")', true],
    ['"vip" in event.data.tags', true],
    ['"duration" in event.data', true],
    ['event.subject == null', true],
    ['event.agent == null', false],
    ['has(event.data.name)', true],
    ['has(event.data.nobody)', false],
    ['event.data.tags.exists(tag, tag == "vip")', true],
    ['event.data.nested.numbers.map(n, n + 1)', [2, 3, 4]],
    ['delivery.attempt > 1', true],
    ['event.data.duration > 60 ? "long" : "short"', 'long'],
    ['timestamp(event.occurredAt).getFullYear()', 2026],
  ];
  for (const [text, value] of values)
    it(`evaluates ${text}`, () => {
      expect(evaluated(text)).to.deep.equal(value);
    });

  describe('arithmetic', () => {
    const sums: readonly (readonly [string, JsonValue])[] = [
      ['event.data.duration + 1', 74],
      ['1 + event.data.duration', 74],
      ['event.data.duration - 1', 72],
      ['event.data.duration * 2', 146],
      ['event.data.duration / 2', 36.5],
      ['event.data.duration % 2', 1],
      ['event.data.duration % event.data.duration', 0],
      ['1 + 2.5', 3.5],
      ['event.data.duration == 73', true],
      ['event.data.duration != 73', false],
      ['event.data.duration >= 73.0', true],
      ['size(event.data.tags) == 2.0', true],
      ['-event.data.duration', -73],
    ];
    for (const [text, value] of sums)
      it(`mixes whole numbers with JSON's: ${text}`, () => {
        expect(evaluated(text)).to.equal(value);
      });
  });

  describe('default()', () => {
    const defaults: readonly (readonly [string, JsonValue])[] = [
      ['default(event.data.name, "there")', 'Jane'],
      ['default(event.data.nobody, "there")', 'there'],
      ['default(event.data.a.b.c, "there")', 'there'],
      ['default(event.data.nothing, "there")', 'there'],
      ['default(event.data.name.first, "there")', 'there'],
      ['default(event.data.tags[7], "there")', 'there'],
      ['default(event.data.?nobody, "there")', 'there'],
      ['default(event.data.?name, "there")', 'Jane'],
      ['default(event.data.a, default(event.data.b, "there"))', 'there'],
      ['default(event.data.nobody, 0) > 5', false],
      ['default(has(event.data.a.b), false)', false],
      ['event.data.tags.map(tag, default(tag.name, "none"))', ['none', 'none']],
    ];
    for (const [text, value] of defaults)
      it(`${text} is ${JSON.stringify(value)}`, () => {
        expect(evaluated(text)).to.deep.equal(value);
      });

    it('stands in for a variable that is not there at all', () => {
      const expression = compileExpression('default(customer.first_name, "there")', ['call', 'customer']);
      expect(expression.evaluate({ call: {} })).to.equal('there');
    });

    it('does not hide what is wrong otherwise', () => {
      expect(failureOf('default(event.data.name > 3, true)')).to.match(/^wrong: cannot compute string > int/);
    });

    it('passes on that the second value is missing, too', () => {
      expect(failureOf('default(event.data.a, event.data.b)')).to.equal('missing: event.data.b is missing');
    });
  });

  describe('functions for texts', () => {
    const texts: readonly (readonly [string, JsonValue])[] = [
      ['truncate("hello", 5)', 'hello'],
      ['truncate("hello world", 6)', 'hello…'],
      ['truncate("hello world", 7)', 'hello…'],
      ['truncate("👍👍👍👍", 3)', '👍👍…'],
      ['truncate("👍👍👍", 3)', '👍👍👍'],
      ['truncate("hello", 1)', '…'],
      ['truncate("hello", 0)', ''],
      ['truncate("hello", -1)', ''],
      ['truncate(event.data.nothing, 5)', ''],
      ['mask("+4930123456789")', '***6789'],
      ['mask("jane@example.com")', 'j***@example.com'],
      ['mask("1234567")', '***'],
      ['mask("")', '***'],
      ['mask(event.data.nothing)', ''],
      ['phone("+12345678913")', '+1 234 567 8913'],
      ['phone(event.data.phone)', '+49 301 234 567 89'],
      ['phone("+35312345678")', '+353 123 456 78'],
      ['phone("anonymous")', 'anonymous'],
      ['phone(event.data.nothing)', ''],
      ['json(event.data.nested)', '{"flag":true,"numbers":[1,2,3]}'],
      ['json([1, 2.5, "a", null])', '[1,2.5,"a",null]'],
    ];
    for (const [text, value] of texts)
      it(`${text} is ${JSON.stringify(value)}`, () => {
        expect(evaluated(text)).to.equal(value);
      });
  });

  describe('duration()', () => {
    const durations: readonly (readonly [string, JsonValue])[] = [
      ['duration(event.data.duration)', '1m 13s'],
      ['duration(3700)', '1h 1m'],
      ['duration(0)', '0s'],
      ['duration(0.25)', '250ms'],
      ['duration(-90)', '-1m 30s'],
      ['duration(event.data.nothing)', ''],
      ['"took " + duration(event.data.duration)', 'took 1m 13s'],
      ['duration(default(event.data.nobody, 3))', '3s'],
      ['event.data.nested.numbers.map(n, duration(n))', ['1s', '2s', '3s']],
      ['duration("90s")', '90s'],
      ['timestamp(event.occurredAt) + duration("1h")', '2026-01-02T04:04:05.678Z'],
      ['timestamp(event.receivedAt) - timestamp(event.occurredAt) < duration("1s")', true],
    ];
    for (const [text, value] of durations)
      it(`${text} is ${JSON.stringify(value)}`, () => {
        expect(evaluated(text)).to.deep.equal(value);
      });
  });

  describe('results', () => {
    const results: readonly (readonly [string, JsonValue])[] = [
      ['1', 1],
      ['9007199254740993', 9007199254740993n],
      ['1u', 1],
      ['[1, [2u, {"a": 3}]]', [1, [2, { a: 3 }]]],
      ['timestamp(event.occurredAt)', '2026-01-02T03:04:05.678Z'],
      ['b"abc"', 'YWJj'],
      ['event.data.?nobody', null],
      ['event.data.?name', 'Jane'],
      ['event.data.nothing', null],
      ['event', event],
    ];
    for (const [text, value] of results)
      it(`gives JSON for ${text}`, () => {
        expect(evaluated(text)).to.deep.equal(value);
      });

    it('hands the data of an event on as it is, not as a copy', () => {
      expect(evaluated('event.data')).to.equal(event.data);
    });

    it('refuses a number that JSON does not have', () => {
      expect(failureOf('1.0 / 0.0')).to.equal('wrong: the result is not a finite number');
    });
  });

  describe('at evaluation', () => {
    it('says which field is missing, as it is written', () => {
      expect(failureOf('event.data.duration > 30 && event.data.a.b == 1')).to.equal('missing: event.data.a is missing');
      expect(failureOf('event.data.tags[9]')).to.equal('missing: event.data.tags[9] is missing');
      expect(failureOf('event.data.nothing.x')).to.equal('missing: event.data.nothing.x is missing');
    });

    it('says which types do not fit together', () => {
      expect(failureOf('event.data.name > 3')).to.equal('wrong: cannot compute string > int in event.data.name > 3');
    });

    it('keeps values out of its messages', () => {
      for (const text of [
        'bool(event.data.name)',
        'duration(event.data.name)',
        'event.data.name.matches("[" + event.data.name)',
      ])
        expect(failureOf(text))
          .to.match(/^wrong: /)
          .and.not.include('Jane');
    });

    it('says in which part of the expression a text is no duration', () => {
      expect(failureOf('duration(event.data.name) > duration("60s")')).to.equal(
        'wrong: Invalid duration string in duration(event.data.name)',
      );
    });

    it('tells failures in one line', () => {
      expect(failureOf('event.data.name\n  > 3')).to.equal('wrong: cannot compute string > int in event.data.name > 3');
    });

    it('sees own fields only', () => {
      for (const name of ['constructor', 'toString', 'hasOwnProperty'])
        expect(failureOf(`event.data.${name}`)).to.match(/^missing: /);
    });

    it('gives the stack traces of others back', () => {
      const before = Error.stackTraceLimit;
      failureOf('event.data.nobody');
      expect(Error.stackTraceLimit).to.equal(before);
    });
  });

  describe('when the file is read', () => {
    const wrong: readonly (readonly [string, string])[] = [
      ['', 'EXPRESSION_SYNTAX 0 the expression is empty'],
      ['event.agnet == "a"', 'EXPRESSION_UNKNOWN_NAME 6 event has no field "agnet"; did you mean "agent"?'],
      ['delivery.atempt > 1', 'EXPRESSION_UNKNOWN_NAME 9 delivery has no field "atempt"; did you mean "attempt"?'],
      ['default(event.agnet, 1)', 'EXPRESSION_UNKNOWN_NAME 14 event has no field "agnet"; did you mean "agent"?'],
      [
        'true && evnt.agent == "a"',
        'EXPRESSION_UNKNOWN_NAME 8 there is no variable "evnt" here, only event, delivery; did you mean "event"?',
      ],
      ['trunc("a", 3)', 'EXPRESSION_UNKNOWN_NAME 0 there is no function "trunc"; did you mean "truncate"?'],
      ['defualt(event.data.x, 3)', 'EXPRESSION_UNKNOWN_NAME 0 there is no function "defualt"; did you mean "default"?'],
      [
        'event.data.x.startWith("a")',
        'EXPRESSION_UNKNOWN_NAME 13 there is no method "startWith"; did you mean "startsWith"?',
      ],
      [
        'timestamp(event.occurredAt).getHours("Nowhere/X") < 8',
        'EXPRESSION_UNKNOWN_NAME 37 there is no time zone "Nowhere/X"; write it like "Europe/Berlin"',
      ],
      [
        '[1].all(n, event.data.at.getDate( "new york" ) == n)',
        'EXPRESSION_UNKNOWN_NAME 34 there is no time zone "new york"; did you mean "America/New_York"?',
      ],
      [
        'event.data.at.getMonth("UTC+2")',
        'EXPRESSION_UNKNOWN_NAME 23 there is no time zone "UTC+2"; did you mean "Etc/GMT-2"?',
      ],
      ['event.type + 1', 'EXPRESSION_TYPE 0 cannot compute string + int'],
      ['truncate("a")', "EXPRESSION_TYPE 0 no way to call 'truncate(string)'"],
      ['event.type = "x"', 'EXPRESSION_SYNTAX 11 unexpected "="; compare with =='],
      ['event.type == "x" and true', 'EXPRESSION_SYNTAX 18 unexpected "and"; write &&'],
      ['event.type == "x" | true', 'EXPRESSION_SYNTAX 18 unexpected "|"; write ||'],
      ['event.data.x >', 'EXPRESSION_SYNTAX 14 the expression ends too early: a value is missing after ">"'],
      ['event.data.x &&\n', 'EXPRESSION_SYNTAX 16 the expression ends too early: a value is missing after "&&"'],
      ['truncate("a",', 'EXPRESSION_SYNTAX 13 the expression ends too early: a value is missing after ","'],
      ['event.data.', 'EXPRESSION_SYNTAX 11 the expression ends too early: a name is missing after "."'],
      ['(event.data.x == 1', 'EXPRESSION_SYNTAX 18 the expression ends too early: ")" is missing'],
      ['event.data.x ? 1', 'EXPRESSION_SYNTAX 16 the expression ends too early: ":" is missing'],
      ['event.data.x > >= 1', 'EXPRESSION_SYNTAX 15 unexpected ">=": a value is missing before it'],
      ['event.data.x && && true', 'EXPRESSION_SYNTAX 16 unexpected "&&": a value is missing before it'],
      ['event.data."x"', 'EXPRESSION_SYNTAX 11 expected a name, found a text'],
      ['"a" "b"', 'EXPRESSION_SYNTAX 4 unexpected a text'],
      ['event.type == "a', `EXPRESSION_SYNTAX 14 the text that begins here is not closed: " is missing`],
      ["it's", "EXPRESSION_SYNTAX 2 the text that begins here is not closed: ' is missing"],
      ['if', 'EXPRESSION_SYNTAX 0 "if" cannot be a name: CEL reserves it'],
      [
        '"a\nb"',
        'EXPRESSION_SYNTAX 2 the line ends before the text is closed: close its quotes, or write \\n for a new line',
      ],
      ['not event.type', 'EXPRESSION_SYNTAX 4 unexpected "event"; write !'],
      ['event.type == "x" AND true', 'EXPRESSION_SYNTAX 18 unexpected "AND"; write &&'],
      ['has(event.data.x or event.data.y)', 'EXPRESSION_SYNTAX 17 expected ")", found "or"; write ||'],
      ['event.data.x && not event.data.y', 'EXPRESSION_SYNTAX 20 unexpected "event"; write !'],
      ['[event.data.x\n  or\n  event.data.y]', 'EXPRESSION_SYNTAX 16 expected "]", found "or"; write ||'],
      ['event.data.x && or event.data.y', 'EXPRESSION_SYNTAX 19 unexpected "event"; write ||'],
      ['not(event.data.x)', 'EXPRESSION_UNKNOWN_NAME 0 there is no function "not"; write !'],
      ['true && Or(true, false)', 'EXPRESSION_UNKNOWN_NAME 8 there is no function "Or"; write ||'],
      ['event.data.x constructor', 'EXPRESSION_SYNTAX 13 unexpected "constructor"'],
      ['${{ event.agent == "a" }}', 'EXPRESSION_SYNTAX 0 unexpected "${{"; write it without ${{ }}'],
      ['event.agent == ${{ "a" }}', 'EXPRESSION_SYNTAX 15 unexpected "${{"; write it without ${{ }}'],
      ...(
        [
          ['event.agent == sales', 15],
          ['sales != event.agent', 0],
          ['event.agent in ["x", sales]', 21],
          ['{sales: 1}[event.agent] == 1', 1],
          ['event.agent.startsWith(sales)', 23],
          ['true ? sales : "b"', 7],
          ['event.agent == sales-team', 15],
        ] as const
      ).map(
        ([text, offset]) =>
          [
            text,
            `EXPRESSION_UNKNOWN_NAME ${offset} there is no variable "sales" here, only event, delivery; did you mean the text "sales", in quotes?`,
          ] as const,
      ),
      ...(['sales.x == 1', '(sales && true)', 'sales'] as const).map(
        (text) =>
          [
            text,
            `EXPRESSION_UNKNOWN_NAME ${text.indexOf('sales')} there is no variable "sales" here, only event, delivery`,
          ] as const,
      ),
      ['[1, 2', 'EXPRESSION_SYNTAX 5 the expression ends too early: "]" is missing'],
      ['"abc', 'EXPRESSION_SYNTAX 0 the text that begins here is not closed: " is missing'],
    ];
    for (const [text, problem] of wrong)
      it(`finds what is wrong with ${JSON.stringify(text)}`, () => {
        expect(problemOf(text)).to.equal(problem);
      });

    it('takes every time zone that can be evaluated', () => {
      for (const zone of ['Europe/Berlin', 'europe/berlin', 'UTC', 'Etc/GMT-2', 'US/Pacific', 'CET'])
        expect(evaluated(`timestamp(event.occurredAt).getFullYear("${zone}")`), zone).to.equal(2026);
      // No literal, or no method of a time: what it is, is known later.
      expect(evaluated('timestamp(event.occurredAt).getFullYear(event.data.nested.flag ? "UTC" : "X")')).to.equal(2026);
    });

    it('wants true or false of a condition', () => {
      expect(problemOf('event.type', ['event'], 'bool')).to.equal(
        'EXPRESSION_TYPE 0 a condition must be true or false, this is string',
      );
      expect(compileExpression('event.data.flag', ['event'], 'bool').text).to.equal('event.data.flag');
    });

    it('takes variables of others as they are', () => {
      const expression = compileExpression('customer.first_name + "!"', ['call', 'customer']);
      expect(expression.evaluate({ customer: { first_name: 'Jane' } })).to.equal('Jane!');
    });

    it('refuses what would exhaust the stack', () => {
      expect(problemOf(`1${' + 1'.repeat(20_000)}`)).to.match(/^EXPRESSION_SYNTAX /);
      expect(problemOf(`${'('.repeat(20_000)}1`)).to.match(/^EXPRESSION_SYNTAX /);
    });
  });

  it('knows which names can be variables', () => {
    for (const name of ['customer', 'a', 'first_name', '_x', 'size', 'default'])
      expect(isVariableName(name), name).to.equal(true);
    for (const name of [
      'first-name',
      '1a',
      '',
      'in',
      'true',
      'null',
      'as',
      'int',
      'map',
      'type',
      'optional',
      'toString',
      '__proto__',
    ])
      expect(isVariableName(name), name).to.equal(false);
  });
});
