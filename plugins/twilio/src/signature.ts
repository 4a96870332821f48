/** How Twilio signs: HMAC of the URL and the parameters of the form, as `validateRequest` of twilio 6.3.1 checks it. */
import { createHash } from 'node:crypto';
import { parse, stringify } from 'node:querystring';
import {
  type RawRequest,
  readJsonObject,
  refuse,
  requireSignature,
  type SignatureScheme,
  type SignedRequest,
  sameText,
  secretAt,
  signatureHeaders,
  type VerifiedBy,
  verifySignature,
} from '@switchhook/sdk';
import { type FormBody, formIn } from './form.js';

/** What is signed is made of the request, and given as the body. */
function schemeOf(algorithm: 'sha1' | 'sha256'): SignatureScheme {
  return {
    header: 'X-Twilio-Signature',
    algorithm,
    encoding: 'base64',
    prefix: '',
    timestampHeader: null,
    toleranceMs: 0,
    signed: '{body}',
  };
}

/** Of requests that are signed with a shared key: `key=<id of the key>,algorithm=HMAC_SHA256`. */
const settingsHeader = 'X-Twilio-Webhooks-Signature-Settings';

/** The scheme that a request names: HMAC-SHA1 by default, as with the Auth Token. */
function schemeIn({ headers }: RawRequest): SignatureScheme {
  const parts = (headers[settingsHeader.toLowerCase()] ?? '').split(',').map((part) => part.trim());
  const named = parts.flatMap((part) => /^algorithm\s*=\s*(.+)$/.exec(part)?.[1] ?? [])[0]?.toUpperCase();
  if (named === undefined || named === 'HMAC_SHA1') return schemeOf('sha1');
  if (named === 'HMAC_SHA256') return schemeOf('sha256');
  throw refuse('UNVERIFIED', `header ${settingsHeader} has another algorithm than HMAC_SHA1 and HMAC_SHA256`);
}

/** `verify` returns the body, and which token fits, where one does, and throws a refusal otherwise; `sign` makes what `verify` accepts. */
export function verifierOf(secrets: readonly string[], url: string | undefined) {
  return {
    verify(request: RawRequest): Omit<FormBody, 'signed'> & { readonly verifiedBy: VerifiedBy } {
      const scheme = schemeIn(request);
      const isJson = /^application\/json\b/i.test(request.headers['content-type'] ?? '');
      if ((request.headers['x-twilio-signature'] ?? '') === '') requireSignature(scheme, secrets, request);
      const form = isJson ? null : formIn(request.body);
      const sent = url === undefined ? request.url : `${url}${/\?.*$/s.exec(request.url)?.[0] ?? ''}`;
      const [signedBy] = [...formsOf(sent)].flatMap((one) => {
        const body = Buffer.from(`${one}${form?.signed ?? ''}`);
        const result = verifySignature(scheme, secrets, { ...request, body }, request.receivedAtMs);
        return result.verified ? [result.secret] : [];
      });
      if (signedBy === undefined)
        throw refuse(
          'UNVERIFIED',
          `signature does not match the URL ${sent.replace(/\?.*$/s, '').slice(0, 256)} and the parameters: is it the URL that is entered in Twilio? If not, set server.publicUrl or url`,
        );
      const verifiedBy = secretAt(signedBy, secrets);
      if (form !== null) return { ...form, verifiedBy };
      // Of JSON only the URL is signed, which has the hash of the body.
      if (!sameText(request.query.bodySHA256 ?? '', hashOf(request.body)))
        throw refuse('UNVERIFIED', 'the parameter bodySHA256 of the URL is not the hash of the body');
      return { data: readJsonObject(request.body), bytes: request.body, verifiedBy };
    },
    sign(body: Uint8Array, nowMs: number): SignedRequest {
      if (url === undefined) throw new Error('the signature covers the URL: set the option url of this source');
      const rest = `?bodySHA256=${hashOf(body)}`;
      const signed = { body: Buffer.from(`${url}${rest}`), method: 'POST' };
      return { headers: signatureHeaders(schemeOf('sha1'), secrets[0] ?? '', signed, nowMs), rest };
    },
  };
}

/** Parts of Twilio sign the URL with its port, without it, or with characters of its query encoded: its library tries all of that. */
function formsOf(url: string): ReadonlySet<string> {
  const written = URL.canParse(url) ? new URL(url).href : url;
  const [path = '', query] = written.split(/\?(.*)/s, 2);
  const encoded = query === undefined || query === '' ? written : `${path}?${stringify(parse(query))}`;
  return new Set([url, written, encoded].flatMap((form) => [form, withOtherPort(form)]));
}

/** With the usual port if it has none, else without its port. */
function withOtherPort(url: string): string {
  const [, scheme, host = '', port, rest = ''] = /^(https?):\/\/([^/?#]+?)(:\d+)?([/?#].*)?$/s.exec(url) ?? [];
  const usual = scheme === 'https' ? ':443' : ':80';
  return `${scheme}://${host}${port === undefined ? usual : ''}${rest}`;
}

function hashOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
