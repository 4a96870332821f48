import plugin from '@switchhook/plugin-static';
import { type JsonObject, type Resolver, z } from '@switchhook/sdk';
import { aCall, createComponent, fakeServices, resolverSuite } from '@switchhook/testkit';
import { expect } from 'chai';

const [component] = plugin.components;
const signal = (): AbortSignal => new AbortController().signal;

function make(values: JsonObject): Resolver {
  return createComponent('resolver', component, { values }, fakeServices());
}

resolverSuite('static', async () => ({ resolver: make({ company: 'Acme' }), known: aCall(), close: async () => {} }), {
  knowsEverybody: true,
  never: ['hang', 'down', 'cutOff'],
});

describe('static', () => {
  it('knows texts, numbers and booleans as they are written', async () => {
    const values = { company: 'Acme', floor: 3, open: true, motto: '' };
    expect(await make(values).resolve(aCall(), {}, signal(), 3_000)).to.deep.equal(values);
  });

  it('fills in what is known of the call and of other resolvers', async () => {
    const resolver = make({
      line: 'You called ${{ call.to }}',
      number: '${{ call.data.queue }}',
      greeting: '${{ known.customer.first_name + "!" }}',
    });
    const found = await resolver.resolve(
      aCall({ to: '+1', data: { queue: 7 } }),
      { customer: { first_name: 'Jane' } },
      signal(),
      3_000,
    );
    expect(found).to.deep.equal({ line: 'You called +1', number: 7, greeting: 'Jane!' });
  });

  it('leaves out only the values whose fields are not there', async () => {
    const resolver = make({ company: 'Acme', queue: '${{ call.data.queue }}', name: '${{ known.customer.name }}' });
    expect(await resolver.resolve(aCall(), {}, signal(), 3_000)).to.deep.equal({ company: 'Acme' });
  });

  it('says when values do not fit together', async () => {
    const resolver = make({ sum: '${{ call.data.a + call.data.b }}' });
    const said = await resolver.resolve(aCall({ data: { a: 1, b: 'x' } }), {}, signal(), 3_000).then(
      () => 'nothing',
      (error: Error) => error.name,
    );
    expect(said).to.equal('ExpressionError');
  });

  it('refuses values that no variable can have', () => {
    for (const value of [null, [], {}, ['a'], { a: 1 }, '${{ event.id }}'])
      expect(() => make({ value }), JSON.stringify(value)).to.throw(z.ZodError);
  });
});
