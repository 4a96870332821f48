import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import plugin from '@switchhook/plugin-telnyx';
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
import { TelnyxWebhook } from 'telnyx/lib/webhooks';

const testKey = 'key_of_the_tests';
const pair = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    publicKey: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64'),
    privateKey,
  };
};
const [own, other] = [pair(), pair()];
const component = (type: string) => plugin.components.find((one) => one.type === type);
const setup = (type: string, options: JsonObject = { testKey }, services = fakeServices()) =>
  createComponent('source', component(type), options, services);
const samplesOf = (type: string) => Object.entries(component(type)?.samples ?? {});
const callOf = async (request: RawRequest, source = setup('telnyx.call')) => {
  const reception = await source.receive(request);
  if (reception.kind !== 'call') throw new Error('expected a call');
  return reception;
};
const receive = async (request: RawRequest, options: JsonObject, type = 'telnyx.events') => {
  const refusal = await refusalOf(setup(type, options), request);
  return refusal === null ? 'accepted' : `${refusal.code}: ${refusal.message}`;
};

for (const type of ['telnyx.events', 'telnyx.call'])
  for (const [name, sample] of samplesOf(type))
    sourceSuite(
      `${type} with ${name}`,
      () => ({
        source: setup(type, { testKey, publicKeys: [own.publicKey, other.publicKey] }),
        sample,
        different: samplesOf(type).flatMap(([another, body]) => (another === name ? [] : [body])),
        signing: { other: setup(type, { testKey: 'another key' }), toleranceMs: 300_000 },
      }),
      ['last'],
    );
sourceSuite('telnyx.call with a token in the URL', () => ({
  source: setup('telnyx.call', { tokens: ['token_added', 'token/of the tests'] }),
  sample: samplesOf('telnyx.call')[0]?.[1] ?? {},
  bodyUnsigned: true,
  signing: {
    other: setup('telnyx.call', { tokens: 'another' }),
    last: setup('telnyx.call', { tokens: 'token/of the tests' }),
    toleranceMs: null,
  },
}));

describe('the signature of Telnyx', () => {
  const body = '{"data":{"event_type":"call.initiated","id":"é"}}';
  const request = (seconds: number, key = own.privateKey, text = `${seconds}|${body}`) => {
    const signature = sign(null, Buffer.from(text), key).toString('base64');
    return aRequest({ body, headers: { 'telnyx-signature-ed25519': signature, 'telnyx-timestamp': String(seconds) } });
  };
  const seconds = 1_767_225_600;
  const publicKeys = [other.publicKey, own.publicKey];

  it('is that of the time, a bar and the body, by one of the public keys', async () => {
    expect(await receive(request(seconds), { publicKeys })).to.equal('accepted');
    expect(await receive(request(seconds), { publicKeys: own.publicKey })).to.equal('accepted');
    expect(await receive(request(seconds), { publicKeys: other.publicKey })).to.include(
      'UNVERIFIED: signature does not match',
    );
    expect(await receive(request(seconds, own.privateKey, `${seconds}.${body}`), { publicKeys })).to.include(
      'UNVERIFIED',
    );
    expect(await receive(request(seconds), { testKey })).to.include('UNVERIFIED');
    const none = aRequest({ body });
    expect(await receive(none, { publicKeys })).to.include('header Telnyx-Signature-Ed25519 is missing');
  });

  it('is refused when it is old or of the future', async () => {
    expect(await receive(request(seconds - 301), { publicKeys })).to.include('301 s old, 300 s are allowed');
    expect(await receive(request(seconds + 301), { publicKeys })).to.include('301 s ahead');
    expect(await receive(request(seconds - 301), { publicKeys, tolerance: '10m' })).to.equal('accepted');
  });

  it('cannot be made with a public key, and needs a key', () => {
    expect(() => setup('telnyx.events', { publicKeys }).sign?.(Buffer.from(body), 0)).to.throw('set testKey');
    expect(() => setup('telnyx.events', {})).to.throw('expected publicKeys');
    expect(() => setup('telnyx.call', {})).to.throw('expected publicKeys or tokens');
    for (const wrong of ['', 'AAAA', `${own.publicKey}AAAA`, Array.from({ length: 11 }, () => own.publicKey)])
      expect(() => setup('telnyx.events', { publicKeys: wrong })).to.throw(/32 bytes|10 at most/);
    // The example of Telnyx's documentation.
    setup('telnyx.events', { publicKeys: 'eu2zvPjhY6odxV34Z/EsRiERvTodkev4Fq0SlK90Izg=' });
  });
});

