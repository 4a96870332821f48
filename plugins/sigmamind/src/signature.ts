/** How SigmaMind signs. Its documentation names an "HMAC secret" and no more: every detail is an option with an assumed default. */
import {
  type Assumption,
  checkSignature,
  type RawRequest,
  requireSignature,
  type SignatureSettings,
  schemeOf,
  secretAt,
  secretList,
  signatureHeaders,
  signatureOption,
  type VerifiedBy,
  verifySignature,
} from '@switchhook/sdk';

const unpublished = 'SigmaMind does not publish this: our default is an assumption.';
const assumed = { header: 'X-SigmaMind-Signature', algorithm: 'sha256', encoding: 'hex' } as const;

/** The `signature` block of both sources. */
export const assumedSignature = signatureOption(unpublished, { ...assumed, prefix: '', tolerance: '5m' }).superRefine(
  (settings, ctx) => checkSignature({ ...assumed, ...settings }, ctx),
);

/** The secrets of all agents, or of one. */
export const secretsOption = secretList(
  'A secret or a list of secrets.',
  'for more agents, write a map from agent ids',
);

/**
 * Checks and makes signatures. `verify` returns which of the secrets fits, and throws a refusal where none does; `fits` says whether one does; `sign` makes
 * headers that `verify` accepts.
 */
export function verifierOf(settings: SignatureSettings = {}) {
  const scheme = schemeOf({ ...assumed, ...settings });
  return {
    sign: (body: Uint8Array, nowMs: number, chosen: string) =>
      signatureHeaders(scheme, chosen, { body, method: 'POST' }, nowMs),
    fits: (request: RawRequest, chosen: string): boolean =>
      verifySignature(scheme, [chosen], request, request.receivedAtMs).verified,
    verify: (request: RawRequest, secrets: readonly string[]): VerifiedBy =>
      secretAt(requireSignature(scheme, secrets, request), secrets),
  };
}

/** The settings of a signature that are assumed, because they are not configured: one warning for all of them. */
export function assumptionsOf(settings: SignatureSettings = {}): readonly Assumption[] {
  const unconfirmed = Object.entries(assumed).filter(([name]) => !(name in settings));
  if (unconfirmed.length === 0) return [];
  const values = unconfirmed.map(([name, value]) => `${name}: ${value}`).join(', ');
  return [
    {
      path: ['signature'],
      message: `how SigmaMind signs is assumed: ${values}`,
      hint: 'SigmaMind does not publish it. Compare with a real delivery, then write what is true under `signature`.',
    },
  ];
}

/** What `verifierOf` makes. */
export type Verifier = ReturnType<typeof verifierOf>;
