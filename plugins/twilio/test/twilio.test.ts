import { createHash, createHmac } from 'node:crypto';
import plugin from '@switchhook/plugin-twilio';
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
import fc from 'fast-check';
import { getExpectedTwilioSignature, validateRequest, validateRequestWithBody } from 'twilio/lib/webhooks/webhooks.js';

const token = 'token_of_the_tests';
const url = 'https://hooks.example.com/hooks/under-test';
const [component] = plugin.components;
const samples = Object.entries(component?.samples ?? {});
const setup = (options: JsonObject = {}) =>
  createComponent('source', component, { secrets: token, ...options }, fakeServices());

for (const [name, sample] of samples)
  sourceSuite(`twilio.events with ${name}`, () => ({
    source: setup({ secrets: ['token_added', token], url }),
    sample,
    different: samples.flatMap(([other, body]) => (other === name ? [] : [body])),
    signing: {
      other: setup({ secrets: 'another token', url }),
      last: setup({ secrets: token, url }),
      toleranceMs: null,
    },
  }));

/** What Twilio signs of a form whose parameters are in their order. */
const signatureOf = (text: string, secret = token) => createHmac('sha1', secret).update(text).digest('base64');
const form = (body: string, signature: string, given: Partial<RawRequest> = {}) =>
  aRequest({
    url,
    body,
    ...given,
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8', 'x-twilio-signature': signature },
  });
const receive = async (request: RawRequest, options: JsonObject = {}) => {
  const refusal = await refusalOf(setup(options), request);
  return refusal === null ? 'accepted' : `${refusal.code}: ${refusal.message}`;
};

describe('the signature of Twilio', () => {
  // The example of Twilio's documentation and of the tests of its libraries.
  const example = {
    url: 'https://mycompany.com/myapp.php?foo=1&bar=2',
    body: 'Digits=1234&To=%2B18005551212&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE',
    signature: 'RSOYDt4T1cUTdK1PDd93/VVr8B8=',
  };
  const request = form(example.body, example.signature, { url: example.url });

  it('is that of the published example', async () => {
    expect(await receive(request, { secrets: ['other', '12345'] })).to.equal('accepted');
    for (const changed of [
      `${example.body}&a=`,
      example.body.replace('1234', '1235'),
      example.body.replace('Digits', 'digits'),
    ])
      expect(await receive(form(changed, example.signature, { url: example.url }), { secrets: '12345' })).to.include(
        'UNVERIFIED',
      );
    expect(await receive(request)).to.equal(
      'UNVERIFIED: signature does not match the URL https://mycompany.com/myapp.php and the parameters: is it the URL that is entered in Twilio? If not, set server.publicUrl or url',
    );
  });

  it('covers the URL that the sender used, whatever its port', async () => {
    const options = { secrets: '12345' };
    const at = (used: string, more: JsonObject = {}) => receive({ ...request, url: used }, { ...options, ...more });
    expect(await at('https://mycompany.com:443/myapp.php?foo=1&bar=2')).to.equal('accepted');
    expect(await at('https://mycompany.com:8443/myapp.php?foo=1&bar=2')).to.equal('accepted');
    for (const used of ['http://mycompany.com/myapp.php?foo=1&bar=2', 'https://mycompany.com/myapp.php?foo=1', 'x'])
      expect(await at(used), used).to.include('UNVERIFIED');
    const behindProxy = 'http://10.0.0.1:8080/hooks/calls?foo=1&bar=2';
    expect(await at(behindProxy)).to.include('UNVERIFIED');
    expect(await at(behindProxy, { url: 'https://mycompany.com/myapp.php' })).to.equal('accepted');
    const withPort = form('A=1', signatureOf('https://[::1]:443/hooks/a?b=1A1'), { url: 'https://[::1]/hooks/a?b=1' });
    expect(await receive(withPort)).to.equal('accepted');
  });

  it('covers the different values of a repeated parameter, sorted', async () => {
    const request = form('b=2&a=2&a=1&a=2&a%C3%A9=+%26', signatureOf(`${url}a1a2aé &b2`));
    expect(await receive(request)).to.equal('accepted');
    expect((await eventOf(setup(), request)).data).to.deep.equal({ a: ['2', '1', '2'], aé: ' &', b: '2' });
  });

  it('covers the URL of JSON, which has the hash of the body', async () => {
    const body = '{"CallSid":"CA1"}';
    const bodySHA256 = createHash('sha256').update(body).digest('hex');
    const json = (given: Partial<RawRequest> = {}) => {
      const full = `${url}?bodySHA256=${bodySHA256}`;
      const headers = { 'content-type': 'application/json', 'x-twilio-signature': signatureOf(full) };
      return { ...aRequest({ body, url: full, query: { bodySHA256 }, headers }), ...given };
    };
    expect(await receive(json())).to.equal('accepted');
    expect(await receive(json({ body: Buffer.from('{"CallSid":"CA2"}') }))).to.include('not the hash of the body');
    expect(await receive(json({ query: {} }))).to.include('not the hash of the body');
    // The same signature fits a form without parameters.
    const empty = { ...json(), ...form('', json().headers['x-twilio-signature'] ?? '', { url: json().url }) };
    expect(await receive(empty)).to.equal('MALFORMED: the body is empty');
  });

  it('cannot be made without the URL', () => {
    expect(() => setup().sign?.(Buffer.from('{}'), 0)).to.throw('set the option url');
    for (const wrong of ['hooks.example.com', 'https://a.example/?b=1', 'https://a.example/#rc=2'])
      expect(() => setup({ url: wrong })).to.throw('expected a URL without a query');
  });
});

