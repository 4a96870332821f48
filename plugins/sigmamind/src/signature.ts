/** How SigmaMind signs. Its documentation names an "HMAC secret" and no more: every detail is an option with an assumed default. */
import {
  duration,
  type Log,
  type RawRequest,
  refuse,
  type SignatureScheme,
  secret,
  signatureHeaders,
  verifySignature,
  z,
} from '@switchhook/sdk';

const unpublished = 'SigmaMind does not publish this: our default is an assumption.';
const assumed = { header: 'X-SigmaMind-Signature', algorithm: 'sha256', encoding: 'hex' } as const;
const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of an HTTP header');
const hashes = z.enum(['sha1', 'sha256', 'sha384', 'sha512']);
const encodings = z.enum(['hex', 'hex-upper', 'base64', 'base64url']);
const window = duration('').refine((ms) => ms > 0, problem('expected a duration above zero'));
const content = z
  .string()
  .regex(/\{body\}/, 'without {body} anyone could change the body')
  .regex(/^(?!.*\{(?!body\}|timestamp\})\w*\})/s, 'only {body} and {timestamp} can stand in braces');

/** The `signature` block of both sources. */
export const signatureOption = z
  .strictObject({
    header: setting(headerName, 'Header that carries the signature.', assumed.header),
    algorithm: setting(hashes, 'Hash of the HMAC.', assumed.algorithm),
    encoding: setting(encodings, 'Encoding of the digest.', assumed.encoding),
    prefix: setting(z.string(), 'Text before the digest, e.g. "sha256=".', ''),
    timestampHeader: setting(headerName, 'Header with the time of signing, in s or ms since the epoch. Default: none.'),
    tolerance: setting(
      window,
      'Largest difference between the time of signing and the clock of the router, in either direction.',
      '5m',
    ),
    signed: setting(content, 'Text that is signed. Default: {body}; with a timestampHeader {timestamp}.{body}.'),
  })
  .superRefine(({ signed, timestampHeader, tolerance }, ctx) => {
    const timed = timestampHeader !== undefined;
    if (tolerance !== undefined && !timed)
      ctx.addIssue({ path: ['tolerance'], ...problem('tolerance needs a timestampHeader') });
    if (signed !== undefined && signed.includes('{timestamp}') !== timed)
      ctx.addIssue({ path: ['signed'], ...problem('expected {timestamp} and timestampHeader together, or neither') });
  })
  .meta({ description: `How requests are signed. ${unpublished}` });

/** Every request is hashed with each of them, also one that is not signed. */
const mostSecrets = 20;

/** One secret or several: each is tried, so that a new one can be added before the old one goes. */
export const secretList = z
  .union([
    secret('A secret.'),
    z
      .array(secret('A secret.'))
      .min(1)
      .max(
        mostSecrets,
        `each request is checked with all of them: ${mostSecrets} at most; for more agents, write a map from agent ids`,
      ),
  ])
  .transform((value) => (typeof value === 'string' ? [value] : value));

/**
 * Checks and makes signatures. `verify` throws a refusal where none of the secrets fits, `fits` says whether one does; `sign` makes
 * headers that `verify` accepts; `announce` lists at start the settings that are assumed, because they are not configured.
 */
export function verifierOf(options: z.output<typeof signatureOption> = {}) {
  const { header = assumed.header, algorithm = assumed.algorithm, encoding = assumed.encoding } = options;
  const { prefix = '', timestampHeader = null, tolerance: toleranceMs = 300_000 } = options;
  const { signed = timestampHeader === null ? '{body}' : '{timestamp}.{body}' } = options;
  const scheme: SignatureScheme = { header, algorithm, encoding, prefix, timestampHeader, toleranceMs, signed };
  const sign = (body: Uint8Array, nowMs: number, chosen: string) =>
    signatureHeaders(scheme, chosen, { body, method: 'POST', url: '' }, nowMs);
  const length = sign(Buffer.of(), 0, '')[header.toLowerCase()]?.length;
  return {
    sign,
    fits: (request: RawRequest, chosen: string): boolean =>
      verifySignature(scheme, [chosen], request, request.receivedAtMs).verified,
    verify(request: RawRequest, secrets: readonly string[]): void {
      const result = verifySignature(scheme, secrets, request, request.receivedAtMs);
      if (result.verified) return;
      const sent = request.headers[header.toLowerCase()] ?? '';
      const found = `${header} has ${sent.length} characters, as configured it has ${length}`;
      throw refuse('UNVERIFIED', `${result.reason}; ${sent === '' ? candidates(request) : found}`);
    },
    announce(log: Log): void {
      const unconfirmed = Object.entries(assumed).filter(([name]) => !(name in options));
      if (unconfirmed.length === 0) return;
      const hint = `${unpublished} Compare with a real delivery, then write what is true under signature.`;
      log.warn('signature.assumed', { assumed: Object.fromEntries(unconfirmed), hint });
    },
  };
}

/** What `verifierOf` makes. */
export type Verifier = ReturnType<typeof verifierOf>;

/** An issue zod has no code for. */
export function problem(message: string) {
  return { code: 'custom' as const, message, params: { problem: 'INVALID_VALUE' } };
}

/** Headers that may hold the signature, to help find the right settings. Names only, never values. */
function candidates({ headers }: RawRequest): string {
  const telling = /sig|hmac|digest|hash|secret|token|auth|hook/;
  const names = Object.keys(headers).filter((name) => telling.test(name) && name.length <= 64);
  return names.length === 0 ? 'no header looks like a signature' : `it could be in ${names.slice(0, 8).join(', ')}`;
}

function setting<T extends z.ZodType>(schema: T, description: string, value?: string) {
  const meta = { description: `${description} ${unpublished}` };
  return schema.optional().meta(value === undefined ? meta : { ...meta, default: value });
}
