/** How LiveKit signs: a JWT in the header Authorization, which has the hash of the body, as `WebhookReceiver` of livekit-server-sdk 2.19.2 checks it. */
import { createHash } from 'node:crypto';
import {
  type JsonObject,
  problem,
  type RawRequest,
  readJsonObject,
  refuse,
  requireSignature,
  type SignatureScheme,
  type SignedRequest,
  sameText,
  secret,
  secretAt,
  signatureHeaders,
  type VerifiedBy,
  z,
} from '@switchhook/sdk';

const mostKeys = 20;
/** The server makes each token valid for so long: the package `webhook` of livekit/protocol. */
const validityMs = 300_000;

/** API keys and their secrets. */
export const keysOption = z
  .record(z.string().min(1), secret('The secret of this API key.'))
  .refine((keys) => Object.keys(keys).length > 0, problem('expected at least one API key with its secret'))
  .refine((keys) => Object.keys(keys).length <= mostKeys, problem(`expected ${mostKeys} API keys at most`))
  .meta({
    description: 'A map from API keys to their secrets. LiveKit signs with the one that is chosen for the webhook.',
  });

/** The signature of a token. What it signs is given as the body. */
const scheme: SignatureScheme = {
  header: 'Authorization',
  algorithm: 'sha256',
  encoding: 'base64url',
  prefix: '',
  timestampHeader: null,
  toleranceMs: 0,
  signed: '{body}',
};

/** `verify` returns whose secret signed the token, and throws a refusal where it is not valid; `sign` makes what `verify` accepts. */
export function verifierOf(keys: Readonly<Record<string, string>>, toleranceMs: number) {
  const secrets = Object.values(keys);
  return {
    verify(request: RawRequest): VerifiedBy {
      const { claims, index } = claimsOf(request, secrets);
      const own = secrets[index];
      const { iss, exp, sha256 } = claims;
      if (typeof iss !== 'string' || !Object.hasOwn(keys, iss) || keys[iss] !== own)
        throw refuse('UNVERIFIED', 'the issuer of the token is not the API key whose secret signed it');
      if (typeof sha256 !== 'string' || !sameText(sha256, hashOf(request.body)))
        throw refuse('UNVERIFIED', 'the hash in the token is not that of the body');
      if (typeof exp !== 'number') throw refuse('UNVERIFIED', 'the token has no end of its validity');
      const awayMs = request.receivedAtMs - (exp * 1000 - validityMs);
      if (Math.abs(awayMs) <= toleranceMs) return secretAt(index, secrets);
      const [away, allowed] = [Math.abs(awayMs), toleranceMs].map((ms) => Math.round(ms / 1000));
      throw refuse('UNVERIFIED', `the token is ${away} s ${awayMs > 0 ? 'old' : 'ahead'}, ${allowed} s are allowed`);
    },
    sign(body: Uint8Array, nowMs: number): SignedRequest {
      const [[iss, own] = ['', '']] = Object.entries(keys);
      const seconds = Math.floor(nowMs / 1000);
      const claims = { iss, nbf: seconds, exp: seconds + validityMs / 1000, sha256: hashOf(body) };
      const signed = [{ alg: 'HS256', typ: 'JWT' }, claims]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      const { authorization } = signatureHeaders(scheme, own, { body: Buffer.from(signed), method: 'POST' }, nowMs);
      return { headers: { authorization: `${signed}.${authorization}` }, rest: '' };
    },
  };
}

/** Verifies the signature first, and reads then. */
function claimsOf(request: RawRequest, secrets: readonly string[]): { claims: JsonObject; index: number } {
  const token = request.headers.authorization ?? '';
  const [, signed = '', claims = '', signature = ''] = /^([\w-]+\.([\w-]+))\.([\w-]+)$/.exec(token) ?? [];
  if (token !== '' && signature === '')
    throw refuse('UNVERIFIED', 'header Authorization is not a JSON Web Token, which LiveKit sends without "Bearer "');
  const headers = { ...request.headers, authorization: signature };
  const index = requireSignature(scheme, secrets, { ...request, headers, body: Buffer.from(signed) });
  return { claims: readJsonObject(Buffer.from(claims, 'base64url')), index };
}

function hashOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('base64');
}
