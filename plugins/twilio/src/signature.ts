/** How Twilio signs: HMAC-SHA1 of the URL and the parameters of the form, as `validateRequest` of twilio 6.2.0 checks it. */
import { createHash } from 'node:crypto';
import {
  type RawRequest,
  readJsonObject,
  refuse,
  requireSignature,
  type SignatureScheme,
  type SignedRequest,
  sameText,
  signatureHeaders,
  verifySignature,
} from '@switchhook/sdk';
import { type FormBody, formIn } from './form.js';

/** What is signed is made of the request, and given as the body. */
const scheme: SignatureScheme = {
  header: 'X-Twilio-Signature',
  algorithm: 'sha1',
  encoding: 'base64',
  prefix: '',
  timestampHeader: null,
  toleranceMs: 0,
  signed: '{body}',
};

/** `verify` returns the body where one of the tokens fits, and throws a refusal otherwise; `sign` makes what `verify` accepts. */
export function verifierOf(secrets: readonly string[], url: string | undefined) {
  return {
    verify(request: RawRequest): Omit<FormBody, 'signed'> {
      const isJson = /^application\/json\b/i.test(request.headers['content-type'] ?? '');
      if ((request.headers['x-twilio-signature'] ?? '') === '') requireSignature(scheme, secrets, request);
      const form = isJson ? null : formIn(request.body);
      const sent = url === undefined ? request.url : `${url}${/\?.*$/s.exec(request.url)?.[0] ?? ''}`;
      const isSigned = [sent, withOtherPort(sent)].filter((one) => {
        const body = Buffer.from(`${one}${form?.signed ?? ''}`);
        return verifySignature(scheme, secrets, { ...request, body }, request.receivedAtMs).verified;
      });
      if (isSigned.length === 0)
        throw refuse(
          'UNVERIFIED',
          `signature does not match the URL ${sent.replace(/\?.*$/s, '').slice(0, 256)} and the parameters: is it the URL that is entered in Twilio? If not, set server.publicUrl or url`,
        );
      if (form !== null) return form;
      // Of JSON only the URL is signed, which has the hash of the body.
      if (!sameText(request.query.bodySHA256 ?? '', hashOf(request.body)))
        throw refuse('UNVERIFIED', 'the parameter bodySHA256 of the URL is not the hash of the body');
      return { data: readJsonObject(request.body), bytes: request.body };
    },
    sign(body: Uint8Array, nowMs: number): SignedRequest {
      if (url === undefined) throw new Error('the signature covers the URL: set the option url of this source');
      const rest = `?bodySHA256=${hashOf(body)}`;
      const signed = { body: Buffer.from(`${url}${rest}`), method: 'POST' };
      return { headers: signatureHeaders(scheme, secrets[0] ?? '', signed, nowMs), rest };
    },
  };
}

/** Twilio signs the URL with its port or without it: its library tries both. */
function withOtherPort(url: string): string {
  const [, scheme, host = '', port, rest = ''] = /^(https?):\/\/([^/?#]+?)(:\d+)?([/?#].*)?$/s.exec(url) ?? [];
  const usual = scheme === 'https' ? ':443' : ':80';
  return `${scheme}://${host}${port === undefined ? usual : ''}${rest}`;
}

function hashOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
