/** Standard Webhooks for Switchhook: signed webhooks, also those of Svix, become events. */
import {
  definePlugin,
  defineSource,
  duration,
  ed25519PublicKey,
  eventReader,
  fieldsOption,
  fingerprint,
  Log,
  problem,
  type RawRequest,
  refuse,
  requireSignature,
  type SignatureScheme,
  type SignatureSecret,
  secretAt,
  secretList,
  signatureHeaders,
  verifySignature,
  z,
} from '@switchhook/sdk';

/** Secrets by the version of the signatures that they fit. */
interface Keys {
  readonly v1: readonly Uint8Array[];
  readonly v1a: readonly SignatureSecret[];
}

const secrets = secretList(
  'Secret (whsec_…) or public key (whpk_…) of the sender, or a list of them, of which each is tried, for rotation.',
).transform((list, ctx): Keys => {
  const v1: Uint8Array[] = [];
  const v1a: SignatureSecret[] = [];
  for (const one of list) {
    const [, kind, base64 = ''] = /^(whsec_|whpk_|whsk_)((?:[A-Za-z0-9+/]{2,})={0,2})$/.exec(one) ?? [];
    const bytes = Buffer.from(base64, 'base64');
    if (kind === 'whsec_') v1.push(bytes);
    else if (kind === 'whpk_' && bytes.length === 32) v1a.push(ed25519PublicKey(bytes));
    else if (kind === 'whsk_')
      ctx.addIssue(problem('whsk_ is a private key, which only the sender has: expected its public key, whpk_'));
    else ctx.addIssue(problem('expected whsec_ and base64, or whpk_ and the base64 of 32 bytes'));
  }
  return { v1, v1a };
});

const tolerance = duration(
  'Largest difference between the time of signing and the clock of the router, in either direction.',
)
  .refine((ms) => ms > 0, problem('expected a duration above zero'))
  .prefault('5m');

const fields = fieldsOption('The key is the id of the message, which is signed.', {
  type: 'default(body.type, null)',
  occurredAt: 'default(body.timestamp, null)',
}).prefault({});

const source = defineSource({
  type: 'standard-webhooks',
  description: 'Webhooks that are signed as the Standard Webhooks specification has it.',
  options: z.strictObject({ secrets, tolerance, fields }),
  samples: {
    'call.ended': {
      type: 'call.ended',
      timestamp: '2026-02-02T13:01:55.000Z',
      data: { call_id: 'call_1', duration: 73, from: '+12345678912' },
    },
  },
  inject: { log: Log },
  create({ secrets: keys, tolerance: toleranceMs, fields: expressions }, { log }) {
    const read = eventReader(expressions, log);
    return {
      receive(request) {
        const { id, verifiedBy } = verifiedMessage(request, keys, toleranceMs);
        return { ...read(request, { key: () => id }), verifiedBy };
      },
      sign(body, nowMs) {
        const [secret] = keys.v1;
        if (secret === undefined) throw new Error('a public key cannot sign: add a secret that starts with whsec_');
        const headers = { 'webhook-id': `msg_${fingerprint(body)}` };
        const scheme = schemeOf('webhook', 'v1', toleranceMs);
        return {
          headers: { ...headers, ...signatureHeaders(scheme, secret, { body, method: 'POST', headers }, nowMs) },
          rest: '',
        };
      },
    };
  },
});

/**
 * Verifies a request, and returns the id of its message, that of the names whose signature was verified, as only it is signed; and which
 * secret it has, of those of its version.
 */
function verifiedMessage(request: RawRequest, keys: Keys, toleranceMs: number) {
  const { headers } = request;
  const family =
    headers['webhook-signature'] === undefined && headers['svix-signature'] !== undefined ? 'svix' : 'webhook';
  const [first = 'v1', ...others] = (['v1', 'v1a'] as const).filter((version) => keys[version].length > 0);
  const scheme = (version: keyof Keys) => schemeOf(family, version, toleranceMs);
  const found = others.flatMap((version) => {
    const result = verifySignature(scheme(version), keys[version], request, request.receivedAtMs);
    return result.verified ? [secretAt(result.secret, keys[version])] : [];
  });
  const verifiedBy = found[0] ?? secretAt(requireSignature(scheme(first), keys[first], request), keys[first]);
  const id = headers[`${family}-id`] ?? '';
  // What is signed is joined by dots: with one more, parts of it could change places.
  if (id.includes('.'))
    throw refuse('UNVERIFIED', `header ${family}-id has a dot in it, which the specification forbids`);
  return { id, verifiedBy };
}

function schemeOf(family: 'webhook' | 'svix', version: keyof Keys, toleranceMs: number): SignatureScheme {
  return {
    header: `${family}-signature`,
    algorithm: version === 'v1' ? 'sha256' : 'ed25519',
    encoding: 'base64',
    prefix: `${version},`,
    separator: ' ',
    timestampHeader: `${family}-timestamp`,
    toleranceMs,
    signed: `{header:${family}-id}.{timestamp}.{body}`,
  };
}

export default definePlugin({ name: '@switchhook/plugin-standard-webhooks', components: [source] });
