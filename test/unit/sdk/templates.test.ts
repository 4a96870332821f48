import { compileExpression } from '@switchhook/core/internal';
import { isExpressionError, type JsonValue, template, text, z } from '@switchhook/sdk';
import { nameTemplates, reading } from '@switchhook/sdk/internal';
import { expect } from 'chai';

const reader = { compile: compileExpression, secret: () => {} };
const event = { type: 'ended', subject: null, data: { name: 'Jane', n: 3, list: [1, 2] } };

function rendered(value: JsonValue): JsonValue {
  return reading(reader, () => template('Anything.', ['event']).parse(value)).render({ event });
}

function issuesOf(value: JsonValue) {
  const result = reading(reader, () => template('Anything.', ['event']).safeParse(value));
  return result.error?.issues.map(({ path, message, ...issue }) => ({ path, message, issue })) ?? [];
}

describe('templates', () => {
  const texts: readonly (readonly [string, JsonValue])[] = [
    ['plain', 'plain'],
    ['Hello ${{ event.data.name }}!', 'Hello Jane!'],
    ['${{ event.data.name }}${{ event.data.n }}', 'Jane3'],
    ['${{event.data.n}}', 3],
    ['  ${{ event.data.n }}', '  3'],
    ['list: ${{ event.data.list }}', 'list: [1,2]'],
    ['nobody: ${{ event.subject }}.', 'nobody: .'],
    ['${{ {"a": {"b": 1}} }}', { a: { b: 1 } }],
    ['${{ {"a": {"b": 1}}}}', { a: { b: 1 } }],
    ['${{ "}}" }}', '}}'],
    ['${{ \'}}\' + "{{" }}', '}}{{'],
    ['${{ "\\"}}" }}', '"}}'],
    ['${{ """a}}"b""" }}', 'a}}"b'],
    ['${{ r"}}" }}', '}}'],
    ['a }} b ${{ event.type }} }}', 'a }} b ended }}'],
    ['literal $${{ event.type }}', 'literal ${{ event.type }}'],
    ['$${{ a }} ${{ event.type }}', '${{ a }} ended'],
    ['', ''],
  ];
  for (const [value, result] of texts)
    it(`renders ${JSON.stringify(value)}`, () => {
      expect(rendered(value)).to.deep.equal(result);
    });

  it('renders every text of a nested value and leaves the rest alone', () => {
    expect(rendered({ a: ['x ${{ event.data.n }}', 1, null, { b: '${{ event.data.list }}' }] })).to.deep.equal({
      a: ['x 3', 1, null, { b: [1, 2] }],
    });
  });

  it('writes other values as JSON in a text', () => {
    const made = reading(reader, () => text('A text.', ['event']).parse('${{ event.data.list }}'));
    expect(made.render({ event })).to.equal('[1,2]');
  });

  it('says in which option, and where in it, an expression cannot be evaluated', () => {
    const schema = z.strictObject({
      to: text('A text.', ['event']),
      values: template('Any.', ['event']),
      to2: z.any(),
    });
    const made = reading(reader, () =>
      schema.parse({ to: 'x ${{ event.data.a }}', values: { b: ['c', '${{ event.data.b }}'] }, to2: { to: 1 } }),
    );
    nameTemplates(made);
    const failureOf = (render: (scope: { readonly event: object }) => JsonValue) => {
      try {
        return render({ event });
      } catch (error) {
        return isExpressionError(error) ? [error.option, error.message, error.place, error.missing] : error;
      }
    };
    expect(failureOf(made.to.render)).to.deep.equal(['to', 'event.data.a is missing', 'event.data.a', true]);
    expect(failureOf(made.values.render)).to.deep.equal([
      ...['values.b.1', 'event.data.b is missing', 'event.data.b', true],
    ]);
  });

  it('is constant where no expression is in it, escapes included', () => {
    const constant = (value: JsonValue) => reading(reader, () => template('Any.', ['event']).parse(value)).constant;
    expect([constant('a'), constant('$${{ a }}'), constant({ a: ['b', 1] })]).to.deep.equal([true, true, true]);
    expect([constant('${{ 1 }}'), constant({ a: ['b', '${{ 1 }}'] })]).to.deep.equal([false, false]);
  });

  it('tells what stands before the first expression of a text, escapes read', () => {
    const prefix = (value: string) => reading(reader, () => text('Any.', ['event']).parse(value)).prefix;
    expect(prefix('a ${{ 1 }} b ${{ 2 }}')).to.equal('a ');
    expect(prefix('a $${{ b }} ${{ 1 }} c')).to.equal('a ${{ b }} ');
    expect([prefix('${{ 1 }} a'), prefix(''), prefix('a $${{')]).to.deep.equal(['', '', 'a ${{']);
  });

  it('says at which character an expression is wrong, and in which part', () => {
    const [first, second] = issuesOf({ a: ['ok', 'see ${{  event.typ }} and ${{ event.tpye }}'] });
    expect(first?.path).to.deep.equal(['a', 1]);
    expect(first?.issue).to.deep.include({ params: { problem: 'EXPRESSION_UNKNOWN_NAME', offset: 15 } });
    expect(second?.issue).to.deep.include({ params: { problem: 'EXPRESSION_UNKNOWN_NAME', offset: 36 } });
  });

  it('misses the end of an expression', () => {
    expect(issuesOf('a ${{ event.type').map(({ message }) => message)).to.deep.equal([
      'the expression has no closing }}',
    ]);
  });

  it('lets CEL say what is wrong with a text that does not end', () => {
    expect(issuesOf('${{ event.type == "x }} b').map(({ message }) => message)).to.deep.equal([
      'the text that begins here is not closed: " is missing',
    ]);
  });
});