describe('the library of Twilio', () => {
  type Parameters = Readonly<Record<string, string | readonly string[]>>;
  /** A request as the library signs it. */
  const fromLibrary = (
    parameters: Parameters,
    { secret = token, at = url, algorithm = 'HMAC_SHA1' } = {},
  ): RawRequest => {
    const pairs = Object.entries(parameters).flatMap(([name, values]) =>
      [values].flat().map((value): [string, string] => [name, value]),
    );
    const signature = getExpectedTwilioSignature(secret, at, parameters, algorithm);
    const { headers, ...request } = form(new URLSearchParams(pairs).toString(), signature, { url: at });
    const settings = { 'x-twilio-webhooks-signature-settings': `key=webhooks_sharedkey_1,algorithm=${algorithm}` };
    return { ...request, headers: { ...headers, ...(algorithm !== 'HMAC_SHA1' && settings) } };
  };
  const call = { CallSid: 'CA1', CallStatus: 'completed', From: '+12345678912', Digit: ['2', '1', '2'] };

  it('signs what the source accepts, with each of several tokens, and nothing that was changed', async () => {
    const request = fromLibrary(call);
    expect(await receive(request, { secrets: ['token_added', token] })).to.equal('accepted');
    expect(await receive(fromLibrary(call, { secret: 'other' }))).to.include('UNVERIFIED');
    for (let at = 0; at < request.body.length; at += 1) {
      const body = Buffer.from(request.body);
      body[at] = (body[at] ?? 0) ^ 1;
      const parameters = Object.fromEntries(new URLSearchParams(body.toString()));
      const signature = request.headers['x-twilio-signature'] ?? '';
      expect(validateRequest(token, signature, url, parameters), body.toString()).to.equal(false);
      expect(await receive({ ...request, body }), body.toString()).to.include('UNVERIFIED');
    }
  });

  it('signs what the source accepts, whatever the parameters', async () => {
    const names = fc.string({ minLength: 1, unit: 'grapheme' }).filter((name) => !/^\d+$|^__proto__$/.test(name));
    const values = fc.string({ unit: 'grapheme' });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(names, values, { minKeys: 1, noNullPrototype: true }), async (parameters) => {
        const request = fromLibrary(parameters);
        expect(await receive(request)).to.equal('accepted');
        expect((await eventOf(setup(), request)).data).to.deep.equal(parameters);
      }),
      { numRuns: 50 },
    );
  });

  it('signs with a shared key and SHA-256 what the source accepts, and with no other algorithm', async () => {
    const request = fromLibrary(call, { algorithm: 'HMAC_SHA256' });
    expect(await receive(request)).to.equal('accepted');
    const named = (value: string) =>
      receive({ ...request, headers: { ...request.headers, 'x-twilio-webhooks-signature-settings': value } });
    expect(await named('key=a, algorithm=hmac_sha256')).to.equal('accepted');
    for (const value of ['', 'key=a', 'algorithm=', 'algorithm=HMAC_SHA1'])
      expect(await named(value), value).to.include('UNVERIFIED: signature does not match');
    expect(await named('key=a,algorithm=HMAC_MD5')).to.equal(
      'UNVERIFIED: header X-Twilio-Webhooks-Signature-Settings has another algorithm than HMAC_SHA1 and HMAC_SHA256',
    );
  });

  it('accepts a URL in the same forms as the source', async () => {
    const received = "https://hooks.example.com/hooks/calls?name=O'Hara&note=a%20b";
    const forms = [
      received,
      received.replace('.com', '.com:443'),
      received.replace("'", '%27'),
      received.replace("'", '%27').replace('.com', '.com:443'),
    ];
    for (const signed of [...forms, 'https://hooks.example.com/hooks/calls', received.replace('Hara', 'hara')]) {
      const signature = getExpectedTwilioSignature(token, signed, call);
      const accepts = validateRequest(token, signature, received, call);
      expect(accepts, signed).to.equal(forms.includes(signed));
      const result = await receive({ ...fromLibrary(call, { at: signed }), url: received });
      expect(result === 'accepted', signed).to.equal(accepts);
    }
  });

  it('accepts what the source signs, and nothing that was changed', () => {
    const { body, headers, url: signed } = signedRequest(setup({ secrets: [token, 'token_added'], url }), call);
    const accepts = (text: string, secret = token, signature = headers['x-twilio-signature'] ?? '') =>
      validateRequestWithBody(secret, signature, signed, text);
    expect(accepts(body.toString())).to.equal(true);
    expect(accepts(body.toString(), 'token_added')).to.equal(false);
    expect(accepts(body.toString().replace('CA1', 'CA0'))).to.equal(false);
    expect(accepts(body.toString(), token, signatureOf(`${signed} `))).to.equal(false);
  });
});

