import { createHmac } from 'node:crypto';
import { sign as signAsGithub, verify as verifyAsGithub } from '@octokit/webhooks-methods';
import { isValidSlackRequest } from '@slack/bolt/dist/receivers/verify-request.js';
import plugin from '@switchhook/plugin-hmac';
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
import Stripe from 'stripe';

const [component] = plugin.components;
const samples = component?.samples ?? {};
const custom = { signature: { header: 'X-Signature' } };
const presets = { custom, github: { preset: 'github' }, stripe: { preset: 'stripe' }, slack: { preset: 'slack' } };

const setup = (options: JsonObject) => {
  const services = fakeServices();
  return {
    source: createComponent('source', component, { secrets: 'secret', ...options }, services),
    log: services.log,
  };
};
const source = (options: JsonObject) => setup(options).source;

for (const [preset, options] of Object.entries(presets))
  sourceSuite(`hmac of ${preset}`, () => ({
    source: source({ ...options, secrets: ['added', 'secret'] }),
    sample: samples[preset] as JsonObject,
    // The key of a stripe or slack event is its id alone.
    different: [
      { id: 'evt:1', event_id: 'Ev:1' },
      { id: 'evt', event_id: 'Ev', type: '1' },
    ],
    signing: {
      other: source({ ...options, secrets: 'other' }),
      last: source(options),
      toleranceMs: preset === 'stripe' || preset === 'slack' ? 300_000 : null,
    },
  }));

const nowMs = 1_767_225_600_000;
const seconds = nowMs / 1000;
const body = '{"type":"lead.created","id":"evt_9","created":1767225599}';
const hmac = (text: string, { algorithm = 'sha256', key = 'secret' as string | Buffer } = {}) =>
  createHmac(algorithm, key).update(text).digest();
const request = (headers: Record<string, string>, text: string | Buffer = body) => aRequest({ body: text, headers });

/** Why a request is refused as not verified. */
async function reasonOf(refusing: Source, sent: RawRequest): Promise<string | undefined> {
  const refusal = await refusalOf(refusing, sent);
  expect(refusal?.code).to.equal('UNVERIFIED');
  return refusal?.message;
}