describe('the library of Telnyx', () => {
  const body = '{"data":{"event_type":"call.initiated","id":"é"}}';
  /** As Telnyx signs, now: the library reads the time itself. */
  const nowMs = Date.now();
  const signed = (text = body, key = own.privateKey): RawRequest => {
    const time = String(Math.floor(nowMs / 1000));
    const signature = sign(null, Buffer.from(`${time}|${text}`), key).toString('base64');
    const headers = { 'telnyx-signature-ed25519': signature, 'telnyx-timestamp': time };
    return aRequest({ body: text, headers, receivedAtMs: nowMs });
  };
  const libraryAccepts = (request: RawRequest, key = own.publicKey) =>
    new TelnyxWebhook(key).verify(Buffer.from(request.body).toString(), request.headers).then(
      () => true,
      (error: Error) => {
        expect(error.message).to.match(/^(Signature verification failed|Invalid|Missing)/);
        return false;
      },
    );
  const sourceAccepts = async (request: RawRequest, keys: readonly string[] = [other.publicKey, own.publicKey]) =>
    (await receive(request, { publicKeys: keys })) === 'accepted';

  it('accepts the same requests as the source, and refuses the same ones', async () => {
    const request = signed();
    expect([await libraryAccepts(request), await sourceAccepts(request)]).to.deep.equal([true, true]);
    const { 'telnyx-signature-ed25519': signature = '', 'telnyx-timestamp': time = '' } = request.headers;
    const flipped = (text: string, at: number) =>
      text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
    const wrong: readonly RawRequest[] = [
      ...[...request.body.keys()].map((at) => {
        const changed = Buffer.from(request.body);
        changed[at] = (changed[at] ?? 0) ^ 1;
        // The library signs and checks text: bytes that are no UTF-8 are outside of what it can do.
        return { ...request, body: Buffer.from(changed.toString()) };
      }),
      ...[...signature].map((_, at) => ({
        ...request,
        headers: { ...request.headers, 'telnyx-signature-ed25519': flipped(signature, at) },
      })),
      { ...request, headers: { ...request.headers, 'telnyx-timestamp': flipped(time, time.length - 1) } },
      { ...request, headers: { 'telnyx-timestamp': time } },
      { ...request, headers: { 'telnyx-signature-ed25519': signature } },
      signed(body, other.privateKey),
    ];
    for (const one of wrong) {
      const what = `${JSON.stringify(one.headers)} ${one.body}`;
      expect(await libraryAccepts(one), what).to.equal(false);
      expect(await sourceAccepts(one, [own.publicKey]), what).to.equal(false);
    }
  });

  it('accepts what the source signs with its test key', async () => {
    // The source makes the key pair of the SHA-256 of the text.
    const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex');
    const key = Buffer.concat([pkcs8, createHash('sha256').update(testKey).digest()]);
    const { x = '' } = createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' })).export({
      format: 'jwk',
    });
    const publicKey = Buffer.from(x, 'base64url').toString('base64');
    for (const type of ['telnyx.events', 'telnyx.call']) {
      const { headers } = setup(type).sign?.(Buffer.from(body), nowMs) ?? {};
      const request = aRequest({ body, headers: headers ?? {} });
      expect(await libraryAccepts(request, publicKey)).to.equal(true);
      expect(await libraryAccepts(request)).to.equal(false);
      expect(await libraryAccepts({ ...request, body: Buffer.from(body.replace('é', 'e')) }, publicKey)).to.equal(
        false,
      );
    }
  });
});

describe('telnyx.events', () => {
  const source = setup('telnyx.events');

  it('reads the fields of an event', async () => {
    const [, data = {}] = samplesOf('telnyx.events')[1] ?? [];
    const { body, ...draft } = await eventOf(source, signedRequest(source, data));
    expect(draft).to.deep.equal({
      key: '0194c8a1-0000-7000-8000-000000000002',
      type: 'call.conversation.ended',
      subject: 'v3:7f3b2a91c4d8e6f05a1b2c3d4e5f',
      agent: 'assistant-sales',
      party: null,
      occurredAtMs: 1_767_225_673_000,
      data,
    });
    expect(JSON.parse(String(body))).to.deep.equal(data);
    const fields = { subject: 'body.data.payload.call_session_id', party: 'body.data.payload.from' };
    const { subject, party } = await eventOf(setup('telnyx.events', { testKey, fields }), signedRequest(source, data));
    expect([subject, party]).to.deep.equal(['0194c8a1-6f2e-7d3b-9a51-2f7c08e4b6d0', '+12345678912']);
    const chat = { data: { event_type: 'new', payload: { conversation_id: 'conv_1' } } };
    expect((await eventOf(source, signedRequest(source, chat))).subject).to.equal('conv_1');
  });

  it('is one event in all its tries, whatever its meta', async () => {
    const data = { event_type: 'call.answered', id: 'id_1', payload: {} };
    const keys = await Promise.all(
      [1, 2].map(async (attempt) => (await eventOf(source, signedRequest(source, { data, meta: { attempt } }))).key),
    );
    expect(keys).to.deep.equal(['id_1', 'id_1']);
  });

  it('keeps events of types and shapes that are not documented', async () => {
    for (const payload of [null, [], 'x', 7]) {
      const events = [1, 2].map((n) =>
        eventOf(source, signedRequest(source, { data: { event_type: 'new', payload, n } })),
      );
      const [first, second] = await Promise.all(events);
      expect([first?.type, first?.subject, first?.agent]).to.deep.equal(['new', null, null]);
      expect(first?.key).not.to.equal(second?.key);
    }
  });

  it('refuses a body without a type, and a request that waits for an answer', async () => {
    for (const body of [{}, { data: null }, { data: {} }]) {
      const refusal = await refusalOf(source, signedRequest(source, body));
      expect(refusal?.code).to.equal('MALFORMED');
      expect(refusal?.message).to.match(/^the field data\.event_type of the body, .*; the option fields\.type/);
    }
    const [, initialization = {}] = samplesOf('telnyx.call')[0] ?? [];
    expect((await refusalOf(source, signedRequest(source, initialization)))?.message).to.include('telnyx.call');
  });
});

