import { compileExpression } from '@switchhook/core/internal';
import { type Fit, type JsonValue, type Scope, scopes, template, text } from '@switchhook/sdk';
import { reading } from '@switchhook/sdk/internal';
import { expect } from 'chai';

const reader = { compile: compileExpression, secret: () => {} };
const loud: Fit = (value) => value.toUpperCase();
const scope: Scope = { event: { data: { a: 'one', n: 7, map: { b: ['two', 2] } } } };
const filledText = (written: string, fit?: Fit): string =>
  reading(reader, () => text('A text.', scopes.destination, fit).parse(written)).render(scope);
const resolved = (written: JsonValue, fit?: Fit): JsonValue =>
  reading(reader, () => template('A value.', scopes.destination, fit).parse(written)).render(scope);

describe('fitting a value to its place', () => {
  it('changes what comes from expressions, never what is written in the file', () => {
    expect(filledText('say ${{ event.data.a }}, ${{ event.data.a }}', loud)).to.equal('say ONE, ONE');
    expect(resolved({ say: 'x ${{ event.data.a }}', as: 'is' }, loud)).to.deep.equal({ say: 'x ONE', as: 'is' });
  });

  it('sees a value of a text as the text it becomes, names of fields included', () => {
    expect(filledText('${{ event.data.map }}', loud)).to.equal('{"B":["TWO",2]}');
  });

  it('reaches every string in a value that keeps its type', () => {
    expect(resolved('${{ event.data.map }}', loud)).to.deep.equal({ b: ['TWO', 2] });
    expect(resolved(['${{ event.data.n }}'], loud)).to.deep.equal([7]);
  });

  it('is told what stands before the value, as it has been rendered', () => {
    const before: string[] = [];
    filledText('a${{ event.data.a }}b${{ event.data.n }}', (value, done) => {
      before.push(done);
      return `<${value}>`;
    });
    expect(before).to.deep.equal(['a', 'a<one>b']);
  });

  it('is not asked where there is no expression', () => {
    const never: Fit = () => {
      throw new Error('asked');
    };
    expect(filledText('plain', never)).to.equal('plain');
    expect(resolved({ plain: ['text'] }, never)).to.deep.equal({ plain: ['text'] });
  });
});
