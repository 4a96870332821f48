import { createHmac } from 'node:crypto';
import type { JsonObject, RawRequest } from '@switchhook/sdk';
import { aRequest } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';
import { component, eventOf, mistakesOf, refusal, setup } from './world.js';

const body = '{"event":"conversation_ended","conversationId":"conv_1"}';
const secret = 'your-signing-secret';
const header = 'x-sigmamind-signature';
const events = (signature?: JsonObject, secrets: string | string[] = secret) =>
  setup('sigmamind.events', { secrets, ...(signature && { signature }) });

/** A request with these headers, received at this time. */
function request(headers: Record<string, string>, given: Partial<Omit<RawRequest, 'headers'>> = {}): RawRequest {
  return aRequest({ body, ...given, headers: { 'content-type': 'application/json', ...headers } });
}

describe('the signature as it is assumed', () => {
  // printf %s "$body" | openssl dgst -sha256 -hmac your-signing-secret
  const digest = 'f91096c60a147ed1260802366a24fcc67444f6296563075af50bcf7f9d9b002c';

  it('is what openssl dgst makes of the body', async () => {
    const fixture = events();
    expect((await eventOf(fixture, request({ [header]: digest }))).type).to.equal('conversation_ended');
    expect(fixture.signed(body).headers[header]).to.equal(digest);
  });

  const wrong: readonly (readonly [name: string, headers: Record<string, string>, reason: RegExp, body?: string])[] = [
    ['is missing', {}, /^header X-SigmaMind-Signature is missing; no header looks like a signature$/],
    ['is empty', { [header]: '' }, /is missing/],
    [
      'is made with another secret',
      { [header]: createHmac('sha256', 'other').update(body).digest('hex') },
      /does not match the body; X-SigmaMind-Signature has the configured form, so the secret or the signed content differs$/,
    ],
    ['is truncated', { [header]: digest.slice(0, -1) }, /has 63 characters, as configured it has 64/],
    ['is too long', { [header]: `${digest}0` }, /has 65 characters/],
    [
      'is written in capitals',
      { [header]: digest.toUpperCase() },
      /has characters that hex does not have; they are those of hex-upper$/,
    ],
    ['is no hex', { [header]: `z${digest.slice(1)}` }, /has characters that hex does not have$/],
    ['has blanks around it', { [header]: ` ${digest} ` }, /has 66 characters/],
    ['is not of ASCII', { [header]: `é${digest.slice(1)}` }, /does not match/],
    ['has a prefix', { [header]: `sha256=${digest}` }, /has 71 characters, as configured it has 64/],
    ['is in base64', { [header]: Buffer.from(digest, 'hex').toString('base64') }, /has 44 characters/],
    ['comes twice', { [header]: `${digest}, ${digest}` }, /has 130 characters/],
    ['stands in another header', { 'x-sig': digest }, /is missing; it could be in x-sig$/],
    ['is of a body that was changed by one byte', { [header]: digest }, /does not match/, body.replace('_1', '_2')],
    ['is of a body that was written anew', { [header]: digest }, /does not match/, body.replace(':', ': ')],
    ['is of another body than none', { [header]: digest }, /does not match/, ''],
  ];
  for (const [name, headers, reason, sent = body] of wrong)
    it(`is refused when it ${name}`, async () => {
      const fixture = events();
      const found = await refusal('UNVERIFIED', () => fixture.receive(request(headers, { body: Buffer.from(sent) })));
      expect(found).to.match(reason);
      expect(found).to.not.include(digest.slice(0, 16)).and.not.include(secret);
    });

  it('is looked for among the headers that came: their names, a few, and no values', async () => {
    const fixture = events();
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`x-token-${index}`, 'value-of-a-header']),
    );
    const reason = await refusal('UNVERIFIED', () => fixture.receive(request({ ...many, 'x-hmac-sha256': 'value' })));
    expect(reason).to.include('x-token-0, x-token-1').and.not.include('x-token-8').and.not.include('value');
  });

  const assumed = (type: 'sigmamind.events' | 'sigmamind.call', options: JsonObject) => {
    // As the router has parsed them.
    return (component(type).assumptions?.(options) ?? []).map(({ path, message }) => [...path, message]);
  };

  it('is a warning of the configuration, with each setting that is not written', () => {
    const options = { secrets: [secret], signature: { header: 'x-real', prefix: 'v1=' } };
    const warning = ['signature', 'how SigmaMind signs is assumed: algorithm: sha256, encoding: hex'];
    expect(assumed('sigmamind.events', options)).to.deep.equal([warning]);
    expect(assumed('sigmamind.call', options)).to.deep.equal([warning]);
    expect(assumed('sigmamind.events', { secrets: [secret] })[0]?.[1]).to.include('header: X-SigmaMind-Signature');
  });

  it('is no warning once header, algorithm and encoding are written, and of calls without secrets', async () => {
    const signature = { header: 'X-SigmaMind-Signature', algorithm: 'sha256', encoding: 'hex' };
    expect(assumed('sigmamind.events', { secrets: [secret], signature })).to.deep.equal([]);
    expect(assumed('sigmamind.call', { token: 'a-token' })).to.deep.equal([]);
    expect((await eventOf(events(signature), request({ [header]: digest }))).type).to.equal('conversation_ended');
  });
});