describe('telnyx.call', () => {
  const source = setup('telnyx.call');
  const [, sample = {}] = samplesOf('telnyx.call')[0] ?? [];

  it('reads the call', async () => {
    const { call, event, deadlineMs, retryMs } = await callOf(signedRequest(source, sample));
    expect(call).to.deep.equal({ id: null, from: '+12345678912', to: '+12345678913', agent: null, data: sample });
    const { key, type, subject, party } = event;
    const id = '0194c8a1-0000-7000-8000-000000000004';
    expect([key, type, subject, party]).to.deep.equal([
      `assistant.initialization:${id}`,
      'assistant.initialization',
      null,
      '+12345678912',
    ]);
    expect([deadlineMs, retryMs]).to.deep.equal([1_500, undefined]);
    const slower = setup('telnyx.call', { testKey, deadline: '4s' });
    expect((await callOf(signedRequest(source, sample), slower)).deadlineMs).to.equal(4_000);
    expect(() => setup('telnyx.call', { testKey, deadline: '11s' })).to.throw('10s at most');
  });

  it('is one event for each request where no id is sent', async () => {
    const request = signedRequest(source, { data: { payload: {} } });
    const later = { ...request, receivedAtMs: request.receivedAtMs + 1_000 };
    expect((await callOf(request)).event.key).not.to.equal((await callOf(later)).event.key);
  });

  it('needs the token at the end of the URL, and the signature as well where both are configured', async () => {
    const tokens = 'token_of_the_tests';
    const request = signedRequest(source, sample);
    const at = (rest: string, options: JsonObject) => receive({ ...request, rest }, options, 'telnyx.call');
    expect(await at(tokens, { tokens })).to.equal('accepted');
    expect(await at(`${tokens}/`, { tokens, testKey })).to.equal('accepted');
    expect(await at('', { tokens, testKey })).to.include('no token at its end');
    expect(await at('other', { tokens })).to.equal(
      'UNVERIFIED: the token at the end of the URL is not a configured one',
    );
    expect(await at(tokens, { tokens, testKey: 'another key' })).to.include('UNVERIFIED: signature');
  });

  it('replies with the variables, and reads its replies again', async () => {
    const services = fakeServices();
    const logged = setup('telnyx.call', { testKey }, services);
    const { reply, fallback } = await callOf(signedRequest(source, sample), logged);
    const { answerIn } = component('telnyx.call') ?? {};
    const variables = { first_name: 'Jim', tier: '' };
    const made = reply({ variables, overrideAgent: null });
    expect(made).to.deep.equal({ status: 200, body: { dynamic_variables: variables } });
    expect(answerIn?.(made.body ?? {})).to.deep.equal({ variables, overrideAgent: null });
    expect(fallback()).to.deep.equal({ status: 200, body: { dynamic_variables: {} } });
    expect(source.fallback?.()).to.deep.equal(fallback());
    expect(answerIn?.({ error: 'UNVERIFIED' })).to.equal(null);
    for (const agent of ['agent_gold', 'agent_silver'])
      expect(reply({ variables, overrideAgent: agent })).to.deep.equal(made);
    expect(services.log.lines.map(({ level, event }) => `${level} ${event}`)).to.deep.equal([
      'warn override.ignored',
      'debug override.ignored',
    ]);
  });

  it('answers a call of any shape, and refuses an event', async () => {
    for (const body of [{}, { data: null }, { data: { event_type: 7, payload: [] } }] as readonly JsonObject[])
      expect((await callOf(signedRequest(source, body))).call).to.include({ id: null, from: '', to: '', agent: null });
    const event = signedRequest(source, { data: { event_type: 'call.answered' } });
    expect((await refusalOf(source, event))?.message).to.include('telnyx.events');
  });

  it('makes a body that it reads', async () => {
    const numbers = { from: '+12345678912', to: '+12345678913' };
    for (const agent of ['assistant-1', null]) {
      const body = component('telnyx.call')?.callBody?.({ ...numbers, agent }) ?? {};
      expect((await callOf(signedRequest(source, body))).call).to.include({ ...numbers, agent });
    }
  });
});
