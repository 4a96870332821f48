/** The options of a source whose sender may sign in any way: one for each property of a `SignatureScheme`. */
import { z } from 'zod';
import type { SignatureScheme } from '../http/signature.js';
import { duration, problem } from './fields.js';

/** The name of an HTTP header. */
export const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of an HTTP header');
const partPrefix = z.string().min(1);
const hashes = z.enum(['sha1', 'sha256', 'sha384', 'sha512']);
const encodings = z.enum(['hex', 'hex-upper', 'base64', 'base64url']);
const window = duration('').refine((ms) => ms > 0, problem('expected a duration above zero'));
const content = z
  .string()
  .regex(/\{body\}/, 'without {body} anyone could change the body')
  .regex(
    /^(?!.*\{(?!(?:body|timestamp|method|url|header:[\w-]+)\})[\w:-]*\})/s,
    'only {body}, {timestamp}, {method}, {url} and {header:name} can stand in braces',
  );

/**
 * The `signature` block: how requests are signed, as `schemeOf` takes it. `note` ends the description of each option; `defaults` are
 * shown as the values of options that are not configured.
 */
export function signatureOption(note = '', defaults: Readonly<Record<string, string>> = {}) {
  const setting = <T extends z.ZodType>(name: string, schema: T, description: string) => {
    const meta = { description: `${description} ${note}`.trim() };
    return schema.optional().meta(name in defaults ? { ...meta, default: defaults[name] } : meta);
  };
  const time = 'time of signing, in s or ms since the epoch or in ISO 8601. Default: none.';
  return z
    .strictObject({
      header: setting('header', headerName, 'Header that carries the signature.'),
      algorithm: setting('algorithm', hashes, 'Hash of the HMAC.'),
      encoding: setting('encoding', encodings, 'Encoding of the digest.'),
      prefix: setting('prefix', z.string(), 'Text before the digest, e.g. "sha256=".'),
      separator: setting(
        'separator',
        partPrefix,
        'What separates the parts of a header with several, e.g. "," in t=1700000000,v1=…,v1=…. Each part that starts with the prefix is a signature, one of which must fit. Default: the header is one signature.',
      ),
      timestampHeader: setting('timestampHeader', headerName, `Header with the ${time}`),
      timestampPrefix: setting(
        'timestampPrefix',
        partPrefix,
        `Text, e.g. "t=", before a part of the header that is the ${time}`,
      ),
      tolerance: setting(
        'tolerance',
        window,
        'Largest difference between the time of signing and the clock of the router, in either direction.',
      ),
      signed: setting(
        'signed',
        content,
        'Text that is signed. Default: {body}; with a time of signing {timestamp}.{body}.',
      ),
    })
    .meta({ description: `How requests are signed. ${note}`.trim() });
}

/** What `signatureOption` makes of the block. */
export type SignatureSettings = z.output<ReturnType<typeof signatureOption>>;

/** Reports settings that do not fit together, as a `superRefine` of the block or, with its path, of what contains it. */
export function checkSignature(
  { header, separator, timestampHeader, timestampPrefix, tolerance, signed }: SignatureSettings,
  ctx: Pick<z.RefinementCtx, 'addIssue'>,
  path: readonly string[] = [],
): void {
  const issue = (name: string, message: string) => ctx.addIssue({ path: [...path, name], ...problem(message) });
  const isTimed = timestampHeader !== undefined || timestampPrefix !== undefined;
  if (header === undefined) issue('header', 'expected the header that carries the signature');
  if (timestampHeader !== undefined && timestampPrefix !== undefined)
    issue('timestampPrefix', 'expected timestampHeader or timestampPrefix, not both');
  if (timestampPrefix !== undefined && separator === undefined)
    issue('timestampPrefix', 'timestampPrefix needs a separator');
  if (tolerance !== undefined && !isTimed) issue('tolerance', 'tolerance needs a timestampHeader or a timestampPrefix');
  if (signed !== undefined && signed.includes('{timestamp}') !== isTimed)
    issue('signed', 'expected {timestamp} and timestampHeader (or timestampPrefix) together, or neither');
}

/** The scheme of checked settings. Defaults: HMAC of SHA-256 in hex over the body, with a time of signing within 5 minutes of the router's. */
export function schemeOf(settings: SignatureSettings): SignatureScheme {
  const {
    header = '',
    algorithm = 'sha256',
    encoding = 'hex',
    prefix = '',
    tolerance: toleranceMs = 300_000,
  } = settings;
  const { separator, timestampPrefix, timestampHeader = null } = settings;
  const isTimed = timestampHeader !== null || timestampPrefix !== undefined;
  const { signed = isTimed ? '{timestamp}.{body}' : '{body}' } = settings;
  const parts = {
    ...(separator !== undefined && { separator }),
    ...(timestampPrefix !== undefined && { timestampPrefix }),
  };
  return { header, algorithm, encoding, prefix, timestampHeader, toleranceMs, signed, ...parts };
}
