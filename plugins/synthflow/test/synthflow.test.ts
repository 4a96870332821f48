import { createHmac } from 'node:crypto';
import plugin from '@switchhook/plugin-synthflow';
import type { JsonObject, RawRequest } from '@switchhook/sdk';
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
const component = (type: string) => plugin.components.find((one) => one.type === type);
const setup = (type: string, options: JsonObject = {}) => {
  const given = type === 'synthflow.call' ? { tokens: secret } : { secrets: secret };
  return createComponent('source', component(type), { ...given, ...options }, fakeServices());
};
const sampleOf = (type: string): JsonObject => Object.values(component(type)?.samples ?? {})[0] ?? {};
const events = setup('synthflow.events');
const calls = setup('synthflow.call');
const callOf = async (body: JsonObject, receivedAtMs?: number) => {
  const request = signedRequest(calls, body);
  const reception = await calls.receive({ ...request, receivedAtMs: receivedAtMs ?? request.receivedAtMs });
  if (reception.kind !== 'call') throw new Error('expected a call');
  return reception;
};

// Only the id of the call is signed.
for (const options of [{}, { header: 'X-Signature' }])
  sourceSuite(`synthflow.events with the header ${options.header ?? 'of the documentation'}`, () => ({
    source: setup('synthflow.events', { secrets: ['secret_added', secret], ...options }),
    sample: sampleOf('synthflow.events'),
    bodyUnsigned: true,
    different: [{ call: { call_id: 'call_1' } }, { call: { call_id: 'call_1' }, status: 'failed' }],
    signing: {
      other: setup('synthflow.events', { secrets: 'another secret', ...options }),
      last: setup('synthflow.events', { secrets: secret, ...options }),
      toleranceMs: null,
    },
  }));
sourceSuite('synthflow.call', () => ({
  source: setup('synthflow.call', { tokens: ['token/of the tests', secret] }),
  sample: sampleOf('synthflow.call'),
  bodyUnsigned: true,
  signing: { other: setup('synthflow.call', { tokens: 'other' }), last: calls, toleranceMs: null },
}));

describe('the signature of Synthflow', () => {
  const body = '{"status":"completed","call":{"call_id":"call_é"}}';
  const signature = createHmac('sha256', secret).update('call_é').digest('base64');
  const receive = async (headers: Record<string, string>, options: JsonObject = {}, text = body) => {
    const refusal = await refusalOf(setup('synthflow.events', options), aRequest({ body: text, headers }));
    return refusal === null ? 'accepted' : `${refusal.code}: ${refusal.message}`;
  };

  it('is the HMAC of the id of the call, in one of the headers that may be meant', async () => {
    for (const name of ['synthflow-signature', 'http_synthflow_signature', 'http-synthflow-signature'])
      expect(await receive({ [name]: signature }, { secrets: ['other', secret] }), name).to.equal('accepted');
    expect(await receive({ 'x-other': signature })).to.include('UNVERIFIED: header Synthflow-Signature is missing');
    expect(await receive({ 'x-other': signature }, { header: 'X-Other' })).to.equal('accepted');
    expect(await receive({ 'synthflow-signature': signature }, { header: 'X-Other' })).to.include('X-Other is missing');
  });

  it('is refused for another call, and for a body without one', async () => {
    const headers = { 'synthflow-signature': signature };
    expect(await receive(headers, {}, body.replace('call_é', 'call_e'))).to.include(
      'UNVERIFIED: signature does not match',
    );
    for (const text of ['{}', '{"call":{"call_id":""}}', '{"call":{"call_id":7}}', '{"call_id":"call_é"}'])
      expect(await receive(headers, {}, text), text).to.include('UNVERIFIED: the body has no call.call_id');
  });
});