describe('a configured signature', () => {
  const written = {
    hex: (digest: Buffer) => digest.toString('hex'),
    'hex-upper': (digest: Buffer) => digest.toString('hex').toUpperCase(),
    base64: (digest: Buffer) => digest.toString('base64'),
    base64url: (digest: Buffer) => digest.toString('base64url'),
  };
  for (const algorithm of ['sha1', 'sha256', 'sha384', 'sha512'])
    for (const [encoding, write] of Object.entries(written))
      it(`is verified as ${algorithm} in ${encoding}, and as nothing else`, async () => {
        const signature = write(createHmac(algorithm, secret).update(body).digest());
        const fixture = events({ header: 'X-Sig', algorithm, encoding, prefix: 'v1=' });
        expect((await eventOf(fixture, request({ 'x-sig': `v1=${signature}` }))).subject).to.equal('conv_1');
        await refusal('UNVERIFIED', () => fixture.receive(request({ 'x-sig': signature })));
        const other = events({
          header: 'X-Sig',
          algorithm: algorithm === 'sha256' ? 'sha512' : 'sha256',
          encoding,
          prefix: 'v1=',
        });
        await refusal('UNVERIFIED', () => other.receive(request({ 'x-sig': `v1=${signature}` })));
      });

  it('may leave out the padding of base64', async () => {
    const fixture = events({ encoding: 'base64' });
    const signature = createHmac('sha256', secret).update(body).digest('base64').replace('=', '');
    expect((await eventOf(fixture, request({ [header]: signature }))).subject).to.equal('conv_1');
  });

  it('is tried with each secret, so that they can be rotated', async () => {
    const fixture = events(undefined, ['new-secret', secret]);
    for (const one of ['new-secret', secret])
      expect((await eventOf(fixture, events(undefined, one).signed(body))).subject).to.equal('conv_1');
    await refusal('UNVERIFIED', () => fixture.receive(events(undefined, 'older').signed(body)));
  });
});

