import plugin from '@switchhook/plugin-pick';
import { type JsonObject, type JsonValue, z } from '@switchhook/sdk';
import { anEvent, createComponent, fakeServices, transformSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';
import { fuzzing } from '../../../test/support/fuzzing.js';

const [component] = plugin.components;
const services = fakeServices();
const make = (options: JsonObject) => createComponent('transform', component, options, services);
const picked = (options: JsonObject, data: JsonObject): JsonValue | undefined =>
  make(options).apply(anEvent({ data }))?.data;

transformSuite('pick with keep', () => make({ keep: ['duration', 'analysis.summary'] }));
transformSuite('pick with drop', () => make({ drop: ['duration', 'turns.*.text'] }));

const data: JsonObject = {
  id: 8202522731445525543n,
  analysis: { summary: 'Wants an invoice', score: null, raw: { tokens: [1, 2] } },
  turns: [{ role: 'user', text: 'Hi' }, { role: 'agent' }, 'noise', { role: 'user', text: 'Bye' }],
  constructor: 'ACME Builders',
};

describe('pick', () => {
  it('keeps the named fields, whole, and the maps around them', () => {
    expect(picked({ keep: ['id', 'analysis.summary', 'constructor'] }, data)).to.deep.equal({
      id: 8202522731445525543n,
      analysis: { summary: 'Wants an invoice' },
      constructor: 'ACME Builders',
    });
    expect(picked({ keep: ['analysis.raw'] }, data)).to.deep.equal({ analysis: { raw: { tokens: [1, 2] } } });
    expect(picked({ keep: ['analysis.score'] }, data)).to.deep.equal({ analysis: { score: null } });
  });

  it('keeps a field of every item of a list, without the items that do not have it', () => {
    expect(picked({ keep: ['turns.*.text'] }, data)).to.deep.equal({ turns: [{ text: 'Hi' }, { text: 'Bye' }] });
    expect(picked({ keep: ['turns.1'] }, data)).to.deep.equal({ turns: [{ role: 'agent' }] });
  });

  it('drops the named fields and leaves all others as they are', () => {
    expect(picked({ drop: ['analysis.raw', 'turns.*.text', 'unknown.field', 'id.inner'] }, data)).to.deep.equal({
      ...data,
      analysis: { summary: 'Wants an invoice', score: null },
      turns: [{ role: 'user' }, { role: 'agent' }, 'noise', { role: 'user' }],
    });
    expect(picked({ drop: ['turns.0', 'analysis', 'constructor'] }, { turns: [1, 2] })).to.deep.equal({ turns: [2] });
  });

  it('drops from what is kept', () => {
    expect(picked({ keep: ['analysis'], drop: ['analysis.raw', 'id'] }, data)).to.deep.equal({
      analysis: { summary: 'Wants an invoice', score: null },
    });
  });

  it('returns the event itself where nothing changes, and no data where nothing is kept', () => {
    const event = anEvent({ data });
    expect(make({ drop: ['unknown', 'turns.*.unknown'] }).apply(event)).to.equal(event);
    expect(picked({ keep: ['unknown.field'] }, data)).to.deep.equal({});
  });

  it('is refused without a path, and with one that leads nowhere', () => {
    for (const options of [{}, { keep: [] }, { drop: ['turns[*].text'] }, { keep: ['event.data.id'] }])
      expect(() => make(options), JSON.stringify(options)).to.throw(z.ZodError);
  });

  const name = fc.constantFrom('a', 'b', 'c', '0', 'constructor', 'toString');
  const json = fc.letrec<{ readonly value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, '', 'text', 7, 8202522731445525543n),
      fc.array(tie('value')),
      fc.dictionary(name, tie('value')),
    ),
  })).value;
  const anyData = fc.dictionary(name, json);
  // An index means another item once one before it is removed.
  const step = fc.constantFrom('a', 'b', 'c', 'constructor', 'toString', '*');
  const anyPaths = fc.array(
    fc.array(step, { minLength: 1, maxLength: 3 }).map((steps) => steps.join('.')),
    { minLength: 1, maxLength: 4 },
  );

  it('of everything is the identity, and without everything is nothing', () => {
    fc.assert(
      fc.property(anyData, (whole) => {
        const event = anEvent({ data: whole });
        expect(make({ keep: ['*'] }).apply(event)).to.equal(event);
        expect(picked({ drop: ['*'] }, whole)).to.deep.equal({});
      }),
      fuzzing(100),
    );
  });

  it('keeps nothing of what is dropped, and everything that is kept', () => {
    fc.assert(
      fc.property(anyData, anyPaths, (whole, written) => {
        const kept = picked({ keep: written }, whole) as JsonObject;
        const dropped = picked({ drop: written }, whole) as JsonObject;
        expect(picked({ keep: written }, kept)).to.deep.equal(kept);
        expect(picked({ drop: written }, dropped)).to.deep.equal(dropped);
        expect(leaves(picked({ keep: written, drop: written }, whole) ?? null)).to.deep.equal([]);
        expect(leaves(kept).length + leaves(dropped).length).to.equal(leaves(whole).length);
      }),
      fuzzing(200),
    );
  });

  it('takes time that grows with the body only', () => {
    const turns = Array.from({ length: 10_000 }, (_, index) => ({ index, role: 'user', text: 'x'.repeat(60) }));
    const event = anEvent({ data: { turns } });
    const transform = make({ drop: ['turns.*.text'] });
    transform.apply(event);
    const startedAtMs = performance.now();
    transform.apply(event);
    expect(performance.now() - startedAtMs).to.be.below(2_000);
  });
});

/** Values that are no maps and lists. */
function leaves(value: JsonValue): readonly JsonValue[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [value];
}
