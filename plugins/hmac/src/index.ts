/** HMAC for Switchhook: webhooks of any sender that signs with it become events. */
import {
  checkSignature,
  definePlugin,
  defineSource,
  eventReader,
  fieldsOption,
  handshakeReply,
  type JsonObject,
  Log,
  problem,
  type RawRequest,
  readJsonObject,
  requireSignature,
  schemeOf,
  secretAt,
  secretList,
  signatureHeaders,
  signatureOption,
  z,
} from '@switchhook/sdk';
import { presets } from './presets.js';
import { samples } from './samples.js';

const names = Object.keys(presets) as (keyof typeof presets)[];
const encodings = { utf8: /^/, hex: /^(?:[\da-f]{2})+$/i, base64: /^[A-Za-z0-9+/]{2,}={0,2}$/ } as const;

const parameter = z.string().min(1).max(128);

const handshake = z
  .strictObject({
    challenge: parameter.optional().meta({ description: 'Query parameter with the challenge, which is the reply.' }),
    tokenParameter: parameter.optional().meta({ description: 'Query parameter with the token.' }),
    tokens: secretList('The token that the sender is given for the handshake, or a list of them.').optional(),
  })
  .meta({
    description:
      'How the sender verifies the URL by a GET request. Defaults: those of the preset; without any, GET is refused.',
  });

const options = z
  .strictObject({
    preset: z
      .enum(names)
      .prefault('custom')
      // Expressions are compiled while the configuration is read.
      .transform((name) => ({ name, ...presets[name], fields: fieldsOption('', presets[name].fields).parse({}) }))
      .meta({
        description:
          'The sender, whose settings signature and fields can replace. custom: signature.header is required.',
      }),
    secrets: secretList('Secret, or a list of secrets, of which each is tried, for rotation.'),
    secretEncoding: z
      .enum(['utf8', 'base64', 'hex'])
      .default('utf8')
      .meta({ description: 'How the key is written in a secret. utf8: the text itself is the key.' }),
    signature: signatureOption('', { algorithm: 'sha256', encoding: 'hex', prefix: '', tolerance: '5m' }).prefault({}),
    handshake: handshake.prefault({}),
    fields: fieldsOption('Defaults: those of the preset.').prefault({}),
  })
  .superRefine(({ preset, secrets, secretEncoding, signature, handshake }, ctx) => {
    const { challenge, tokenParameter } = { ...preset.handshake, ...handshake };
    if ((tokenParameter === undefined) !== (handshake.tokens === undefined))
      ctx.addIssue({
        path: ['handshake'],
        ...problem('expected tokens and tokenParameter together, which the preset meta has'),
      });
    if (challenge === undefined && tokenParameter !== undefined)
      ctx.addIssue({ path: ['handshake'], ...problem('expected challenge, the query parameter that is the reply') });
    checkSignature({ ...preset.signature, ...signature }, ctx, ['signature']);
    if (!secrets.every((secret) => encodings[secretEncoding].test(secret)))
      ctx.addIssue({ path: ['secrets'], ...problem(`a secret is not ${secretEncoding}, see secretEncoding`) });
  });

const source = defineSource({
  type: 'hmac',
  description: 'Webhooks of any sender that signs with HMAC. Presets: GitHub, Stripe, Slack, Meta, Dropbox.',
  options,
  samples,
  inject: { log: Log },
  create({ preset, secrets, secretEncoding, signature, fields, handshake }, { log }) {
    const scheme = schemeOf({ ...preset.signature, ...signature });
    const keys = secrets.map((secret) => Buffer.from(secret, secretEncoding));
    const read = eventReader({ ...preset.fields, ...fields }, log);
    const { challenge: parameter, tokenParameter, tokens } = { ...preset.handshake, ...handshake };
    const token = tokenParameter && tokens ? { parameter: tokenParameter, tokens } : null;
    return {
      ...(parameter !== undefined && {
        handshake: (request: RawRequest) => handshakeReply(request, { challenge: parameter, token }),
      }),
      receive(request) {
        const verifiedBy = secretAt(requireSignature(scheme, keys, request), keys);
        const challenge = preset.name === 'slack' ? challengeIn(readJsonObject(request.body)) : null;
        if (challenge !== null) return { kind: 'handshake', reply: { status: 200, body: { challenge } } };
        return { ...read(request), verifiedBy };
      },
      sign: (body, nowMs) => ({
        headers: signatureHeaders(scheme, keys[0] ?? '', { body, method: 'POST' }, nowMs),
        rest: '',
      }),
    };
  },
});

/** Slack sends it once, when the URL is entered. */
function challengeIn({ type, challenge }: JsonObject): string | null {
  return type === 'url_verification' && typeof challenge === 'string' ? challenge : null;
}

export default definePlugin({ name: '@switchhook/plugin-hmac', components: [source] });