describe('a time of signing', () => {
  const nowMs = 1_767_225_600_000;
  const signature = { timestampHeader: 'X-SigmaMind-Timestamp' };
  const signedAt = (timestamp: string, text = `${timestamp}.${body}`) =>
    request({
      [header]: createHmac('sha256', secret).update(text).digest('hex'),
      'x-sigmamind-timestamp': timestamp,
    });

  for (const [name, timestamp] of Object.entries({
    'in seconds': String(nowMs / 1000),
    'in milliseconds': String(nowMs),
    '300 s ago': String(nowMs / 1000 - 300),
    'in 300 s': String(nowMs / 1000 + 300),
  }))
    it(`is accepted ${name}`, async () => {
      const fixture = events(signature);
      expect((await eventOf(fixture, signedAt(timestamp))).subject).to.equal('conv_1');
    });

  for (const [name, timestamp, reason] of [
    ['301 s ago', String(nowMs / 1000 - 301), /301 s old, 300 s are allowed/],
    ['in 301 s', String(nowMs / 1000 + 301), /301 s ahead/],
    ['of no form that is known', 'yesterday', /not a number/],
  ] as const)
    it(`is refused ${name}`, async () => {
      const fixture = events(signature);
      expect(await refusal('UNVERIFIED', () => fixture.receive(signedAt(timestamp)))).to.match(reason);
    });

  it('is refused when it is not the one that was signed', async () => {
    const fixture = events(signature);
    const later = String(nowMs / 1000 + 60);
    await refusal('UNVERIFIED', () => fixture.receive(signedAt(later, `${nowMs / 1000}.${body}`)));
  });

  it('is missed when its header does not come', async () => {
    const fixture = events(signature);
    const reason = await refusal('UNVERIFIED', () => fixture.receive(request({ [header]: 'ab', 'x-timestamp': '1' })));
    expect(reason).to.include('header X-SigmaMind-Timestamp is missing');
  });

  it('has the tolerance and the place that are configured', async () => {
    const fixture = events({ ...signature, tolerance: '10s', signed: 'v0:{timestamp}:{body}' });
    const at = (seconds: number) => signedAt(`${seconds}`, `v0:${seconds}:${body}`);
    expect((await eventOf(fixture, at(nowMs / 1000 - 10))).subject).to.equal('conv_1');
    await refusal('UNVERIFIED', () => fixture.receive(at(nowMs / 1000 - 11)));
  });
});

describe('what a source signs itself', () => {
  it('is accepted, whatever the scheme', async () => {
    const schemes = fc.record({
      header: fc.constantFrom('X-Sig', 'authorization', 'Webhook-Signature'),
      algorithm: fc.constantFrom('sha1', 'sha256', 'sha384', 'sha512'),
      encoding: fc.constantFrom('hex', 'hex-upper', 'base64', 'base64url'),
      prefix: fc.constantFrom('', 'sha256=', 'v1,', 'HMAC-SHA256 Signature='),
      timed: fc.boolean(),
      around: fc.tuple(fc.string(), fc.string()).filter((texts) => !/[{}]/.test(texts.join(''))),
      secret: fc.string({ minLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(schemes, fc.string(), async ({ timed, around, secret: own, ...scheme }, value) => {
        const text = `${around[0]}${timed ? '{timestamp}' : ''}${around[1]}{body}`;
        const signature = { ...scheme, signed: text, ...(timed && { timestampHeader: 'X-Time', tolerance: '1s' }) };
        const fixture = events(signature, own);
        const sent = Buffer.from(JSON.stringify({ event: 'x', value }));
        const signed = fixture.signed(sent);
        expect((await eventOf(fixture, signed)).type).to.equal('x');
        const changed = Buffer.from(sent);
        changed[sent.length - 1] = 32;
        await refusal('UNVERIFIED', () => fixture.receive({ ...signed, body: changed }));
      }),
    );
  });
});

describe('mistakes in the signature options', () => {
  const mistakes: readonly (readonly [JsonObject, string])[] = [
    [{ header: 'x sig' }, 'name of an HTTP header'],
    [{ header: '' }, 'name of an HTTP header'],
    [{ algorithm: 'md5' }, 'sha384'],
    [{ encoding: 'HEX' }, 'hex-upper'],
    [{ tolerance: '5m' }, 'needs a timestampHeader'],
    [{ timestampHeader: 'x-time', tolerance: '0s' }, 'above zero'],
    [{ timestampHeader: 'x-time', tolerance: 'long' }, 'duration'],
    [{ signed: 'body' }, 'without {body}'],
    [{ signed: '{uri}{body}' }, 'can stand in braces'],
    [{ timestampPrefix: 't=' }, 'needs a separator'],
    [{ timestampPrefix: 't=', separator: ',', timestampHeader: 'x-time' }, 'not both'],
    [{ signed: '{timestamp}.{body}' }, 'together, or neither'],
    [{ timestampHeader: 'x-time', signed: '{body}' }, 'together, or neither'],
    [{ secret: 'x' }, 'secret'],
  ];
  for (const [signature, message] of mistakes)
    it(`are found: ${JSON.stringify(signature)}`, () => {
      expect(mistakesOf('sigmamind.events', { secrets: 'a-secret', signature })).to.include(message);
    });
});