describe('synthflow.events', () => {
  it('reads the fields of a call', async () => {
    const data = { ...sampleOf('synthflow.events'), x_new: { a: 1 } };
    const { body, key, ...draft } = await eventOf(events, signedRequest(events, data));
    expect(draft).to.deep.equal({
      type: 'post_call',
      subject: '1767225600x768387119913843100',
      agent: 'agent_sales',
      party: '+12345678912',
      occurredAtMs: 1_767_225_600_000,
      data,
    });
    expect(key).to.match(/^post_call:1767225600x768387119913843100:[\da-f]{32}$/);
    expect(JSON.parse(String(body))).to.deep.equal(data);
    const source = setup('synthflow.events', { fields: { type: 'body.status' } });
    expect((await eventOf(source, signedRequest(source, data))).type).to.equal('completed');
  });

  it('keeps shapes that are not documented, and refuses what waits for an answer', async () => {
    const call = { call_id: 'call_1' };
    for (const other of [null, [], 'x', 7]) {
      const draft = await eventOf(events, signedRequest(events, { call, lead: other, status: other, event: other }));
      expect([draft.subject, draft.party, draft.occurredAtMs]).to.deep.equal(['call_1', null, null]);
    }
    const refusal = await refusalOf(events, signedRequest(events, sampleOf('synthflow.call')));
    expect(refusal?.message).to.include('synthflow.call');
  });
});

describe('synthflow.call', () => {
  const sample = sampleOf('synthflow.call');

  it('reads the call', async () => {
    const { call, event, deadlineMs, retryMs } = await callOf(sample);
    const numbers = { from: '+12345678912', to: '+12345678913' };
    expect(call).to.deep.equal({ id: null, ...numbers, agent: 'agent_sales', data: sample });
    expect([event.type, event.subject, event.agent, event.party]).to.deep.equal([
      'call_inbound',
      null,
      'agent_sales',
      '+12345678912',
    ]);
    expect([deadlineMs, retryMs]).to.deep.equal([5_000, 20_000]);
  });

  it('is one event in all its tries where an id is sent, else one for each request', async () => {
    const keysOf = async (body: JsonObject) =>
      [await callOf(body), await callOf(body, 1_767_225_609_000)].map(({ event }) => event.key);
    expect(new Set(await keysOf(sample))).to.have.length(2);
    const named = { event: 'call_inbound', call_inbound: { call_id: 'call_1' } };
    expect(await keysOf(named)).to.deep.equal(['call_inbound:call_1', 'call_inbound:call_1']);
  });

  it('names no agent where the answer names none, so that the call is not disconnected, and reads its replies again', async () => {
    const { answerIn } = component('synthflow.call') ?? {};
    const { reply, fallback } = await callOf(sample);
    const variables = { first_name: 'Jim', tier: '' };
    for (const [overrideAgent, override_model_id] of [
      ['agent_gold', 'agent_gold'],
      [null, ''],
    ] as const) {
      const made = reply({ variables, overrideAgent });
      const call_inbound = { override_model_id, custom_variables: variables };
      expect(made).to.deep.equal({ status: 200, body: { call_inbound } });
      expect(answerIn?.(made.body ?? {})).to.deep.equal({ variables, overrideAgent });
    }
    expect(fallback()).to.deep.equal({ status: 200, body: { call_inbound: { override_model_id: '' } } });
    expect(calls.fallback?.()).to.deep.equal(fallback());
    expect(answerIn?.(fallback().body ?? {})).to.deep.equal({ variables: {}, overrideAgent: null });
    for (const body of [{ error: 'UNVERIFIED' }, { call_inbound: {} }]) expect(answerIn?.(body)).to.equal(null);
  });

  it('answers a call of any shape, and refuses a post-call webhook and a wrong token', async () => {
    for (const body of [
      {},
      { event: 7, call_inbound: [] },
      { event: 'new', call_inbound: null },
    ] as readonly JsonObject[])
      expect((await callOf(body)).call).to.include({ id: null, from: '', to: '', agent: null });
    const postCall = signedRequest(calls, sampleOf('synthflow.events'));
    expect((await refusalOf(calls, postCall))?.message).to.include('synthflow.events');
    const wrong: RawRequest = { ...signedRequest(calls, sample), rest: 'other' };
    expect((await refusalOf(calls, wrong))?.code).to.equal('UNVERIFIED');
    expect(() => createComponent('source', component('synthflow.call'), {}, fakeServices())).to.throw('tokens');
  });

  it('makes a body that it reads', async () => {
    const numbers = { from: '+12345678912', to: '+12345678913' };
    for (const agent of ['agent_1', null]) {
      const body = component('synthflow.call')?.callBody?.({ ...numbers, agent }) ?? {};
      expect((await callOf(body)).call).to.include({ ...numbers, agent });
    }
  });
});
