/** Signatures: HMAC or Ed25519 over the exact bytes, compared in constant time, with several secrets and a window of time. */
import {
  createHash,
  createHmac,
  createPublicKey,
  hash,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import type { RawRequest } from '../contract/source.js';
import { refuse } from '../errors/refusal.js';
import { sentTimeMs } from './sent-time.js';

/** How a sender signs. What is not known about a sender is a setting here. */
export interface SignatureScheme {
  /** Header that carries the signature; any case. */
  readonly header: string;
  /** A hash of HMAC, or `ed25519`, whose secrets are key objects: public ones to check (`ed25519PublicKey`), a private one to sign. */
  readonly algorithm: 'sha1' | 'sha256' | 'sha384' | 'sha512' | 'ed25519';
  /** Encoding of the digest. `hex` is lower-case. Padding of base64 does not matter. */
  readonly encoding: 'hex' | 'hex-upper' | 'base64' | 'base64url';
  /** Text before the digest, e.g. `sha256=`; `''` = nothing. */
  readonly prefix: string;
  /**
   * What separates the parts of the header, where it has several, e.g. `,` in `t=1700000000,v1=…,v1=…`. Each part that starts with `prefix`
   * is a signature, one of which must fit; other parts do not count. Default: the header is one signature.
   */
  readonly separator?: string;
  /** Text before the time of signing in a part of the header, e.g. `t=`, where it stands there and not in `timestampHeader`. */
  readonly timestampPrefix?: string;
  /** Header with the time of signing, in seconds or milliseconds since the epoch or in ISO 8601; null = none, so a captured request can be sent again. */
  readonly timestampHeader: string | null;
  /** How far the time of signing may be from ours, in either direction, in milliseconds. Only with a time of signing. */
  readonly toleranceMs: number;
  /** What is signed: a text with `{body}`, and `{timestamp}`, `{method}`, `{url}`, `{header:name}` where the sender includes them. */
  readonly signed: string;
}

/** A secret of HMAC, text as UTF-8; or a key of Ed25519. */
export type SignatureSecret = string | Uint8Array | KeyObject;

/** What of a request a signature can cover. */
export interface SignedParts {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly method: string;
  readonly url: string;
}

/** The result of a check: the index of the secret that matches, or a reason for the log. */
export type Verification =
  | { readonly verified: true; readonly secret: number }
  | { readonly verified: false; readonly reason: string };

/** Pairs of a signature and a public key that are checked for one request: each takes as long as ten hashes. */
const mostPairs = 20;

/**
 * Checks a request's signature against each secret. Tries them all, so that the time taken does not reveal which one matches.
 * A secret that is text is used as UTF-8.
 */
export function verifySignature(
  scheme: SignatureScheme,
  secrets: readonly SignatureSecret[],
  request: SignedParts,
  nowMs: number,
): Verification {
  const { header, prefix, separator, timestampHeader, timestampPrefix } = scheme;
  const sent = request.headers[header.toLowerCase()];
  if (sent === undefined || sent === '') return refused(`header ${header} is missing`);
  const parts = separator === undefined ? [sent] : sent.split(separator).map((part) => part.trim());
  const digests = withoutPrefix(parts, prefix);
  const place = separator === undefined ? `header ${header} does not start` : `no part of header ${header} starts`;
  if (digests.length === 0) return refused(`${place} with ${JSON.stringify(prefix)}`);
  let timestamp: string | undefined = '';
  if (timestampPrefix !== undefined) {
    [timestamp] = withoutPrefix(parts, timestampPrefix);
    if (timestamp === undefined)
      return refused(`no part of header ${header} starts with ${JSON.stringify(timestampPrefix)}`);
  } else if (timestampHeader !== null) {
    timestamp = request.headers[timestampHeader.toLowerCase()];
    if (timestamp === undefined) return refused(`header ${timestampHeader} is missing`);
  }
  if (timestampPrefix !== undefined || timestampHeader !== null) {
    const stale = staleness(timestamp, scheme.toleranceMs, nowMs);
    if (stale !== null) return refused(stale);
  }
  const missing = missingHeader(scheme, request.headers);
  if (missing !== undefined) return refused(`the ${missing} is missing, which is signed`);
  if (scheme.algorithm === 'ed25519' && digests.length * secrets.length > mostPairs)
    return refused(`${digests.length} signatures are too many for ${secrets.length} keys`);
  const content = contentOf(scheme, request, timestamp);
  let fitting = -1;
  secrets.forEach((secret, index) => {
    if (fits(scheme, secret, content, digests)) fitting = index;
  });
  return fitting >= 0 ? { verified: true, secret: fitting } : refused('signature does not match the body');
}

/** The headers that make `verifySignature` accept a body. Throws where the scheme signs a URL or a header that is not given. */
export function signatureHeaders(
  scheme: SignatureScheme,
  secret: SignatureSecret,
  { url, headers = {}, ...request }: Pick<SignedParts, 'body' | 'method'> & Partial<SignedParts>,
  nowMs: number,
): Readonly<Record<string, string>> {
  const { header, prefix, separator = '', timestampHeader, timestampPrefix, signed } = scheme;
  const missing = url === undefined && signed.includes('{url}') ? 'URL' : missingHeader(scheme, headers);
  if (missing !== undefined)
    throw new Error(`the signature covers the ${missing} of the request, which only its sender knows`);
  const timestamp = String(Math.floor(nowMs / 1000));
  const content = contentOf(scheme, { ...request, headers, url: url ?? '' }, timestamp);
  const time = timestampPrefix === undefined ? '' : `${timestampPrefix}${timestamp}${separator}`;
  return {
    [header.toLowerCase()]: `${time}${prefix}${digestOf(scheme, secret, content)}`,
    ...(timestampHeader !== null && { [timestampHeader.toLowerCase()]: timestamp }),
  };
}

/**
 * Refuses a request as `UNVERIFIED` where none of the secrets fits, and returns the index of the one that does. The reason helps to find
 * the right settings: it has names of headers and lengths, and no values.
 */
export function requireSignature(
  scheme: SignatureScheme,
  secrets: readonly SignatureSecret[],
  request: RawRequest,
): number {
  const result = verifySignature(scheme, secrets, request, request.receivedAtMs);
  if (result.verified) return result.secret;
  const { header, separator, algorithm } = scheme;
  const sent = request.headers[header.toLowerCase()] ?? '';
  if (sent === '') throw refuse('UNVERIFIED', `${result.reason}; ${candidates(request)}`);
  const isOfItsForm = /does not (?:match|start)/.test(result.reason);
  if (separator !== undefined || algorithm === 'ed25519' || !isOfItsForm) throw refuse('UNVERIFIED', result.reason);
  throw refuse('UNVERIFIED', `${result.reason}; ${header} ${formText(scheme, sent)}`);
}

const charactersOf = {
  hex: /^[\da-f]*$/,
  'hex-upper': /^[\dA-F]*$/,
  base64: /^[\w+/]*=*$/,
  base64url: /^[\w-]*=*$/,
} as const satisfies Record<SignatureScheme['encoding'], RegExp>;

/** What of the form of a signature differs from the configured one; or that only its content can. */
function formText(scheme: SignatureScheme, sent: string): string {
  const { prefix, encoding } = scheme;
  const expected = prefix.length + digestOf(scheme, '', []).length;
  if (sent.length !== expected) return `has ${sent.length} characters, as configured it has ${expected}`;
  if (charactersOf[encoding].test(sent.slice(prefix.length)))
    return 'has the configured form, so the secret or the signed content differs';
  const others = { hex: 'hex-upper', 'hex-upper': 'hex', base64: 'base64url', base64url: 'base64' } as const;
  const other = others[encoding];
  const hint = charactersOf[other].test(sent.slice(prefix.length)) ? `; they are those of ${other}` : '';
  return `has characters that ${encoding} does not have${hint}`;
}

/** Headers that may hold the signature. Names only. */
function candidates({ headers }: RawRequest): string {
  const telling = /sig|hmac|digest|hash|secret|token|auth|hook/;
  const names = Object.keys(headers).filter((name) => telling.test(name) && name.length <= 64);
  return names.length === 0 ? 'no header looks like a signature' : `it could be in ${names.slice(0, 8).join(', ')}`;
}

/** The public key of Ed25519 that has these 32 bytes. */
export function ed25519PublicKey(bytes: Uint8Array): KeyObject {
  const x = Buffer.from(bytes).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

/** Compares two texts in a time that depends on neither: for tokens and secrets. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

/**
 * Refuses a request as `UNVERIFIED` unless a header is one of the tokens, after a prefix such as `Bearer ` in any case, and returns the index
 * of that one. Compares with all of them, so that the time taken does not reveal which one it is.
 */
export function requireToken(
  { headers }: Pick<RawRequest, 'headers'>,
  { header, prefix }: Pick<SignatureScheme, 'header' | 'prefix'>,
  tokens: readonly string[],
): number {
  const sent = headers[header.toLowerCase()] ?? '';
  if (sent === '') throw refuse('UNVERIFIED', `header ${header} is missing`);
  if (!sent.toLowerCase().startsWith(prefix.toLowerCase()))
    throw refuse('UNVERIFIED', `header ${header} does not start with ${JSON.stringify(prefix)}`);
  const token = sent.slice(prefix.length).trim();
  return indexOfToken(token, tokens, `the value of header ${header}`);
}

/** As `requireToken`, for a token that is the end of the URL: `/hooks/{source}/<token>`. For senders that can be given a URL only. */
export function requireTokenInPath({ rest }: RawRequest, tokens: readonly string[]): number {
  const token = rest.replace(/\/$/, '');
  if (token === '') throw refuse('UNVERIFIED', 'the URL has no token at its end: /hooks/{source}/<token>');
  return indexOfToken(token, tokens, 'the token at the end of the URL');
}

function indexOfToken(token: string, tokens: readonly string[], what: string): number {
  const index = tokens.map((one) => sameText(one, token)).lastIndexOf(true);
  if (index < 0) throw refuse('UNVERIFIED', `${what} is not a configured one`);
  return index;
}

/** As `sameText`, for digests: their length is no secret, so they need not be hashed first. */
function sameDigest(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** A short fingerprint of bytes, for keys of events whose sender gives none. 32 hex digits of SHA-256. */
export function fingerprint(bytes: string | Uint8Array): string {
  return hash('sha256', bytes).slice(0, 32);
}

/** In constant time. A signature of Ed25519 is public, and `verify` needs no such care; only its own encoding of it counts. */
function fits(
  scheme: SignatureScheme,
  secret: SignatureSecret,
  content: readonly Uint8Array[],
  digests: readonly string[],
): boolean {
  if (scheme.algorithm === 'ed25519')
    return digests.some((digest) => {
      const bytes = Buffer.from(digest, scheme.encoding === 'hex-upper' ? 'hex' : scheme.encoding);
      const isCanonical = unpadded(scheme, encoded(scheme, bytes)) === unpadded(scheme, digest);
      return isCanonical && verify(null, Buffer.concat(content), secret as KeyObject, bytes);
    });
  const expected = unpadded(scheme, digestOf(scheme, secret, content));
  return digests.filter((digest) => sameDigest(unpadded(scheme, digest), expected)).length > 0;
}

function digestOf(scheme: SignatureScheme, secret: SignatureSecret, content: readonly Uint8Array[]): string {
  if (scheme.algorithm === 'ed25519') return encoded(scheme, sign(null, Buffer.concat(content), secret as KeyObject));
  const hmac = createHmac(scheme.algorithm, secret);
  for (const piece of content) hmac.update(piece);
  return encoded(scheme, hmac.digest());
}

function encoded({ encoding }: SignatureScheme, digest: Buffer): string {
  return encoding === 'hex-upper' ? digest.toString('hex').toUpperCase() : digest.toString(encoding);
}

/** What is signed, in pieces: the body is not copied. */
function contentOf({ signed }: SignatureScheme, request: SignedParts, timestamp: string): readonly Uint8Array[] {
  return signed.split(/(\{(?:body|timestamp|method|url|header:[^}]*)\})/).map((piece) => {
    if (piece === '{body}') return request.body;
    if (piece === '{timestamp}') return Buffer.from(timestamp);
    if (piece === '{method}') return Buffer.from(request.method);
    if (piece === '{url}') return Buffer.from(request.url);
    const name = /^\{header:(.*)\}$/.exec(piece)?.[1];
    return Buffer.from(name === undefined ? piece : (request.headers[name.toLowerCase()] ?? ''));
  });
}

/** A header that is signed, and that is missing or empty. */
function missingHeader({ signed }: SignatureScheme, headers: SignedParts['headers']): string | undefined {
  const names = [...signed.matchAll(/\{header:([^}]*)\}/g)].map(([, name = '']) => name.toLowerCase());
  const missing = names.find((name) => (headers[name] ?? '') === '');
  return missing === undefined ? undefined : `header ${missing}`;
}

function withoutPrefix(parts: readonly string[], prefix: string): readonly string[] {
  return parts.filter((part) => part.startsWith(prefix)).map((part) => part.slice(prefix.length));
}

function staleness(timestamp: string, toleranceMs: number, nowMs: number): string | null {
  const signedAtMs = sentTimeMs(timestamp);
  if (signedAtMs === null) return 'the timestamp is not a number of seconds or milliseconds, nor a time in ISO 8601';
  const awayMs = nowMs - signedAtMs;
  if (Math.abs(awayMs) <= toleranceMs) return null;
  return `the timestamp is ${Math.round(Math.abs(awayMs) / 1000)} s ${awayMs > 0 ? 'old' : 'ahead'}, ${Math.round(toleranceMs / 1000)} s are allowed`;
}

function unpadded(scheme: SignatureScheme, digest: string): string {
  return scheme.encoding.startsWith('base64') ? digest.replace(/={1,2}$/, '') : digest;
}

function refused(reason: string): Verification {
  return { verified: false, reason };
}