describe('hmac of custom settings', () => {
  it('makes an event from the names that many senders use', async () => {
    const text = '{"type":"a","call_id":"call_1","agent_id":7,"timestamp":"2026-01-01T00:00:00Z","x":{"y":1}}';
    const sent = request({ 'x-signature': hmac(text).toString('hex') }, text);
    const { key, ...event } = await eventOf(source(custom), sent);
    expect(key).to.match(/^a:call_1:[\da-f]{32}$/);
    expect(event).to.deep.equal({
      type: 'a',
      subject: 'call_1',
      agent: '7',
      party: null,
      occurredAtMs: nowMs,
      data: JSON.parse(text),
      body: Buffer.from(text),
    });
  });

  it('calls what has no type webhook, without a warning', async () => {
    const { source, log } = setup(custom);
    expect(await eventOf(source, signedRequest(source, { event: { nested: 1 } }))).to.include({ type: 'webhook' });
    expect(log.lines).to.deep.equal([]);
  });

  it('takes the fields that are configured, and warns once of those that have no value', async () => {
    const fields = {
      type: '${{ headers["x-topic"] }}',
      key: 'body.type + body.id',
      subject: 'body.missing',
      agent: '"agent_1"',
      party: 'body.from',
      occurredAt: 'body.created',
    };
    const { source, log } = setup({ ...custom, fields });
    const sent = request({ 'x-signature': hmac(body).toString('hex'), 'x-topic': 'leads' });
    const event = {
      type: 'leads',
      key: 'lead.createdevt_9',
      subject: null,
      agent: 'agent_1',
      occurredAtMs: nowMs - 1000,
    };
    expect(await eventOf(source, sent)).to.include(event);
    await eventOf(source, sent);
    expect(log.of('field.missed').map(({ level, fields }) => `${level} ${fields.field}`)).to.deep.equal([
      'warn fields.subject',
      'warn fields.party',
      'debug fields.subject',
      'debug fields.party',
    ]);
  });

  it('accepts what it signs, on every axis', async () => {
    const schemes = fc.record({
      algorithm: fc.constantFrom('sha1', 'sha256', 'sha384', 'sha512'),
      encoding: fc.constantFrom('hex', 'hex-upper', 'base64', 'base64url'),
      prefix: fc.constantFrom('', 'sha256=', 'v1=', 'v1,'),
      time: fc.constantFrom({}, { timestampHeader: 'X-Time' }, { timestampPrefix: 't=', separator: ';' }),
      separator: fc.constantFrom({}, { separator: ' ' }),
      around: fc.tuple(fc.constantFrom('', 'v0:', '{method}'), fc.constantFrom('', ':', '.')),
    });
    const encodings = fc.constantFrom(['utf8', 'sécret'], ['hex', '00ff10'], ['base64', 'AAECAw==']);
    await fc.assert(
      fc.asyncProperty(schemes, encodings, async ({ time, separator, around, ...scheme }, [secretEncoding, secret]) => {
        const timestamp = 'timestampHeader' in time || 'timestampPrefix' in time ? '{timestamp}' : '';
        const signed = `${around[0]}${timestamp}${around[1]}{body}`;
        const signature = { header: 'X-Signature', ...scheme, ...separator, ...time, signed };
        const own = source({ signature, secrets: secret as string, secretEncoding: secretEncoding as string });
        const sent = signedRequest(own, samples.custom as JsonObject);
        expect((await eventOf(own, sent)).type).to.equal('call.ended');
        const changed = Buffer.from(sent.body);
        changed[3] = (changed[3] ?? 0) ^ 1;
        expect(await reasonOf(own, { ...sent, body: changed })).to.match(/does not match/);
      }),
    );
  });

  it('reads the Standard Webhooks form, with a signed header', async () => {
    const signature = {
      header: 'webhook-signature',
      separator: ' ',
      prefix: 'v1,',
      encoding: 'base64',
      timestampHeader: 'webhook-timestamp',
      signed: '{header:webhook-id}.{timestamp}.{body}',
    };
    const digest = hmac(`msg_1.${seconds}.${body}`).toString('base64');
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': `${seconds}`,
      'webhook-signature': `v1,x v1,${digest}`,
    };
    const own = source({ signature, fields: { key: 'headers["webhook-id"]' } });
    expect((await eventOf(own, request(headers))).key).to.equal('msg_1');
    expect(await reasonOf(own, request({ ...headers, 'webhook-id': 'msg_2' }))).to.match(/does not match/);
    expect(() => own.sign?.(Buffer.from(body), nowMs)).to.throw('header webhook-id');
  });

  for (const [secretEncoding, secret] of [
    ['base64', 'AAECAw=='],
    ['hex', '00010203'],
  ] as const)
    it(`reads a secret in ${secretEncoding}`, async () => {
      const digest = hmac(body, { key: Buffer.of(0, 1, 2, 3) }).toString('hex');
      const own = source({ ...custom, secrets: ['', secret].slice(1), secretEncoding });
      expect((await eventOf(own, request({ 'x-signature': digest }))).type).to.equal('lead.created');
    });

  for (const [options, message] of [
    [{}, 'expected the header that carries the signature'],
    [{ preset: 'github', signature: { tolerance: '1m' } }, 'tolerance needs'],
    [{ preset: 'stripe', signature: { timestampHeader: 'x-time' } }, 'not both'],
    [{ preset: 'stripe', signature: { signed: '{body}' } }, 'together, or neither'],
    [{ preset: 'gitlab' }, 'preset'],
    [{ ...custom, secrets: 'not hex', secretEncoding: 'hex' }, 'a secret is not hex'],
    [{ ...custom, secrets: ['AAAA', 'whsec_AAAA'], secretEncoding: 'base64' }, 'a secret is not base64'],
    [{ ...custom, secrets: [] }, 'secrets'],
    [{ ...custom, fields: { type: 'bdy.type' } }, 'bdy'],
  ] as const)
    it(`finds a mistake: ${JSON.stringify(options)}`, () => {
      expect(() => source(options as JsonObject)).to.throw(message);
    });
});

