import plugin from '@switchhook/plugin-bearer';
import type { JsonObject, Source } from '@switchhook/sdk';
import {
  aRequest,
  createComponent,
  eventOf,
  fakeServices,
  refusalOf,
  signedRequest,
  sourceSuite,
} from '@switchhook/testkit';
import { expect } from 'chai';

const [component] = plugin.components;
const sample = component?.samples?.['call.ended'] as JsonObject;
const token = 'c2VjcmV0-token';
const source = (options: JsonObject = {}) =>
  createComponent('source', component, { tokens: token, ...options }, fakeServices());

const different = [{ type: 'call.ended', call_id: 'call:1' }, { type: 'call.ended:call', call_id: '1' }, { x: 1 }];
for (const options of [{}, { header: 'X-Vapi-Secret' }, { header: 'X-Token', prefix: 'Token ' }])
  sourceSuite(`bearer in ${options.header ?? 'Authorization'}`, () => ({
    source: source({ ...options, tokens: ['token-added', token] }),
    sample,
    bodyUnsigned: true,
    different,
    signing: { other: source({ ...options, tokens: 'another' }), last: source(options), toleranceMs: null },
  }));

const sent = (headers: Record<string, string>) => aRequest({ body: sample, headers });
const type = async (own: Source, headers: Record<string, string>) => (await eventOf(own, sent(headers))).type;

describe('bearer', () => {
  it('makes an event of the body', async () => {
    expect(await eventOf(source(), sent({ authorization: `Bearer ${token}` }))).to.deep.include({
      type: 'call.ended',
      subject: 'call_1',
      occurredAtMs: Date.UTC(2026, 1, 2, 13, 1, 55),
      data: sample,
    });
  });

  it('accepts the name of the scheme in any case, spaces around the token, and each of several tokens', async () => {
    const own = source({ tokens: ['newer', token] });
    for (const value of [`Bearer ${token}`, `bearer ${token}`, `BEARER   ${token} `, 'Bearer newer'])
      expect(await type(own, { authorization: value })).to.equal('call.ended');
  });

  it('accepts a token in another header, with or without a prefix', async () => {
    expect(await type(source({ header: 'X-Api-Key' }), { 'x-api-key': token })).to.equal('call.ended');
    const own = source({ header: 'authorization', prefix: 'Token ' });
    expect(await type(own, { authorization: `Token ${token}` })).to.equal('call.ended');
    expect(signedRequest(own, sample).headers.authorization).to.equal(`Token ${token}`);
  });

  const flipped = `${String.fromCharCode(token.charCodeAt(0) ^ 1)}${token.slice(1)}`;
  for (const [what, headers, reason] of [
    ['no header', {}, /Authorization is missing/],
    ['an empty header', { authorization: '' }, /Authorization is missing/],
    ['the prefix alone', { authorization: 'Bearer ' }, /not a configured one/],
    ['another scheme', { authorization: `Basic ${token}` }, /does not start with "Bearer "/],
    ['a token without the scheme', { authorization: token }, /does not start/],
    ['another token', { authorization: 'Bearer other' }, /not a configured one/],
    ['one flipped bit', { authorization: `Bearer ${flipped}` }, /not a configured one/],
    ['a truncated token', { authorization: `Bearer ${token.slice(0, -1)}` }, /not a configured one/],
    ['a longer token', { authorization: `Bearer ${token}x` }, /not a configured one/],
    ['the token in capitals', { authorization: `Bearer ${token.toUpperCase()}` }, /not a configured one/],
    ['the token twice', { authorization: `Bearer ${token}, ${token}` }, /not a configured one/],
    ['the token in another header', { 'x-api-key': token }, /Authorization is missing/],
  ] as const)
    it(`refuses ${what}`, async () => {
      const refusal = await refusalOf(source(), sent(headers));
      expect(refusal?.code).to.equal('UNVERIFIED');
      expect(refusal?.message).to.match(reason).and.not.include(token);
    });

  it('finds mistakes in its options', () => {
    expect(() => source({ tokens: '' })).to.throw('tokens');
    expect(() => source({ tokens: [] })).to.throw('tokens');
    expect(() => source({ header: 'x y' })).to.throw('name of an HTTP header');
  });
});
