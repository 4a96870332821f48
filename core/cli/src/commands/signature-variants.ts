/** What may have happened to the body and the secret of a request between its sender and `doctor signature`. */
import { createPublicKey } from 'node:crypto';
import { type JsonValue, parseJson, type RawRequest, stringifyJson } from '@switchhook/sdk';

/** A body, and how it differs from the one in the file; null = not at all. */
export interface Body {
  readonly change: string | null;
  readonly body: Uint8Array;
}

/** The body as it is, and as a sender may have signed it. */
export function bodiesOf({ body }: RawRequest): readonly Body[] {
  const text = Buffer.from(body).toString();
  const value = jsonIn(text);
  const others: readonly (readonly [change: string, text: string])[] = [
    ['without the line break at its end, which was added when it was saved', text.replace(/\r?\n$/, '')],
    ['with \\n in place of \\r\\n', text.replaceAll('\r\n', '\n')],
    ['with \\r\\n in place of \\n', text.replace(/\r?\n/g, '\r\n')],
    ...(value === undefined
      ? []
      : writers.map(([form, write]) => [`${form}: a proxy or a tool has written it anew`, write(value)] as const)),
  ];
  const changed = others.filter(([, other]) => other !== text);
  return [{ change: null, body }, ...changed.map(([change, other]) => ({ change, body: Buffer.from(other) }))];
}

/** How JSON is written by default in the languages of senders. */
const writers: readonly (readonly [form: string, write: (value: JsonValue) => string])[] = [
  ['as compact JSON', (value) => stringifyJson(value)],
  ['as JSON with two spaces', (value) => stringifyJson(value, null, 2)],
  ['as JSON with a space after each , and :', spaced],
  ['as JSON of Python, with spaces and escaped letters', (value) => ascii(spaced(value))],
  ['as JSON of PHP, with escaped letters and slashes', (value) => ascii(stringifyJson(value).replaceAll('/', '\\/'))],
  ['as JSON of Go, with escaped <, > and &', (value) => stringifyJson(value).replace(/[<>&\u2028\u2029]/g, escaped)],
];

/** Strings are skipped, so that what is in them stays. */
function spaced(value: JsonValue): string {
  return stringifyJson(value).replace(/"(?:[^"\\]|\\.)*"|[,:]/g, (part) => (part.length === 1 ? `${part} ` : part));
}

function ascii(text: string): string {
  return text.replace(/[^\0-\x7f]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function jsonIn(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch {
    // A form, or no JSON for another reason.
    return undefined;
  }
}

/** A secret to try. */
export interface Given {
  readonly text: string;
  /** Which one of those that were given, from 1. */
  readonly number: number;
  /** How it differs from the one that was given; null = not at all, or by blanks around it. */
  readonly change: string | null;
}

/** The secrets as they were given. */
export function givenSecrets(secrets: readonly string[]): readonly Given[] {
  return secrets.flatMap((one, index) =>
    [...new Set([one, one.trim()])].map((text) => ({ text, number: index + 1, change: null })),
  );
}

/** The secrets as they may have been meant. */
export function changedSecrets(secrets: readonly string[]): readonly Given[] {
  return secrets.flatMap((one, index) =>
    changesOf(one.trim()).map(([change, text]) => ({ text, number: index + 1, change })),
  );
}

function changesOf(secret: string): readonly (readonly [change: string, text: string])[] {
  const without = (what: string, pattern: RegExp): readonly (readonly [string, string])[] => {
    const inner = pattern.exec(secret)?.[1];
    return inner === undefined ? [] : [[`without ${what}`, inner]];
  };
  const decoded = (encoding: 'base64' | 'hex'): readonly (readonly [string, string])[] => {
    const bytes = Buffer.from(secret, encoding);
    const isWhole = bytes.toString(encoding).replace(/=+$/, '') === secret.replace(/=+$/, '');
    const text = bytes.toString();
    return isWhole && /^[\x20-\x7e]{4,}$/.test(text) ? [[`decoded from ${encoding}`, text]] : [];
  };
  const key = publicKeyIn(secret);
  return [
    ...without('the quotes around it', /^"(.+)"$/s),
    ...without('the quotes around it', /^'(.+)'$/s),
    ...without('the name of its variable', /^[A-Za-z_]\w*=["']?(.+?)["']?$/s),
    ...without('"Bearer "', /^Bearer +(.+)$/is),
    ...without('whsec_', /^whsec_(.+)$/s),
    ...decoded('base64'),
    ...decoded('hex'),
    ...(key === null ? [] : [['as the base64 of the 32 bytes of the public key', key] as const]),
  ];
}

/** The 32 bytes of a public key of Ed25519 that is written in another way, in base64. */
function publicKeyIn(text: string): string | null {
  if (/^[\da-f]{64}$/i.test(text)) return Buffer.from(text, 'hex').toString('base64');
  try {
    const isDer = /^MCowBQYDK2VwAyEA[\w+/]{43}=?$/.test(text);
    const key = createPublicKey(isDer ? { key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' } : text);
    return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
  } catch {
    // No public key.
    return null;
  }
}

/** Forms of keys that sign no webhook, and what they are. */
const otherKeys: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'a private key, which only a sender has'],
  [/-----BEGIN CERTIFICATE-----/, 'a certificate'],
  [/-----BEGIN [A-Z ]*PUBLIC KEY-----/, 'a public key; senders that sign with HMAC share a secret text'],
  [/^AC[\da-f]{32}$/i, 'the SID of a Twilio account; Twilio signs with the Auth Token'],
  [/^SK[\da-f]{32}$/i, 'the SID of a Twilio API key; Twilio signs with the Auth Token'],
  [/^xox[a-z]-|^xapp-/, 'a token of a Slack app; Slack signs with the Signing Secret of the app'],
  [/^(?:ghp|gho|ghs|ghu)_|^github_pat_/, 'a token of GitHub; GitHub signs with the secret of the webhook'],
  [/^(?:sk|rk|pk)_(?:live|test)_/, 'an API key of Stripe; Stripe signs with the secret of the endpoint, whsec_…'],
  [/^sk-/, 'an API key of OpenAI; OpenAI signs with the secret of the webhook, whsec_…'],
  [/^sk_[\da-f]{40,}$/, 'an API key of ElevenLabs; ElevenLabs signs with the secret of the webhook, wsec_…'],
  [/^API[A-Za-z0-9]{8,}$/, 'an API key of LiveKit; LiveKit signs with the secret that belongs to it'],
  [/^pat-\w+-/, 'a token of a private app of HubSpot'],
  [/^eyJ[\w-]+\.[\w-]+\.[\w-]*$/, 'a JSON Web Token, which is made with a secret and is none'],
  [/^https?:\/\//, 'a URL'],
];

/** What a secret is that is none of a webhook; null where that is not known. */
export function kindOfKey(secret: string): string | null {
  return otherKeys.find(([pattern]) => pattern.test(secret.trim()))?.[1] ?? null;
}