describe('hmac of GitHub', () => {
  const github = (options: JsonObject = {}) => source({ preset: 'github', ...options });

  it('accepts the example of its documentation, which is no JSON object', async () => {
    const own = github({ secrets: "It's a Secret to Everybody" });
    const digest = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    const sent = request({ 'x-hub-signature-256': digest }, 'Hello, World!');
    expect((await refusalOf(own, sent))?.code).to.equal('MALFORMED');
  });

  it('makes an event of what its library signs, and signs what the library verifies', async () => {
    const text = JSON.stringify(samples.github);
    const headers = {
      'x-hub-signature-256': await signAsGithub('secret', text),
      'x-github-event': 'issues',
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    };
    expect(await eventOf(github(), request(headers, text))).to.include({
      type: 'issues.opened',
      key: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      subject: null,
      occurredAtMs: null,
    });
    const unsignedIdIgnored = github({ fields: { key: 'null' } });
    expect((await eventOf(unsignedIdIgnored, request(headers, text))).key).to.match(/^issues\.opened::[\da-f]{32}$/);
    const signed = signedRequest(github(), text).headers['x-hub-signature-256'] ?? '';
    expect(await verifyAsGithub('secret', text, signed)).to.equal(true);
  });

  it('knows events without an action', async () => {
    const signature = await signAsGithub('secret', '{"ref":"main"}');
    const sent = request({ 'x-hub-signature-256': signature, 'x-github-event': 'push' }, '{"ref":"main"}');
    expect((await eventOf(github(), sent)).type).to.equal('push');
  });
});

describe('hmac of Stripe', () => {
  const stripe = (options: JsonObject = {}) => source({ preset: 'stripe', ...options });
  const { webhooks } = new Stripe('sk_test_none');
  const header = (timestamp = seconds, secret = 'secret') =>
    webhooks.generateTestHeaderString({ payload: body, secret, timestamp });

  it('makes an event of what its library signs, and signs what the library verifies', async () => {
    expect(await eventOf(stripe(), request({ 'stripe-signature': header() }))).to.include({
      type: 'lead.created',
      key: 'evt_9',
      subject: null,
      occurredAtMs: nowMs - 1000,
    });
    const sent = signedRequest(stripe(), samples.stripe as JsonObject);
    const event = webhooks.constructEvent(
      Buffer.from(sent.body),
      sent.headers['stripe-signature'] ?? '',
      'secret',
      300,
      undefined,
      nowMs,
    );
    expect(event.id).to.equal('evt_1');
    expect((await eventOf(stripe(), sent)).subject).to.equal('in_1');
  });

  it('uses a secret as it is, with its prefix', async () => {
    const own = stripe({ secrets: ['whsec_other', 'whsec_AAAA'] });
    expect((await eventOf(own, request({ 'stripe-signature': header(seconds, 'whsec_AAAA') }))).key).to.equal('evt_9');
  });

  it('accepts one of several signatures, and no other version', async () => {
    const [time = '', own = ''] = header().split(',');
    const other = 'v1=00';
    for (const parts of [
      [time, other, own],
      [time, own, other],
      [time, 'v0=00', own],
    ])
      expect((await eventOf(stripe(), request({ 'stripe-signature': parts.join(',') }))).key).to.equal('evt_9');
    const sent = request({ 'stripe-signature': `${time},${own.replace('v1', 'v0')}` });
    expect(await reasonOf(stripe(), sent)).to.match(/no part of header Stripe-Signature starts with "v1="/);
  });
});

