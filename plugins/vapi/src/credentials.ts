/** How Vapi authenticates its requests: a secret in a header, or an HMAC signature by the plan of the credential (HMACAuthenticationPlan). */
import {
  duration,
  headerName,
  type RawRequest,
  refuse,
  requireSignature,
  type SignatureScheme,
  type SignedRequest,
  sameText,
  secretAt,
  secretList,
  signatureHeaders,
  type VerifiedBy,
  z,
} from '@switchhook/sdk';

const content = z
  .string()
  .regex(/\{body\}/, 'without {body} anyone could change the body')
  .regex(
    /^(?!.*\{(?!(?:body|timestamp|method|url|svix-id)\})[\w-]*\})/s,
    'only {body}, {timestamp}, {method}, {url} and {svix-id} can stand in braces',
  );

const signatureOption = z
  .strictObject({
    algorithm: z.enum(['sha256', 'sha512', 'sha1']).default('sha256').meta({ description: 'Hash of the HMAC.' }),
    encoding: z.enum(['hex', 'base64']).default('hex').meta({ description: 'Encoding of the digest.' }),
    prefix: z.string().default('').meta({ description: 'Text before the digest, e.g. "sha256=".' }),
    signed: content.default('{timestamp}.{body}').meta({
      description:
        'Text that is signed, as the payload format of the credential has it. Without {timestamp}, a captured request can be sent again.',
    }),
    timestampHeader: headerName.default('X-Timestamp').meta({
      description:
        'Header with the time of signing. Vapi does not publish its unit: seconds and milliseconds are accepted.',
    }),
    tolerance: duration(
      'Largest difference between the time of signing and the clock of the router, in either direction. Vapi does not publish one: the default is an assumption.',
    ).prefault('5m'),
    messageIdHeader: headerName
      .default('svix-id')
      .meta({ description: 'Header with the id that {svix-id} stands for. The default is an assumption.' }),
    secretIsBase64: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether the secrets are base64, and are decoded before use.' }),
  })
  .meta({
    description:
      'How requests are signed, if the credential has the type HMAC. Each default is that of Vapi, but for the two named.',
  });

/** The options of both sources. */
export const options = z.strictObject({
  secrets: secretList(
    "A secret or a list of secrets: the token of the credential in Vapi's dashboard, or with `signature` the key of its HMAC.",
  ),
  header: headerName.optional().meta({
    description:
      'Header that carries the secret (with or without `Bearer `), or with `signature` the signature. Default: X-Vapi-Secret or Authorization; with `signature` X-Signature.',
  }),
  signature: signatureOption.optional(),
});

/** `verify` returns which of the secrets fits, and throws a refusal where none does; `sign` makes what `verify` accepts. */
export interface Verifier {
  verify(request: RawRequest): VerifiedBy;
  sign(body: Uint8Array, nowMs: number): SignedRequest;
}

/** Makes one; throws where the secrets cannot be used. */
export function verifierOf({ secrets, header, signature }: z.output<typeof options>): Verifier {
  return signature === undefined ? tokens(secrets, header) : signatures(secrets, header, signature);
}

function tokens(secrets: readonly string[], header: string | undefined): Verifier {
  const names = header === undefined ? ['X-Vapi-Secret', 'Authorization'] : [header];
  return {
    verify({ headers }) {
      const sent = names
        .flatMap((name) => headers[name.toLowerCase()] ?? [])
        .map((text) => text.replace(/^Bearer +/i, ''));
      const fitting = secrets.map((one) => sent.filter((token) => sameText(one, token)).length > 0);
      if (fitting.includes(true)) return secretAt(fitting.lastIndexOf(true), secrets);
      const problem = sent.length === 0 ? 'is missing' : 'has none of the secrets';
      throw refuse('UNVERIFIED', `header ${names.join(' or ')} ${problem}`);
    },
    sign: () => ({ headers: { [names[0]?.toLowerCase() ?? '']: secrets[0] ?? '' }, rest: '' }),
  };
}

function signatures(
  secrets: readonly string[],
  header = 'X-Signature',
  signature: z.output<typeof signatureOption>,
): Verifier {
  const { tolerance: toleranceMs, messageIdHeader, secretIsBase64, ...how } = signature;
  const timestampHeader = how.signed.includes('{timestamp}') ? how.timestampHeader : null;
  const signed = how.signed.replaceAll('{svix-id}', `{header:${messageIdHeader}}`);
  const scheme: SignatureScheme = { ...how, header, timestampHeader, toleranceMs, signed };
  const keys = secretIsBase64 ? secrets.map(decoded) : secrets;
  return {
    verify: (request) => secretAt(requireSignature(scheme, keys, request), keys),
    sign(body, nowMs) {
      const id = how.signed === signed ? {} : { [messageIdHeader.toLowerCase()]: `msg_${nowMs}` };
      const made = signatureHeaders(scheme, keys[0] ?? '', { body, method: 'POST', headers: id }, nowMs);
      return { headers: { ...made, ...id }, rest: '' };
    },
  };
}

/** Node reads as much of a text as is base64, in the worst case nothing: then every signature could be made without a secret. */
function decoded(secret: string): Uint8Array {
  if (!/^[A-Za-z\d+/]{2,}={0,2}$/.test(secret)) throw new Error('secrets: with secretIsBase64, expected base64');
  return Buffer.from(secret, 'base64');
}