describe('twilio.events', () => {
  const signedForm = (body: string, parameters: string) => form(body, signatureOf(`${url}${parameters}`));

  it('reads the fields of a form', async () => {
    const body =
      'CallStatus=completed&CallSid=CA1&From=%2B12345678912&Timestamp=Thu%2C+01+Jan+2026+00%3A00%3A00+%2B0000';
    const request = signedForm(
      body,
      'CallSidCA1CallStatuscompletedFrom+12345678912TimestampThu, 01 Jan 2026 00:00:00 +0000',
    );
    const source = setup({ fields: { party: 'body.From' } });
    const { key, body: bytes, ...draft } = await eventOf(source, request);
    expect(draft).to.deep.equal({
      type: 'completed',
      subject: 'CA1',
      agent: null,
      party: '+12345678912',
      occurredAtMs: 1_767_225_600_000,
      data: {
        CallSid: 'CA1',
        CallStatus: 'completed',
        From: '+12345678912',
        Timestamp: 'Thu, 01 Jan 2026 00:00:00 +0000',
      },
    });
    expect(JSON.parse(String(bytes))).to.deep.equal(draft.data);
    const reordered = { ...request, body: Buffer.from(body.split('&').reverse().join('&')) };
    expect((await eventOf(source, reordered)).key).to.equal(key);
  });

  it('keeps parameters of any name', async () => {
    const draft = await eventOf(setup(), signedForm('{"a":1}=&constructor=1&x', 'constructor1x{"a":1}'));
    expect([draft.type, draft.subject]).to.deep.equal(['webhook', null]);
    expect(draft.data).to.deep.equal({ constructor: '1', x: '', '{"a":1}': '' });
    expect(JSON.parse(String(draft.body))).to.deep.equal(draft.data);
    expect(await receive(signedForm('__proto__=1', '__proto__1'))).to.include('MALFORMED');
  });

  it('refuses forms with more parameters than Twilio sends, before it sorts them', async () => {
    const names = Array.from({ length: 1000 }, (_, n) => `p${n}`);
    const sorted = [...names].sort().join('');
    expect(await receive(signedForm(names.join('&'), sorted))).to.equal('accepted');
    expect(await receive(signedForm([...names, 'x'].join('&'), ''))).to.include('MALFORMED');
  });

  it('signs what it accepts with the same URL only', async () => {
    const request = signedRequest(setup({ url }), { CallSid: 'CA1' });
    expect(await receive(request, { url })).to.equal('accepted');
    expect(await receive(request, { url: 'https://other.example/hooks/under-test' })).to.include('UNVERIFIED');
  });
});