describe('hmac of Slack', () => {
  const slack = (options: JsonObject = {}) => source({ preset: 'slack', ...options });

  it('accepts the same requests as the library of Slack, and refuses the same ones', async () => {
    const sent = signedRequest(slack(), samples.slack as JsonObject);
    const byLibrary = ({ headers, body, receivedAtMs }: RawRequest, signingSecret = 'secret') =>
      isValidSlackRequest({
        signingSecret,
        body: Buffer.from(body).toString(),
        headers: {
          'x-slack-signature': headers['x-slack-signature'] ?? '',
          'x-slack-request-timestamp': Number(headers['x-slack-request-timestamp']),
        },
        nowMilliseconds: receivedAtMs,
      });
    const verdicts = async (one: RawRequest, secrets = 'secret') => [
      byLibrary(one, secrets),
      (await refusalOf(slack({ secrets }), one)) === null,
    ];
    expect(await verdicts(sent)).to.deep.equal([true, true]);
    expect(await verdicts({ ...sent, receivedAtMs: sent.receivedAtMs + 300_000 })).to.deep.equal([true, true]);
    const signature = sent.headers['x-slack-signature'] ?? '';
    const signedAs = (text: string) => ({ ...sent, headers: { ...sent.headers, 'x-slack-signature': text } });
    const flipped = (at: number) => {
      const body = Buffer.from(sent.body);
      body[at] = (body[at] ?? 0) ^ 1;
      return { ...sent, body };
    };
    const wrong = [
      ...[...sent.body.keys()].map(flipped),
      signedAs(signature.slice(0, -1)),
      signedAs(signature.slice(0, -1) + (signature.endsWith('0') ? '1' : '0')),
      signedAs(''),
      { ...sent, receivedAtMs: sent.receivedAtMs + 301_000 },
    ];
    for (const one of wrong) expect(await verdicts(one), JSON.stringify(one.headers)).to.deep.equal([false, false]);
    expect(await verdicts(sent, 'other')).to.deep.equal([false, false]);
  });
  const signed = (text: string, timestamp: string, key = 'secret') => ({
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': `v0=${hmac(`v0:${timestamp}:${text}`, { key }).toString('hex')}`,
  });

  it('accepts the example of its documentation, which is no JSON object', async () => {
    const text =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
    const headers = {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    };
    const own = slack({ secrets: '8f742231b10e8888abcd99yyyzzz85a5' });
    const sent = { ...request(headers, text), receivedAtMs: 1_531_420_618_000 };
    expect((await refusalOf(own, sent))?.code).to.equal('MALFORMED');
  });

  it('makes an event with the type of what happened', async () => {
    const sent = signedRequest(slack(), samples.slack as JsonObject);
    expect(await eventOf(slack(), sent)).to.include({
      type: 'app_mention',
      key: 'Ev1',
      agent: 'A1',
      occurredAtMs: 1_770_037_315_000,
    });
    expect(await eventOf(slack(), signedRequest(slack(), { type: 'app_rate_limited' }))).to.include({
      type: 'app_rate_limited',
    });
  });

  it('answers the challenge for its URL, once it is verified', async () => {
    const text = '{"type":"url_verification","challenge":"3eZbrw1aB"}';
    const sent = request(signed(text, `${seconds}`), text);
    expect(await slack().receive(sent)).to.deep.equal({
      kind: 'handshake',
      reply: { status: 200, body: { challenge: '3eZbrw1aB' } },
    });
    expect(await reasonOf(slack(), request(signed(text, `${seconds}`, 'other'), text))).to.match(/does not match/);
    const github = source({ preset: 'github' });
    expect((await eventOf(github, signedRequest(github, text))).type).to.equal('webhook');
  });
});

/** Headers that a preset signs with, at a time. */
const schemes: Readonly<
  Record<string, { header: string; make: (at: number, key?: string) => Record<string, string> }>
> = {
  github: {
    header: 'x-hub-signature-256',
    make: (_at, key = 'secret') => ({ 'x-hub-signature-256': `sha256=${hmac(body, { key }).toString('hex')}` }),
  },
  stripe: {
    header: 'stripe-signature',
    make: (at, key = 'secret') => ({
      'stripe-signature': `t=${at},v1=${hmac(`${at}.${body}`, { key }).toString('hex')}`,
    }),
  },
  slack: {
    header: 'x-slack-signature',
    make: (at, key = 'secret') => ({
      'x-slack-request-timestamp': `${at}`,
      'x-slack-signature': `v0=${hmac(`v0:${at}:${body}`, { key }).toString('hex')}`,
    }),
  },
};

