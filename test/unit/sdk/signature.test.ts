import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import {
  ed25519PublicKey,
  requireToken,
  requireTokenInPath,
  type SignatureScheme,
  type SignedParts,
  signatureHeaders,
  verifySignature,
} from '@switchhook/sdk';
import { aRequest } from '@switchhook/testkit';
import { expect } from 'chai';

const nowMs = 1_767_225_600_000;
const body = Buffer.from('{"type":"a"}');
const stripeLike: SignatureScheme = {
  header: 'X-Signature',
  algorithm: 'sha256',
  encoding: 'hex',
  prefix: 'v1=',
  separator: ',',
  timestampPrefix: 't=',
  timestampHeader: null,
  toleranceMs: 300_000,
  signed: '{timestamp}.{body}',
};
const hex = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex');
const own = hex('secret', `1767225600.${body}`);

/** `verified`, or why not. */
function result(scheme: SignatureScheme, headers: Record<string, string>, secrets = ['secret']): string {
  const verification = verifySignature(scheme, secrets, aRequest({ headers, body }), nowMs);
  return verification.verified ? 'verified' : verification.reason;
}

describe('A signature header with several parts', () => {
  const sent = (value: string) => result(stripeLike, { 'x-signature': value });
  const other = hex('other', `1767225600.${body}`);

  for (const [what, header] of Object.entries({
    'its time before the signature': `t=1767225600,v1=${own}`,
    'its time after the signature': `v1=${own},t=1767225600`,
    'several signatures, the second of which fits': `t=1767225600,v1=${other},v1=${own}`,
    'several signatures, the first of which fits': `t=1767225600,v1=${own},v1=${other}`,
    'parts of other versions': `t=1767225600,v0=${other},v1=${own},x`,
    'spaces after the separator, as repeated headers are joined': `t=1767225600, v1=${own}`,
  }))
    it(`is accepted with ${what}`, () => {
      expect(sent(header)).to.equal('verified');
    });

  for (const [what, header, reason] of [
    ['no signature of the version', `t=1767225600,v0=${own}`, /^no part of header X-Signature starts with "v1="$/],
    ['no time', `v1=${own}`, /^no part of header X-Signature starts with "t="$/],
    ['another time than the signed one', `t=1767225601,v1=${own}`, /does not match/],
    ['a second time, which is the signed one', `t=1767225601,t=1767225600,v1=${own}`, /does not match/],
    ['an old time', `t=1767225299,v1=${hex('secret', `1767225299.${body}`)}`, /301 s old/],
    ['a time in the future', `t=1767225901,v1=${hex('secret', `1767225901.${body}`)}`, /301 s ahead/],
    ['an empty signature', 't=1767225600,v1=', /does not match/],
    ['a truncated signature', `t=1767225600,v1=${own.slice(0, -1)}`, /does not match/],
    ['only signatures that do not fit', `t=1767225600,v1=${other},v1=${other}`, /does not match/],
  ] as const)
    it(`is refused with ${what}`, () => {
      expect(sent(header)).to.match(reason);
    });

  it('is what signatureHeaders makes', () => {
    const headers = signatureHeaders(stripeLike, 'secret', { body, method: 'POST' }, nowMs);
    expect(headers).to.deep.equal({ 'x-signature': `t=1767225600,v1=${own}` });
  });
});

describe('The time of signing', () => {
  const scheme: SignatureScheme = { ...stripeLike, prefix: '', timestampHeader: 'X-Time', separator: ' ' };
  const { timestampPrefix: _none, ...headerOnly } = scheme;
  const sent = (time: string) =>
    result(headerOnly, { 'x-time': time, 'x-signature': hex('secret', `${time}.${body}`) });

  it('is read as seconds, milliseconds or ISO 8601', () => {
    for (const time of ['1767225600', '1767225600000', '2026-01-01T00:04:59.123456+00:00', '2025-12-31T23:55:01Z'])
      expect(sent(time), time).to.equal('verified');
    expect(sent('2025-12-31T23:54:59Z')).to.equal('the timestamp is 301 s old, 300 s are allowed');
    expect(sent('2026-01-01T00:05:01Z')).to.include('301 s ahead');
    for (const time of ['now', '1', '-1767225600', '9'.repeat(400)])
      expect(sent(time), time).to.include('is not a number');
  });
});

