import { generateKeyPairSync, sign } from 'node:crypto';
import plugin from '@switchhook/plugin-standard-webhooks';
import type { JsonObject, RawRequest, Source } from '@switchhook/sdk';
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
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';

const [component] = plugin.components;
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const older = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const whpk = `whpk_${Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64')}`;
const otherWhpk = `whpk_${Buffer.alloc(32, 1).toString('base64')}`;

const source = (options: JsonObject = {}) =>
  createComponent('source', component, { secrets: secret, ...options }, fakeServices());

const sample = component?.samples?.['call.ended'] as JsonObject;
sourceSuite('standard-webhooks', () => ({ source: source(), sample }), ['signing']);
sourceSuite('standard-webhooks with several secrets', () => ({
  source: source({ secrets: [secret, whpk, older] }),
  sample,
  different: [{ type: 'call.ended', data: { call_id: 'call_1' } }, { type: 'call.ended' }, { data: 1 }],
  signing: {
    other: source({ secrets: `whsec_${Buffer.alloc(24, 2).toString('base64')}` }),
    last: source({ secrets: older }),
    toleranceMs: 300_000,
  },
}));

const nowMs = 1_767_225_600_000;
const seconds = nowMs / 1000;
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const body = '{"type":"lead.created","timestamp":"2026-01-01T00:00:00Z","data":{"a":1}}';

/** A request as the library `standardwebhooks` signs it. */
function request(
  { key = secret, at = seconds, text = body, names = 'webhook' } = {},
  headers: Record<string, string> = {},
): RawRequest {
  const signature = new Webhook(key).sign(id, new Date(at * 1000), text);
  return aRequest({
    body: text,
    headers: { [`${names}-id`]: id, [`${names}-timestamp`]: `${at}`, [`${names}-signature`]: signature, ...headers },
  });
}

/** Why a request is refused as not verified. */
async function reasonOf(refusing: Source, sent: RawRequest): Promise<string | undefined> {
  const refusal = await refusalOf(refusing, sent);
  expect(refusal?.code).to.equal('UNVERIFIED');
  return refusal?.message;
}

const v1a = (text = `${id}.${seconds}.${body}`) =>
  `v1a,${sign(null, Buffer.from(text), privateKey).toString('base64')}`;

