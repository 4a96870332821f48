import plugin from '@switchhook/plugin-basic';
import type { JsonObject } from '@switchhook/sdk';
import { aRequest, createComponent, eventOf, fakeServices, refusalOf, sourceSuite } from '@switchhook/testkit';
import { expect } from 'chai';

const [component] = plugin.components;
const sample = component?.samples?.['call.ended'] as JsonObject;
const users = { crm: 'open:sesame', jürgen: ['newer', 'päss'] };
const source = (options: JsonObject = { users }) => createComponent('source', component, options, fakeServices());

sourceSuite('basic', () => ({
  source: source(),
  sample,
  bodyUnsigned: true,
  different: [{ type: 'call.ended', call_id: 'call:1' }, { type: 'call.ended:call', call_id: '1' }, { x: 1 }],
  signing: {
    other: source({ users: { crm: 'open:sesamo' } }),
    last: source({ users: { jürgen: 'päss' } }),
    toleranceMs: null,
  },
}));

const base64 = (text: string) => Buffer.from(text).toString('base64');
const sent = (authorization: string) => aRequest({ body: sample, headers: { authorization } });

describe('basic', () => {
  for (const [what, value] of [
    ['a user with a colon in the password', `Basic ${base64('crm:open:sesame')}`],
    ['each of several passwords', `Basic ${base64('jürgen:newer')}`],
    ['names and passwords in UTF-8', `basic ${base64('jürgen:päss')}`],
  ] as const)
    it(`accepts ${what}`, async () => {
      expect(await eventOf(source(), sent(value))).to.deep.include({
        type: 'call.ended',
        subject: 'call_1',
        data: sample,
      });
    });

  const good = base64('crm:open:sesame');
  for (const [what, value, reason] of [
    ['no header', '', /Authorization is missing/],
    ['another scheme', `Bearer ${good}`, /does not start with "Basic "/],
    ['another password', `Basic ${base64('crm:other')}`, /not a configured one/],
    ['the password of another user', `Basic ${base64('crm:newer')}`, /not a configured one/],
    ['a user without a password', `Basic ${base64('crm')}`, /not a configured one/],
    ['an empty password', `Basic ${base64('crm:')}`, /not a configured one/],
    ['one flipped bit', `Basic ${base64('crm:open:sesamd')}`, /not a configured one/],
    ['a truncated header', `Basic ${good.slice(0, -1)}`, /not a configured one/],
    ['what is not base64', 'Basic crm:open:sesame', /not a configured one/],
  ] as const)
    it(`refuses ${what}`, async () => {
      const refusal = await refusalOf(source(), sent(value));
      expect(refusal?.code).to.equal('UNVERIFIED');
      expect(refusal?.message).to.match(reason).and.not.include('sesam');
    });

  it('finds mistakes in its options', () => {
    expect(() => source({ users: {} })).to.throw('at least one user');
    expect(() => source({ users: { 'a:b': 'a-password' } })).to.throw('no colon');
    expect(() => source({ users: { a: '' } })).to.throw('users');
  });
});
