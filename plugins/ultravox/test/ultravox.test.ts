import { createHmac } from 'node:crypto';
import plugin from '@switchhook/plugin-ultravox';
import type { JsonObject } from '@switchhook/sdk';
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

const secret = 'secret_of_the_tests';
const [component] = plugin.components;
const samples = Object.entries(component?.samples ?? {});
const setup = (options: JsonObject = {}) =>
  createComponent('source', component, { secrets: secret, ...options }, fakeServices());

for (const [name, sample] of samples)
  sourceSuite(`ultravox.events with ${name}`, () => ({
    source: setup({ secrets: ['secret_added', secret] }),
    sample,
    different: samples.flatMap(([other, body]) => (other === name ? [] : [body])),
    signing: { other: setup({ secrets: 'another secret' }), last: setup({ secrets: secret }), toleranceMs: 300_000 },
  }));

describe('ultravox.events', () => {
  const body = JSON.stringify({ event: 'call.ended', call: { callId: 'call_é' } });
  const hex = (time: string, key = secret) => createHmac('sha256', key).update(`${body}${time}`).digest('hex');
  const receive = async (time: string, signature: string, options: JsonObject = {}) => {
    const headers = { 'x-ultravox-webhook-timestamp': time, 'x-ultravox-webhook-signature': signature };
    return (await refusalOf(setup(options), aRequest({ body, headers })))?.message ?? 'accepted';
  };

  it('accepts the HMAC of the body followed by the time, in ISO 8601 or as a number, among several signatures', async () => {
    for (const time of ['2025-12-31T23:59:59.123456+00:00', '2026-01-01T00:00:30Z', '1767225600', '1767225600000'])
      expect(await receive(time, `${hex(time, 'older')}, ${hex(time)}`), time).to.equal('accepted');
    const old = '2025-12-31T23:54:59Z';
    expect(await receive(old, hex(old))).to.equal('the timestamp is 301 s old, 300 s are allowed');
    expect(await receive(old, hex(old), { signature: { tolerance: '10m' } })).to.equal('accepted');
    expect(await receive('1767225600', hex('1767225601'))).to.include('does not match');
  });

  it('has settings for what is assumed, which must fit together', async () => {
    const headers = { 'x-sig': createHmac('sha512', secret).update(body).digest('base64') };
    const signature = { header: 'x-sig', algorithm: 'sha512', encoding: 'base64', signed: '{body}' };
    expect(() => setup({ signature })).to.throw('{timestamp}');
    expect(() => setup({ signature: { signed: '{timestamp}' } })).to.throw('without {body}');
    const timed = { ...signature, signed: '{body}{timestamp}' };
    expect((await refusalOf(setup({ signature: timed }), aRequest({ body, headers })))?.message).to.include(
      'is missing',
    );
  });

  it('reads the fields of a call', async () => {
    const call = {
      callId: 'call_1',
      agentId: 'agent_1',
      created: '2026-01-01T00:00:00Z',
      joined: '2026-01-01T00:00:02Z',
    };
    const data = { event: 'call.started', call, x_new: { a: 1 } };
    const { body: bytes, ...draft } = await eventOf(setup(), signedRequest(setup(), data));
    expect(draft).to.deep.equal({
      key: 'call.started:call_1',
      type: 'call.started',
      subject: 'call_1',
      agent: 'agent_1',
      party: null,
      occurredAtMs: 1_767_225_600_000,
      data,
    });
    expect(JSON.parse(String(bytes))).to.deep.equal(data);
    const joined = await eventOf(setup(), signedRequest(setup(), { ...data, event: 'call.joined' }));
    expect(joined.occurredAtMs).to.equal(1_767_225_602_000);
    const fields = { party: 'body.call.metadata.from' };
    const known = { ...data, call: { ...call, metadata: { from: '+12345678912' } } };
    expect((await eventOf(setup({ fields }), signedRequest(setup(), known))).party).to.equal('+12345678912');
  });

  it('takes a start or an end with other bytes for the same event, anything else for a new one', async () => {
    const keysOf = async (event: string, call: JsonObject) => {
      const bodies = [1, 2].map((n) => signedRequest(setup(), { event, call, n }));
      return new Set((await Promise.all(bodies.map((one) => eventOf(setup(), one)))).map(({ key }) => key));
    };
    for (const event of ['call.started', 'call.ended']) {
      expect(await keysOf(event, { callId: 'call_1' })).to.have.length(1);
      expect(await keysOf(event, {})).to.have.length(2);
    }
    for (const event of ['call.joined', 'call.billed', 'new'])
      expect(await keysOf(event, { callId: 'call_1' })).to.have.length(2);
  });

  it('keeps events of types and shapes that are not documented, and refuses those without a type', async () => {
    for (const call of [null, [], 'x', 7]) {
      const draft = await eventOf(setup(), signedRequest(setup(), { event: 'something.new', call }));
      expect([draft.type, draft.subject, draft.occurredAtMs]).to.deep.equal(['something.new', null, null]);
    }
    const refusal = await refusalOf(setup(), signedRequest(setup(), { call: {} }));
    expect([refusal?.code, refusal?.message.split(',')[0]]).to.deep.equal(['MALFORMED', 'the field event of the body']);
  });
});
