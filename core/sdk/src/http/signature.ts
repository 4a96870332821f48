/** Signatures: HMAC over the exact bytes, compared in constant time, with several secrets and a window of time. */
import { createHash, createHmac, hash, timingSafeEqual } from 'node:crypto';

/** How a sender signs. What is not known about a sender is a setting here. */
export interface SignatureScheme {
  /** Header that carries the signature; any case. */
  readonly header: string;
  readonly algorithm: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  /** Encoding of the digest. `hex` is lower-case. Padding of base64 does not matter. */
  readonly encoding: 'hex' | 'hex-upper' | 'base64' | 'base64url';
  /** Text before the digest, e.g. `sha256=`; `''` = nothing. */
  readonly prefix: string;
  /** Header with the time of signing, in seconds or milliseconds since the epoch; null = none, so a captured request can be sent again. */
  readonly timestampHeader: string | null;
  /** How far the time of signing may be from ours, in either direction, in milliseconds. Only with `timestampHeader`. */
  readonly toleranceMs: number;
  /** What is signed: a text with `{body}`, and `{timestamp}`, `{method}`, `{url}` where the sender includes them. */
  readonly signed: string;
}

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

/** Checks a request's signature against each secret. Tries them all, so that the time taken does not reveal which one matches. */
export function verifySignature(
  scheme: SignatureScheme,
  secrets: readonly string[],
  request: SignedParts,
  nowMs: number,
): Verification {
  const sent = request.headers[scheme.header.toLowerCase()];
  if (sent === undefined || sent === '') return refused(`header ${scheme.header} is missing`);
  if (!sent.startsWith(scheme.prefix))
    return refused(`header ${scheme.header} does not start with ${JSON.stringify(scheme.prefix)}`);
  const timestamp = scheme.timestampHeader === null ? '' : request.headers[scheme.timestampHeader.toLowerCase()];
  if (timestamp === undefined) return refused(`header ${scheme.timestampHeader} is missing`);
  if (scheme.timestampHeader !== null) {
    const stale = staleness(timestamp, scheme.toleranceMs, nowMs);
    if (stale !== null) return refused(stale);
  }
  const digest = sent.slice(scheme.prefix.length);
  let fitting = -1;
  secrets.forEach((secret, index) => {
    const expected = digestOf(scheme, secret, request, timestamp);
    if (sameDigest(unpadded(scheme, digest), unpadded(scheme, expected))) fitting = index;
  });
  return fitting >= 0 ? { verified: true, secret: fitting } : refused('signature does not match the body');
}

/** The headers that make `verifySignature` accept a body. A secret that is text is used as UTF-8. */
export function signatureHeaders(
  scheme: SignatureScheme,
  secret: string | Uint8Array,
  request: Omit<SignedParts, 'headers'>,
  nowMs: number,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const signature = scheme.prefix + digestOf(scheme, secret, { ...request, headers: {} }, timestamp);
  return scheme.timestampHeader === null
    ? { [scheme.header.toLowerCase()]: signature }
    : { [scheme.header.toLowerCase()]: signature, [scheme.timestampHeader.toLowerCase()]: timestamp };
}

/** Compares two texts in a time that depends on neither: for tokens and secrets. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
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

function digestOf(
  scheme: SignatureScheme,
  secret: string | Uint8Array,
  request: SignedParts,
  timestamp: string,
): string {
  const hmac = createHmac(scheme.algorithm, secret);
  if (scheme.signed === '{body}') hmac.update(request.body);
  else
    for (const piece of scheme.signed.split(/(\{body\}|\{timestamp\}|\{method\}|\{url\})/)) {
      if (piece === '{body}') hmac.update(request.body);
      else if (piece === '{timestamp}') hmac.update(timestamp);
      else if (piece === '{method}') hmac.update(request.method);
      else if (piece === '{url}') hmac.update(request.url);
      else hmac.update(piece);
    }
  return scheme.encoding === 'hex-upper' ? hmac.digest('hex').toUpperCase() : hmac.digest(scheme.encoding);
}

function staleness(timestamp: string, toleranceMs: number, nowMs: number): string | null {
  if (!/^\d{9,14}$/.test(timestamp)) return 'the timestamp is not a number of seconds or milliseconds';
  const value = Number(timestamp);
  // Seconds reach 100,000,000,000 in the year 5138, milliseconds did in 1973.
  const signedAtMs = value < 1e11 ? value * 1000 : value;
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
