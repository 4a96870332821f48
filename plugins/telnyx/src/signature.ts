/** How Telnyx signs: Ed25519 over the time, a bar and the body, as `webhooks.unwrap` of telnyx 7.24.0 checks it. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import {
  duration,
  ed25519PublicKey,
  problem,
  type RawRequest,
  requireSignature,
  type SignatureScheme,
  type SignedRequest,
  secret,
  secretAt,
  signatureHeaders,
  type VerifiedBy,
  z,
} from '@switchhook/sdk';

const publicKey = z.string().transform((text, ctx): KeyObject => {
  const bytes = /^[A-Za-z0-9+/]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : null;
  if (bytes !== null) return ed25519PublicKey(bytes);
  ctx.addIssue(problem('expected the base64 of 32 bytes, as Mission Control shows the public key'));
  return z.NEVER;
});

const tooMany = 'each request is checked with all of them: 10 at most';

/** The options of a signature, which both sources have. */
export const signatureOptions = {
  publicKeys: z
    .union([publicKey, z.array(publicKey).min(1).max(10, tooMany)])
    .transform((keys) => (Array.isArray(keys) ? keys : [keys]))
    .optional()
    .meta({
      description: 'The public key of the account in Mission Control, or a list of keys, of which each is tried.',
    }),
  testKey: secret(
    'A secret text, of which a further key is made: `switchhook send` and `switchhook call` sign with it. Leave it out where you receive real requests.',
  ).optional(),
  tolerance: duration(
    'Largest difference between the time of signing and the clock of the router, in either direction.',
  ).prefault('5m'),
};

interface Credentials {
  readonly publicKeys?: readonly KeyObject[] | undefined;
  readonly testKey?: string | undefined;
  readonly tolerance: number;
}

/** Whether nothing of a signature can be checked. */
export function isUnsigned({ publicKeys, testKey }: Partial<Credentials>): boolean {
  return publicKeys === undefined && testKey === undefined;
}

/** `verify` returns which of the keys fits, and throws a refusal where none does; `sign` makes what `verify` accepts. */
export function verifierOf({ publicKeys = [], testKey, tolerance: toleranceMs }: Credentials) {
  const scheme: SignatureScheme = {
    header: 'Telnyx-Signature-Ed25519',
    algorithm: 'ed25519',
    encoding: 'base64',
    prefix: '',
    timestampHeader: 'Telnyx-Timestamp',
    toleranceMs,
    signed: '{timestamp}|{body}',
  };
  const own = testKey === undefined ? null : privateKeyOf(testKey);
  const keys = own === null ? publicKeys : [...publicKeys, createPublicKey(own)];
  return {
    verify: (request: RawRequest): VerifiedBy => secretAt(requireSignature(scheme, keys, request), keys),
    sign(body: Uint8Array, nowMs: number): SignedRequest {
      if (own === null) throw new Error('a public key cannot sign: set testKey to try this source');
      return { headers: signatureHeaders(scheme, own, { body, method: 'POST' }, nowMs), rest: '' };
    },
  };
}

/** What precedes the 32 bytes of a private key in PKCS 8. */
const pkcs8 = '302e020100300506032b657004220420';

function privateKeyOf(text: string): KeyObject {
  const key = Buffer.concat([Buffer.from(pkcs8, 'hex'), createHash('sha256').update(text).digest()]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}
