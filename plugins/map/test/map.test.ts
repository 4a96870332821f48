import plugin from '@switchhook/plugin-map';
import { isExpressionError, type JsonObject, type JsonValue, z } from '@switchhook/sdk';
import { anEvent, createComponent, fakeServices, transformSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';
import { fuzzing } from '../../../test/support/fuzzing.js';

const [component] = plugin.components;
const services = fakeServices();
const make = (map: JsonValue) => createComponent('transform', component, { map }, services);
const mapped = (map: JsonValue, data: JsonObject): JsonValue | undefined => make(map).apply(anEvent({ data }))?.data;

transformSuite('map', () => make({ to: { id: '${{ event.subject }}' }, all: '${{ event.data }}' }));

describe('map', () => {
  it('makes the data of templates, of which one that is alone keeps the type of its value', () => {
    const map = {
      to: { id: '${{ event.subject }}', note: 'Took ${{ event.data.duration }} s' },
      seconds: '${{ event.data.duration }}',
      tags: ['call', '${{ event.data.tags[0] }}'],
      fixed: [1, true, null],
    };
    expect(mapped(map, { duration: 73, tags: ['vip'], secret: 'x' })).to.deep.equal({
      to: { id: 'conv_1', note: 'Took 73 s' },
      seconds: 73,
      tags: ['call', 'vip'],
      fixed: [1, true, null],
    });
  });

  it('changes nothing else of the event', () => {
    const event = anEvent();
    expect(make({}).apply(event)).to.deep.equal({ ...event, data: {} });
  });

  it('takes the map that one expression results in, and nothing else', () => {
    const analysis = { score: 8202522731445525543n };
    expect(mapped('${{ event.data.analysis }}', { analysis })).to.deep.equal(analysis);
    for (const [value, name] of [
      [[1], 'a list'],
      ['x', 'a text'],
      [1, 'a number'],
      [null, 'nothing'],
    ] as const)
      expect(() => mapped('${{ event.data.analysis }}', { analysis: value })).to.throw(
        `\`map\` made ${name} of the event; expected a map`,
      );
  });

  it('throws where a field is missing, unless the expression has a default', () => {
    expect(() => mapped({ a: '${{ event.data.unknown }}' }, {}))
      .to.throw()
      .that.satisfies(isExpressionError);
    expect(mapped({ a: '${{ default(event.data.unknown, null) }}' }, {})).to.deep.equal({ a: null });
  });

  it('is refused where it can never be a map, and where it uses other variables than event', () => {
    for (const map of [
      'text',
      'a ${{ event.data }}',
      7,
      null,
      [],
      { a: '${{ delivery.id }}' },
      { a: '${{ event.subjct }}' },
    ])
      expect(() => make(map), JSON.stringify(map)).to.throw(z.ZodError);
  });

  it('of all data to themselves is the identity', () => {
    const transform = make('${{ event.data }}');
    const entries = make({ copy: '${{ event.data }}' });
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          fc.jsonValue(),
        ),
        (data) => {
          const event = anEvent({ data: data as JsonObject });
          expect(transform.apply(event)).to.deep.equal(event);
          expect(entries.apply(event)?.data).to.deep.equal({ copy: data });
        },
      ),
      fuzzing(200),
    );
  });
});
