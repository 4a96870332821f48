import { createHmac } from 'node:crypto';
import plugin from '@switchhook/plugin-vapi';
import type { JsonObject, RawRequest, Source } from '@switchhook/sdk';
import { aRequest, createComponent, fakeServices, refusalOf, sourceSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import { Webhook } from 'standardwebhooks';

const secret = 'secret-of-the-tests';
const assistant = 'asst_front_desk';
const component = (type: string) => plugin.components.find((one) => one.type === type);
const setup = (type: string, options: JsonObject = {}) => {
  const given = { secrets: secret, ...(type === 'vapi.call' && { assistant }), ...options };
  return createComponent('source', component(type), given, fakeServices());
};
const samplesOf = (type: string) => Object.entries(component(type)?.samples ?? {});

const sent = (body: JsonObject, given: Partial<RawRequest> = {}): RawRequest => ({
  ...aRequest({ body, ...given }),
  headers: { 'x-vapi-secret': secret },
});
const eventOf = async (message: JsonObject, type = 'vapi.events') => {
  const reception = await setup(type).receive(sent({ message }));
  if (reception.kind !== 'events' || reception.events[0] === undefined) throw new Error('expected an event');
  return reception.events[0];
};
const callOf = async (body: JsonObject, given?: Partial<RawRequest>) => {
  const reception = await setup('vapi.call').receive(sent(body, given));
  if (reception.kind !== 'call') throw new Error('expected a call');
  return reception;
};
const refusal = async (source: Source, request: RawRequest): Promise<string> => {
  const found = await refusalOf(source, request);
  return found === null ? 'accepted' : `${found.code}: ${found.message}`;
};

const plans: Readonly<Record<string, { readonly options: JsonObject; readonly toleranceMs: number | null }>> = {
  'a secret': { options: {}, toleranceMs: null },
  'a secret in a header of its own': { options: { header: 'X-My-Secret' }, toleranceMs: null },
  HMAC: { options: { signature: {} }, toleranceMs: 300_000 },
  'HMAC like that of GitHub': {
    options: { header: 'X-Hub-Signature-256', signature: { prefix: 'sha256=', signed: '{body}' } },
    toleranceMs: null,
  },
  'HMAC like that of Svix': {
    options: {
      header: 'svix-signature',
      signature: {
        encoding: 'base64',
        prefix: 'v1,',
        signed: '{svix-id}.{timestamp}.{body}',
        timestampHeader: 'svix-timestamp',
        tolerance: '2m',
      },
    },
    toleranceMs: 120_000,
  },
  'HMAC of everything': {
    options: { signature: { algorithm: 'sha512', signed: '{method} {timestamp} {body}' } },
    toleranceMs: 300_000,
  },
};
for (const type of ['vapi.events', 'vapi.call'])
  for (const [name, { options, toleranceMs }] of Object.entries(plans)) {
    const [[, sample] = ['', {}], ...others] = samplesOf(type);
    sourceSuite(`${type} with ${name}`, () => ({
      source: setup(type, { secrets: ['secret-that-was-added', secret], ...options }),
      sample,
      different: others.map(([, body]) => body),
      bodyUnsigned: options.signature === undefined,
      signing: { other: setup(type, { secrets: 'another', ...options }), last: setup(type, options), toleranceMs },
    }));
  }

describe('the secret of Vapi', () => {
  const receive = (headers: Record<string, string>, options: JsonObject = {}) =>
    refusal(setup('vapi.events', options), { ...sent({ message: { type: 'hang' } }), headers });

  it('is accepted where Vapi puts it', async () => {
    for (const headers of [
      { 'x-vapi-secret': secret },
      { authorization: `Bearer ${secret}` },
      { authorization: `bearer  ${secret}` },
      { authorization: 'Basic of-the-proxy', 'x-vapi-secret': secret },
    ] as readonly Record<string, string>[])
      expect(await receive(headers)).to.equal('accepted');
    expect(await receive({ 'x-mine': secret }, { header: 'X-Mine' })).to.equal('accepted');
    expect(await receive({ 'x-mine': `Bearer ${secret}` }, { header: 'X-Mine' })).to.equal('accepted');
  });

  it('is refused elsewhere, and where it is another', async () => {
    expect(await receive({})).to.equal('UNVERIFIED: header X-Vapi-Secret or Authorization is missing');
    expect(await receive({ 'x-vapi-secret': secret }, { header: 'X-Mine' })).to.include('header X-Mine is missing');
    for (const wrong of ['', 'Bearer ', `${secret}x`, secret.slice(1), 'é'])
      expect(await receive({ authorization: wrong }))
        .to.include('UNVERIFIED')
        .and.not.include(secret);
  });
});

describe('the HMAC of Vapi', () => {
  const body = JSON.stringify({ message: { type: 'hang', call: { id: 'é' } } });
  const request = aRequest({ body });
  const seconds = String(request.receivedAtMs / 1000);
  const receive = (signature: JsonObject, headers: Record<string, string>, options: JsonObject = {}) =>
    refusal(setup('vapi.events', { signature, ...options }), { ...request, headers });
  const hmac = (algorithm: string, text: string, key: string | Buffer = secret) =>
    createHmac(algorithm, key).update(text);

  it('is that of its defaults, in seconds or milliseconds', async () => {
    for (const timestamp of [seconds, String(request.receivedAtMs)]) {
      const signature = hmac('sha256', `${timestamp}.${body}`).digest('hex');
      expect(await receive({}, { 'x-signature': signature, 'x-timestamp': timestamp })).to.equal('accepted');
    }
    const unsigned = { 'x-signature': hmac('sha256', body).digest('hex'), 'x-timestamp': seconds };
    expect(await receive({}, unsigned)).to.include('signature does not match');
    expect(await receive({}, { 'x-signature': 'ab' })).to.include('header X-Timestamp is missing');
    expect(await receive({}, { 'x-vapi-secret': secret })).to.include('header X-Signature is missing');
  });

  it('is what standardwebhooks signs, with the settings for it', async () => {
    const key = Buffer.from('a key of thirty-two bytes, or so').toString('base64');
    const signature = new Webhook(key).sign('msg_1', new Date(request.receivedAtMs), body);
    const names = { 'webhook-id': 'msg_1', 'webhook-timestamp': seconds, 'webhook-signature': signature };
    const settings = {
      encoding: 'base64',
      prefix: 'v1,',
      signed: '{svix-id}.{timestamp}.{body}',
      timestampHeader: 'webhook-timestamp',
      messageIdHeader: 'webhook-id',
      secretIsBase64: true,
    };
    const options = { secrets: key, header: 'webhook-signature' };
    expect(await receive(settings, names, options)).to.equal('accepted');
    for (const id of ['msg_2', '', '{body}', 'msg_1{body}'])
      expect(await receive(settings, { ...names, 'webhook-id': id }, options)).to.include('UNVERIFIED');
  });

  it('can cover the method and the URL, and is then checked with the URL that the sender used', async () => {
    const settings = { algorithm: 'sha1', signed: '{method}:{url}:{body}' };
    const text = `POST:${request.url}:${body}`;
    expect(await receive(settings, { 'x-signature': hmac('sha1', text).digest('hex') })).to.equal('accepted');
    const source = setup('vapi.events', { signature: settings });
    expect(() => source.sign?.(Buffer.from(body), 0)).to.throw('the signature covers the URL');
  });

  it('is refused when the file is read where it could be made by anyone', () => {
    const mistakes: readonly (readonly [JsonObject, string])[] = [
      [{ signature: { signed: '{timestamp}' } }, 'without {body}'],
      [{ signature: { signed: '{body}{id}' } }, '{svix-id} can stand in braces'],
      [{ signature: { algorithm: 'md5' } }, 'sha512'],
      [{ header: 'x sig' }, 'name of an HTTP header'],
      [{ signature: { secretIsBase64: true }, secrets: '!?!?' }, 'expected base64'],
      [{ secrets: [] }, 'secrets'],
    ];
    for (const [options, message] of mistakes) expect(() => setup('vapi.events', options), message).to.throw(message);
  });
});

describe('vapi.events', () => {
  const call = { id: 'call_1', assistantId: 'asst_1', customer: { number: '+1' }, phoneNumber: { number: '+2' } };

  it('reads the fields of a message', async () => {
    const message = { type: 'status-update', status: 'ended', timestamp: 1_767_225_673_000, call, x_new: { a: 1 } };
    const { body, ...draft } = await eventOf(message);
    expect(draft).to.deep.equal({
      key: 'status-update:ended:call_1:',
      type: 'status-update',
      subject: 'call_1',
      agent: 'asst_1',
      party: '+1',
      occurredAtMs: 1_767_225_673_000,
      data: { message },
    });
    expect(JSON.parse(String(Buffer.from(body ?? [])))).to.deep.equal({ message });
    const outer = {
      ...message,
      timestamp: 1_767_225_673,
      customer: { number: '+3' },
      call: { id: 'call_1' },
      assistant: { id: 'asst_2' },
    };
    const { party, agent, occurredAtMs } = await eventOf(outer);
    expect([party, agent, occurredAtMs]).to.deep.equal(['+3', 'asst_2', 1_767_225_673_000]);
    expect((await eventOf({ type: 'chat.created', chat: { id: 'chat_1' } })).subject).to.equal('chat_1');
  });

  it('takes a report, a start or an end with other bytes for the same event, anything else for a new one', async () => {
    const keysOf = async (message: JsonObject) =>
      new Set((await Promise.all([1, 2].map((n) => eventOf({ ...message, call, n })))).map(({ key }) => key));
    const same = [
      { type: 'end-of-call-report' },
      { type: 'status-update', status: 'in-progress' },
      { type: 'status-update', status: 'ended' },
    ];
    for (const message of same) expect(await keysOf(message)).to.have.length(1);
    for (const type of ['status-update', 'transcript', 'new-type']) expect(await keysOf({ type })).to.have.length(2);
    expect(await keysOf({ type: 'status-update', status: 'forwarding' })).to.have.length(2);
    expect(await keysOf({ type: 'end-of-call-report', call: 'none' })).to.have.length(1);
  });

  it('keeps messages of types and shapes that are not documented', async () => {
    for (const shape of [
      { call: null },
      { call: [] },
      { customer: 'x', timestamp: 'now' },
      { timestamp: 1e300 },
    ] as const) {
      const { type, subject, party, occurredAtMs, data } = await eventOf({ type: 'new', ...shape });
      expect([type, subject, party, occurredAtMs]).to.deep.equal(['new', null, null, null]);
      expect(data).to.deep.equal({ message: { type: 'new', ...shape } });
    }
  });

  it('refuses a body without a type, and a request that waits for an assistant', async () => {
    const source = setup('vapi.events');
    for (const body of [{}, { message: 'x' }, { type: 'hang' }, { message: { call } }] as readonly JsonObject[])
      expect(await refusal(source, sent(body))).to.include('MALFORMED');
    const request = await refusal(source, sent({ message: { type: 'assistant-request' } }));
    expect(request).to.include('MALFORMED').and.to.include('vapi.call');
  });
});

describe('vapi.call', () => {
  const [[, body] = ['', {}]] = samplesOf('vapi.call');

  it('reads the call', async () => {
    const { call, event, deadlineMs, retryMs } = await callOf(body);
    const id = '0194c8a1-6f2e-7d3b-9a51-2f7c08e4b6d0';
    expect(call).to.deep.equal({ id, from: '+12345678912', to: '+12345678913', agent: null, data: body });
    const { key, type, subject, agent, party } = event;
    const expected = [`assistant-request:${id}`, 'assistant-request', id, null, '+12345678912'];
    expect([key, type, subject, agent, party]).to.deep.equal(expected);
    expect([deadlineMs, retryMs]).to.deep.equal([7_500, undefined]);
  });

  it('is one event for each request where the call has no id', async () => {
    const nameless = { message: { type: 'assistant-request', customer: { number: '+1' } } };
    const keys = [await callOf(nameless), await callOf(nameless, { receivedAtMs: 1_767_225_609_000 })];
    expect(new Set(keys.map(({ event }) => event.key))).to.have.length(2);
  });

  it('replies with the assistant of the answer, or else the configured one, and reads its replies again', async () => {
    const { answerIn } = component('vapi.call') ?? {};
    const { reply, fallback } = await callOf(body);
    const variables = { first_name: 'Jim', tier: '' };
    const assistantOverrides = { variableValues: variables };
    expect(reply({ variables, overrideAgent: 'asst_gold' })).to.deep.equal({
      status: 200,
      body: { assistantId: 'asst_gold', assistantOverrides },
    });
    const usual = reply({ variables, overrideAgent: null });
    expect(usual.body).to.deep.equal({ assistantId: assistant, assistantOverrides });
    expect(answerIn?.(usual.body ?? {})).to.deep.equal({ variables, overrideAgent: assistant });
    expect(fallback()).to.deep.equal({ status: 200, body: { assistantId: assistant } });
    expect(setup('vapi.call').fallback?.()).to.deep.equal(fallback());
    expect(answerIn?.(fallback().body ?? {})).to.deep.equal({ variables: {}, overrideAgent: assistant });
    expect(answerIn?.({ error: 'UNVERIFIED' })).to.equal(null);
  });

  it('needs an assistant', () => {
    expect(() => createComponent('source', component('vapi.call'), { secrets: 's' }, fakeServices())).to.throw(
      'assistant',
    );
  });

  it('answers a call of any shape', async () => {
    const shapes: readonly JsonObject[] = [{}, { message: null }, { message: { type: 'assistant-request', call: [] } }];
    for (const shape of shapes)
      expect((await callOf(shape)).call).to.include({ id: null, from: '', to: '', agent: null });
  });

  it('keeps the other messages of its number as events', async () => {
    const message = { type: 'end-of-call-report', call: { id: 'call_1' } };
    expect((await eventOf(message, 'vapi.call')).key).to.equal((await eventOf(message)).key);
  });

  it('makes a body that it reads', async () => {
    const numbers = { from: '+12345678912', to: '+12345678913' };
    const made = component('vapi.call')?.callBody?.({ ...numbers, agent: 'asst_1' }) ?? {};
    expect((await callOf(made)).call).to.include({ ...numbers, agent: 'asst_1' });
  });
});