for (const [preset, { header, make }] of Object.entries(schemes))
  describe(`hmac of ${preset} refuses`, () => {
    const own = (options: JsonObject = {}) => source({ preset, ...options });
    const good = make(seconds);
    const text = good[header] ?? '';
    const last = text.at(-1) === '0' ? '1' : '0';

    for (const [what, headers, reason] of [
      ['one flipped bit', { ...good, [header]: text.slice(0, -1) + last }, /does not match/],
      ['a truncated signature', { ...good, [header]: text.slice(0, -2) }, /does not match/],
      ['another secret', make(seconds, 'other'), /does not match/],
      [
        'a signature in capitals',
        { ...good, [header]: text.replace(/[\da-f]{64}/, (digest) => digest.toUpperCase()) },
        /does not match/,
      ],
      ['a missing header', {}, /is missing/],
      ['an empty header', { ...good, [header]: '' }, /is missing/],
      ['another prefix', { ...good, [header]: text.replace(/(sha256|v1|v0)=/, 'x=') }, /start/],
    ] as const)
      it(what, async () => {
        expect((await eventOf(own(), request(good))).type).to.be.a('string');
        expect(await reasonOf(own(), request(headers))).to.match(reason);
      });

    it('another body, if only by its spaces', async () => {
      expect(await reasonOf(own(), request(good, body.replace(':', ': ')))).to.match(/does not match/);
    });

    it('what none of several secrets signed, and accepts what any did', async () => {
      expect(await eventOf(own({ secrets: ['newer', 'secret'] }), request(good))).to.be.an('object');
      expect(await reasonOf(own({ secrets: ['newer', 'older'] }), request(good))).to.match(/does not match/);
    });

    if (preset !== 'github')
      it('an old time and one in the future', async () => {
        for (const at of [seconds - 300, seconds + 300])
          expect(await eventOf(own(), request(make(at)))).to.be.an('object');
        expect(await reasonOf(own(), request(make(seconds - 301)))).to.match(/301 s old, 300 s are allowed/);
        expect(await reasonOf(own(), request(make(seconds + 301)))).to.match(/301 s ahead/);
        expect(await reasonOf(own({ signature: { tolerance: '10s' } }), request(make(seconds - 11)))).to.match(
          /11 s old/,
        );
      });
  });

describe('a handshake by GET', () => {
  const get = (query: Record<string, string>) => aRequest({ method: 'GET', query });
  const tokens = { tokens: ['token_added', 'token_old'] };
  const shake = async (options: JsonObject, query: Record<string, string>) => {
    try {
      return await source(options).handshake?.(get(query));
    } catch (error) {
      return error instanceof Error && 'code' in error ? `${error.code}: ${error.message}` : error;
    }
  };

  sourceSuite(
    'hmac of meta',
    () => ({
      source: source({ preset: 'meta', handshake: tokens }),
      sample: samples.custom ?? {},
      handshake: {
        request: (challenge) =>
          get({ 'hub.mode': 'subscribe', 'hub.verify_token': 'token_old', 'hub.challenge': challenge }),
        unverified: ['', 'token', 'token_added,token_old'].map((token) =>
          get({ 'hub.verify_token': token, 'hub.challenge': '1' }),
        ),
      },
    }),
    ['signing'],
  );
  sourceSuite(
    'hmac of dropbox',
    () => ({
      source: source({ preset: 'dropbox' }),
      sample: samples.custom ?? {},
      handshake: { request: (challenge) => get({ challenge }) },
    }),
    ['signing'],
  );

  it('is that of the preset, or as configured', async () => {
    const meta = { preset: 'meta', handshake: tokens };
    const query = { 'hub.verify_token': 'token_added', 'hub.challenge': '1158201444' };
    expect(await shake(meta, query)).to.deep.equal({ status: 200, text: '1158201444' });
    expect(await shake(meta, { ...query, 'hub.verify_token': 'x' })).to.equal(
      'UNVERIFIED: the query parameter hub.verify_token is not a configured token',
    );
    expect(await shake(meta, { 'hub.verify_token': 'token_old' })).to.equal(
      'MALFORMED: the query parameter hub.challenge is missing, or is no challenge',
    );
    const own = { ...custom, handshake: { challenge: 'echo', tokenParameter: 'secret', ...tokens } };
    expect(await shake(own, { echo: 'a-b_c.d~e=', secret: 'token_added' })).to.deep.equal({
      status: 200,
      text: 'a-b_c.d~e=',
    });
  });

  it('is refused by senders that have none', () => {
    for (const options of [custom, { preset: 'github' }, { preset: 'stripe' }, { preset: 'slack' }])
      expect(source(options)).not.to.have.property('handshake');
  });

  it('needs all of its options', () => {
    expect(() => source({ preset: 'meta' })).to.throw('expected tokens and tokenParameter together');
    expect(() => source({ preset: 'dropbox', handshake: tokens })).to.throw('tokens and tokenParameter together');
    expect(() => source({ ...custom, handshake: { tokenParameter: 'secret', ...tokens } })).to.throw(
      'expected challenge',
    );
  });
});