describe('standard-webhooks', () => {
  it('accepts the example of the specification', async () => {
    const sent = aRequest({
      body: '{"test": 2432232314}',
      receivedAtMs: 1_614_265_330_000,
      headers: {
        'webhook-id': id,
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
    });
    expect(await eventOf(source(), sent)).to.include({ key: id, type: 'webhook', occurredAtMs: null });
  });

  it('makes an event of the message: its id, type and time, and the whole body', async () => {
    expect(await eventOf(source(), request())).to.deep.equal({
      key: id,
      type: 'lead.created',
      subject: null,
      agent: null,
      party: null,
      occurredAtMs: nowMs,
      data: JSON.parse(body),
      body: Buffer.from(body),
    });
  });

  it('signs as the library verifies', async () => {
    const sent = signedRequest(source(), sample);
    const library = new Webhook(secret);
    expect(sent.headers['webhook-signature']).to.equal(
      library.sign(sent.headers['webhook-id'] ?? '', new Date(nowMs), Buffer.from(sent.body).toString()),
    );
  });

  it('accepts what the library signs, whatever the secret and the body', async () => {
    const keys = fc.uint8Array({ minLength: 1, maxLength: 64 });
    await fc.assert(
      fc.asyncProperty(keys, fc.string({ unit: 'grapheme' }), async (bytes, value) => {
        const key = `whsec_${Buffer.from(bytes).toString('base64')}`;
        const text = JSON.stringify({ type: 'a', value });
        expect(await eventOf(source({ secrets: key }), request({ key, text }))).to.include({ key: id, type: 'a' });
      }),
      { numRuns: 50 },
    );
  });

  it('takes the fields that are configured, also the key', async () => {
    const fields = {
      key: 'body.data.id',
      subject: 'body.data.call',
      party: 'body.data.from',
      type: 'headers["x-type"]',
    };
    const text = '{"type":"a","data":{"id":7,"call":"call_1","from":"+12345678912"}}';
    expect(await eventOf(source({ fields }), request({ text }, { 'x-type': 'b' }))).to.include({
      key: '7',
      type: 'b',
      subject: 'call_1',
      party: '+12345678912',
    });
  });

  it('reads the headers of Svix, with the id that is signed', async () => {
    const sent = request({ names: 'svix' }, { 'webhook-id': 'msg_other' });
    expect((await eventOf(source(), sent)).key).to.equal(id);
    expect(await reasonOf(source(), { ...sent, headers: { ...sent.headers, 'svix-id': 'msg_other' } })).to.match(
      /not match/,
    );
  });

  it('accepts what the library of Svix signs, by one of the secrets, as the library itself does', async () => {
    const atMs = Date.now();
    const signature = new SvixWebhook(secret).sign(id, new Date(atMs), body);
    const svix = { 'svix-id': id, 'svix-timestamp': `${Math.floor(atMs / 1000)}`, 'svix-signature': signature };
    const bySvix = (sent: RawRequest, key = secret) => {
      try {
        return new SvixWebhook(key).verify(Buffer.from(sent.body).toString(), { ...sent.headers }) !== undefined;
      } catch {
        return false;
      }
    };
    const bySource = async (sent: RawRequest) => (await refusalOf(source({ secrets: [older, secret] }), sent)) === null;
    const sent = aRequest({ body, receivedAtMs: atMs, headers: svix });
    expect([bySvix(sent), await bySource(sent)]).to.deep.equal([true, true]);
    const flipped = (text: string, at: number) =>
      text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
    const wrong = [
      ...[...body].map((_, at) => ({ ...sent, body: Buffer.from(flipped(body, at)) })),
      ...Object.entries(svix).flatMap(([name, value]) =>
        [
          // The last digit of base64 before its padding has bits of no meaning, which both may ignore.
          ...[3, 20].filter((at) => at < value.length).map((at) => flipped(value, at)),
          '',
        ].map((changed) => ({ ...sent, headers: { ...svix, [name]: changed } })),
      ),
    ];
    for (const one of wrong) {
      const what = `${JSON.stringify(one.headers)} ${one.body}`;
      expect([bySvix(one), await bySource(one)], what).to.deep.equal([false, false]);
    }
    expect(bySvix(sent, older)).to.equal(false);
    expect((await refusalOf(source({ secrets: older }), sent))?.code).to.equal('UNVERIFIED');
  });

  it('signs what the library of Svix accepts, and refuses changed', () => {
    const bytes = Buffer.from(body);
    const { headers = {} } = source({ secrets: [secret, older] }).sign?.(bytes, Date.now()) ?? {};
    const svix = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.replace('webhook', 'svix'), value]),
    );
    for (const names of [headers, svix]) {
      expect(new SvixWebhook(secret).verify(body, { ...names })).to.deep.equal(JSON.parse(body));
      expect(() => new SvixWebhook(secret).verify(body.replace('1', '0'), { ...names })).to.throw('No matching');
      expect(() => new SvixWebhook(older).verify(body, { ...names })).to.throw('No matching');
    }
  });

  for (const [what, options, sent] of [
    ['the second of several secrets', { secrets: [older, secret] }, request()],
    [
      'one of several signatures',
      {},
      request(
        {},
        { 'webhook-signature': `v1,${'A'.repeat(43)}= ${new Webhook(secret).sign(id, new Date(nowMs), body)} v2,x` },
      ),
    ],
    ['a public key', { secrets: whpk }, request({}, { 'webhook-signature': v1a() })],
    ['the second of several public keys', { secrets: [otherWhpk, whpk] }, request({}, { 'webhook-signature': v1a() })],
    [
      'a public key beside a secret',
      { secrets: [older, whpk] },
      request({}, { 'webhook-signature': `${new Webhook(secret).sign(id, new Date(nowMs), body)} ${v1a()}` }),
    ],
    ['a secret beside a public key', { secrets: [otherWhpk, secret] }, request()],
    ['a time 300 s ago', {}, request({ at: seconds - 300 })],
    ['a time in 300 s', {}, request({ at: seconds + 300 })],
  ] as const)
    it(`accepts ${what}`, async () => {
      expect((await eventOf(source(options as JsonObject), sent)).key).to.equal(id);
    });

  const good = request().headers['webhook-signature'] ?? '';
  const flipped = (text: string) => {
    const bytes = Buffer.from(text, 'base64');
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    return bytes.toString('base64');
  };
  for (const [what, reason, sent, options] of [
    ['one flipped bit', /does not match/, request({}, { 'webhook-signature': `v1,${flipped(good.slice(3))}` })],
    ['a truncated signature', /does not match/, request({}, { 'webhook-signature': good.slice(0, -2) })],
    ['an empty signature', /does not match/, request({}, { 'webhook-signature': 'v1,' })],
    ['a signature without its version', /no part of header/, request({}, { 'webhook-signature': good.slice(3) })],
    [
      'a signature of another version only',
      /no part of header/,
      request({}, { 'webhook-signature': good.replace('v1', 'v2') }),
    ],
    ['another secret', /does not match/, request({ key: older })],
    ['an old time', /301 s old, 300 s are allowed/, request({ at: seconds - 301 })],
    ['a time in the future', /301 s ahead/, request({ at: seconds + 301 })],
    [
      'a time beyond the configured tolerance',
      /11 s old, 10 s are allowed/,
      request({ at: seconds - 11 }),
      { tolerance: '10s' },
    ],
    ['a time that is no number', /not a number/, request({}, { 'webhook-timestamp': `${seconds}x` })],
    ['another time than the signed one', /does not match/, request({}, { 'webhook-timestamp': `${seconds + 1}` })],
    ['another id than the signed one', /does not match/, request({}, { 'webhook-id': 'msg_2' })],
    ['no id', /webhook-id is missing/, request({}, { 'webhook-id': '' })],
    ['no time', /timestamp is not/, request({}, { 'webhook-timestamp': '' })],
    ['no signature', /webhook-signature is missing/, request({}, { 'webhook-signature': '' })],
    ['a public key for what a secret signed', /no part of header/, request(), { secrets: whpk }],
    ['another public key', /does not match/, request({}, { 'webhook-signature': v1a() }), { secrets: otherWhpk }],
    [
      'a flipped bit for a public key',
      /does not match/,
      request({}, { 'webhook-signature': `v1a,${flipped(v1a().slice(4))}` }),
      { secrets: whpk },
    ],
    [
      'a signature of a public key that is made with its bytes as a secret',
      /no part of header/,
      request({ key: whpk.replace('whpk_', 'whsec_') }),
      { secrets: whpk },
    ],
  ] as const)
    it(`refuses ${what}`, async () => {
      expect(await reasonOf(source((options ?? {}) as JsonObject), sent)).to.match(reason);
    });

  it('refuses an id with a dot, with which parts of the body could be read as the time', async () => {
    const signature = new Webhook(secret).sign('msg.1', new Date(nowMs), body);
    const sent = request({}, { 'webhook-id': 'msg.1', 'webhook-signature': signature });
    expect(await reasonOf(source(), sent)).to.match(/webhook-id has a dot/);
  });

  it('cannot sign with public keys only', () => {
    expect(() => source({ secrets: whpk }).sign?.(Buffer.from(body), nowMs)).to.throw(
      'add a secret that starts with whsec_',
    );
  });

  for (const [secrets, message] of [
    ['plain-text', 'expected whsec_'],
    ['whsec_', 'expected whsec_'],
    ['whsec_not base64', 'expected whsec_'],
    ['whpk_AAAA', 'base64 of 32 bytes'],
    [[secret, 'whsk_AAAA'], 'its public key'],
    [[], 'secrets'],
  ] as const)
    it(`finds a mistake in the secrets ${JSON.stringify(secrets)}`, () => {
      expect(() => source({ secrets: secrets as string })).to.throw(message);
    });
});