describe('Secrets', () => {
  it('are all tried, so that the time taken does not show which one fits', () => {
    const tried: unknown[] = [];
    const secrets = new Proxy(['secret', 'old', 'older'], {
      get: (list, name) => {
        if (Number.isInteger(Number(name))) tried.push(name);
        return Reflect.get(list, name);
      },
    });
    expect(result(stripeLike, { 'x-signature': `t=1767225600,v1=${own}` }, secrets)).to.equal('verified');
    expect(tried).to.deep.equal(['0', '1', '2']);
    requireToken(aRequest({ headers: { 'x-token': 'secret' } }), { header: 'X-Token', prefix: '' }, secrets);
    requireTokenInPath(aRequest({ rest: 'secret' }), secrets);
    expect(tried).to.deep.equal(['0', '1', '2', '0', '1', '2', '0', '1', '2']);
  });
});

describe('A signature over headers and the URL', () => {
  const scheme: SignatureScheme = { ...stripeLike, signed: '{method} {url} {header:X-Id}.{timestamp}.{body}' };
  const request: SignedParts = { ...aRequest({ body }), headers: { 'x-id': 'id_1' } };

  it('is accepted as it was made, and refused when one of them is another or missing', () => {
    const headers = { ...request.headers, ...signatureHeaders(scheme, 'secret', request, nowMs) };
    expect(result(scheme, headers)).to.equal('verified');
    expect(result(scheme, { ...headers, 'x-id': 'id_2' })).to.match(/does not match/);
    expect(result(scheme, { ...headers, 'x-id': '' })).to.equal('the header x-id is missing, which is signed');
    const moved = { ...request, headers, url: `${request.url}?a=1` };
    expect(verifySignature(scheme, ['secret'], moved, nowMs).verified).to.equal(false);
  });

  it('cannot be made without them', () => {
    expect(() => signatureHeaders(scheme, 'secret', { body, method: 'POST' }, nowMs)).to.throw('covers the URL');
    expect(() => signatureHeaders(scheme, 'secret', { body, method: 'POST', url: 'x' }, nowMs)).to.throw('header x-id');
  });
});

describe('A signature of Ed25519', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = ed25519PublicKey(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'));
  const other = ed25519PublicKey(Buffer.alloc(32, 1));
  const scheme: SignatureScheme = { ...stripeLike, algorithm: 'ed25519', encoding: 'base64' };
  const signature = sign(null, Buffer.from(`1767225600.${body}`), privateKey);
  const sent = (digest: string, keys = [other, key]) => {
    const headers = { 'x-signature': `t=1767225600,v1=${digest}` };
    const verification = verifySignature(scheme, keys, aRequest({ headers, body }), nowMs);
    return verification.verified ? verification.secret : verification.reason;
  };

  it('is accepted with each key, and made with the private one', () => {
    expect(sent(signature.toString('base64'))).to.equal(1);
    expect(sent(signature.toString('base64').replace(/=+$/, ''))).to.equal(1);
    const made = signatureHeaders(scheme, privateKey, { body, method: 'POST' }, nowMs);
    expect(made['x-signature']).to.equal(`t=1767225600,v1=${signature.toString('base64')}`);
  });

  it('is refused when a bit of it is another, when it is truncated or not base64, and with another key', () => {
    const flipped = Buffer.from(signature);
    flipped[0] = (flipped[0] ?? 0) ^ 1;
    const text = signature.toString('base64');
    for (const digest of [
      '',
      flipped.toString('base64'),
      signature.subarray(1).toString('base64'),
      `${text}!`,
      `${text}AAAA`,
    ])
      expect(sent(digest)).to.match(/does not match/);
    expect(sent(text, [other])).to.match(/does not match/);
  });

  it('is not looked for among more pairs of signatures and keys than 20', () => {
    const text = signature.toString('base64');
    expect(sent(Array.from({ length: 10 }, () => text).join(',v1='))).to.equal(1);
    expect(sent(Array.from({ length: 11 }, () => text).join(',v1='))).to.equal('11 signatures are too many for 2 keys');
  });
});
