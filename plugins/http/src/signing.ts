/** Our signature on what we send: Standard Webhooks, so that receivers verify it with a library they have. */
import { type SignatureScheme, secret, signatureHeaders } from '@switchhook/sdk';

const prefix = 'whsec_';

/** The secret of the signature, as an option. */
export function signingSecret(description: string) {
  return secret(description).refine(
    (value) => !value.startsWith(prefix) || /^[A-Za-z0-9+/]{2,}={0,2}$/.test(value.slice(prefix.length)),
    { error: 'expected whsec_ followed by base64, or any other text', params: { problem: 'INVALID_VALUE' } },
  );
}

/**
 * `webhook-timestamp` and `webhook-signature` for a body. A secret that starts with `whsec_` is base64 of the key, any
 * other is the key as UTF-8.
 */
export function signed(key: string, id: string, body: string, nowMs: number): Readonly<Record<string, string>> {
  const bytes = key.startsWith(prefix) ? Buffer.from(key.slice(prefix.length), 'base64') : Buffer.from(key, 'utf8');
  return signatureHeaders(schemeFor(id), bytes, { body: Buffer.from(body), method: '', url: '' }, nowMs);
}

function schemeFor(id: string): SignatureScheme {
  return {
    header: 'webhook-signature',
    algorithm: 'sha256',
    encoding: 'base64',
    prefix: 'v1,',
    timestampHeader: 'webhook-timestamp',
    toleranceMs: 300_000,
    signed: `${id}.{timestamp}.{body}`,
  };
}
