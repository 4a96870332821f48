/** How Retell signs: HMAC-SHA256 of the body followed by the time in milliseconds, as in `webhook_auth.js` of retell-sdk 5.66.1. */
import {
  duration,
  type RawRequest,
  requireSignature,
  type SignatureScheme,
  type SignedRequest,
  secretAt,
  secretList,
  signatureHeaders,
  type VerifiedBy,
  z,
} from '@switchhook/sdk';

/** The options of both sources. */
export const options = z.strictObject({
  secrets: secretList('The API key that has the webhook badge in the dashboard, or a list of keys.'),
  tolerance: duration(
    'Largest difference between the time of signing and the clock of the router, in either direction.',
  ).prefault('5m'),
});

/** `verify` returns which of the secrets fits, and throws a refusal where none does; `sign` makes what `verify` accepts. */
export function verifierOf({ secrets, tolerance: toleranceMs }: z.output<typeof options>) {
  const scheme: SignatureScheme = {
    header: 'X-Retell-Signature',
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: 'd=',
    separator: ',',
    timestampHeader: null,
    timestampPrefix: 'v=',
    toleranceMs,
    signed: '{body}{timestamp}',
  };
  return {
    verify: (request: RawRequest): VerifiedBy => secretAt(requireSignature(scheme, secrets, request), secrets),
    sign(body: Uint8Array, nowMs: number): SignedRequest {
      // `signatureHeaders` writes seconds, Retell milliseconds.
      const atMs = nowMs * 1000;
      return { headers: signatureHeaders(scheme, secrets[0] ?? '', { body, method: 'POST' }, atMs), rest: '' };
    },
  };
}
