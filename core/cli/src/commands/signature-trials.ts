/** Every way in which the installed sources verify a request, to be tried on one. */
import { Container, compileExpression, PluginServices } from '@switchhook/core/internal';
import {
  type Component,
  isRefusal,
  type JsonObject,
  type JsonValue,
  type Log,
  type Plugin,
  parseJson,
  type RawRequest,
  readJsonObject,
  type Source,
  sentTimeMs,
  textAt,
} from '@switchhook/sdk';
import { errorMessage, reading } from '@switchhook/sdk/internal';

/** A row of a source with these options, which are made for a secret, or for the variable that stands for it. */
export interface Trial {
  readonly plugin: Plugin;
  readonly component: Component;
  readonly options: (secret: string) => JsonObject;
}

/** What a trial came to: `accepted`, or why not. */
export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused' | 'verified' | 'untried'; readonly reason: string };

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Options that take secrets, and what they are given. */
const places: Readonly<Record<string, (secret: string, request: RawRequest) => JsonValue>> = {
  secrets: (secret) => secret,
  tokens: (secret) => secret,
  token: (secret) => secret,
  publicKeys: (secret) => secret,
  users: (secret, { headers }) => {
    const [user = ''] = Buffer.from(/^Basic (\S+)/i.exec(headers.authorization ?? '')?.[1] ?? '', 'base64')
      .toString()
      .split(':', 1);
    return { [user || 'user']: secret };
  },
  keys: (secret, { headers }) => ({ [String(claimsIn(headers.authorization)?.iss ?? 'key')]: secret }),
};

/** Further options that make another way of one type. */
function variantsOf(type: string, request: RawRequest, secrets: readonly string[]): readonly JsonObject[] {
  const { headers, url } = request;
  const carriers = Object.entries(headers).filter(([name, value]) =>
    secrets.some((one) => value === one.trim() || (value === `Bearer ${one.trim()}` && name !== 'authorization')),
  );
  // Those that no type has as its default.
  const others = carriers.flatMap(([header]) => (/^(?:authorization|x-vapi-secret)$/.test(header) ? [] : [{ header }]));
  const vapi = [{}, ...others, { signature: {} }];
  switch (type) {
    case 'hmac': {
      const ofMeta = { preset: 'meta', handshake: { tokens: 'your-verify-token' } };
      // Both sign in the same way, and GitHub names each event in a header.
      const ofHub = 'x-github-event' in headers ? [{ preset: 'github' }] : [{ preset: 'github' }, ofMeta];
      return [...ofHub, { preset: 'stripe' }, { preset: 'slack' }, { preset: 'dropbox' }];
    }
    case 'vapi.events':
      return vapi;
    case 'vapi.call':
      return vapi.map((more) => ({ ...more, assistant: 'assistant-id' }));
    case 'elevenlabs.call':
      return [{}, ...others];
    case 'openai.call': {
      const [, api] = /^(realtime|live)\./.exec(typeIn(request) ?? '') ?? [];
      if (api === undefined) return [];
      return [{ apiKey: '${OPENAI_API_KEY}', model: 'gpt-realtime', ...(api === 'live' && { api }) }];
    }
    case 'twilio.events':
      return [{ url: url.replace(/[?#].*$/s, '') }];
    case 'bearer':
      return [
        {},
        ...carriers.map(([header, value]) => ({ header, ...(value.startsWith('Bearer ') && { prefix: 'Bearer ' }) })),
      ];
    default:
      return [{}];
  }
}

/** The type that a body names; null where it names none. */
function typeIn({ body }: RawRequest): string | null {
  try {
    return textAt(readJsonObject(body, { harmful: 'drop' }), 'type', 128);
  } catch {
    // A form, or no JSON for another reason.
    return null;
  }
}

/** The trials of all sources, without the settings of a sender that none of them knows. */
export function trialsOf(
  plugins: readonly Plugin[],
  request: RawRequest,
  secrets: readonly string[],
): readonly Trial[] {
  return plugins.flatMap((plugin) =>
    plugin.components
      .filter(({ kind }) => kind === 'source')
      .flatMap((component) =>
        Object.entries(places)
          .filter(([name]) => name in component.options.shape)
          .flatMap(([name, value]) =>
            variantsOf(component.type, request, secrets).map((more) => ({
              plugin,
              component,
              options: (secret: string) => ({ [name]: value(secret, request), ...more }),
            })),
          ),
      ),
  );
}

/** The lengths of digests in bytes. */
const hashes = [
  ['sha256', 32],
  ['sha1', 20],
  ['sha512', 64],
  ['sha384', 48],
] as const;

/** Trials of the type `hmac` for every header that may be a signature: each hash, encoding and text that is usually signed. */
export function searchFor(plugins: readonly Plugin[], { headers }: RawRequest): readonly Trial[] {
  const plugin = plugins.find(({ components }) => components.some(({ type }) => type === 'hmac'));
  const component = plugin?.components.find(({ type }) => type === 'hmac');
  if (plugin === undefined || component === undefined) return [];
  const isTime = (text: string) => /^\d{10,13}$/.test(text) && sentTimeMs(text) !== null;
  const times = Object.entries(headers).flatMap(([name, value]) => (isTime(value) ? [{ timestampHeader: name }] : []));
  const settings = Object.entries(headers).flatMap(([header, value]) => {
    const parts = value.split(',').map((part) => part.trim());
    const separator = parts.length > 1 ? { separator: ',' } : {};
    const inside = parts.flatMap((part) => {
      const [, timestampPrefix, time = ''] = /^(\w+=)(\d+)$/.exec(part) ?? [];
      return timestampPrefix !== undefined && isTime(time) ? [{ timestampPrefix }] : [];
    });
    return parts.flatMap((part) => {
      const [, prefix = '', digest = ''] = /^(\w+[=:,])?([\w+/=-]{27,128})$/.exec(part) ?? [];
      return formsOf(digest).flatMap((form) => [
        { header, prefix, ...form, ...separator },
        ...[...times, ...inside].flatMap((place) =>
          timedTexts.map((signed) => ({ header, prefix, ...form, ...separator, ...place, signed })),
        ),
      ]);
    });
  });
  return settings.flatMap((signature) =>
    ['utf8', 'base64', 'hex'].map((secretEncoding) => ({
      plugin,
      component,
      options: (secret: string) => ({ secrets: secret, secretEncoding, signature }),
    })),
  );
}

const timedTexts = [
  '{timestamp}.{body}',
  '{timestamp}{body}',
  '{timestamp}:{body}',
  'v0:{timestamp}:{body}',
  '{body}{timestamp}',
];

/** Which hashes and encodings make a text of this length. */
function formsOf(digest: string): readonly { readonly algorithm: string; readonly encoding: string }[] {
  return hashes.flatMap(([algorithm, bytes]) => {
    if (/^[\da-f]+$/.test(digest) && digest.length === bytes * 2) return [{ algorithm, encoding: 'hex' }];
    if (/^[\dA-F]+$/.test(digest) && digest.length === bytes * 2) return [{ algorithm, encoding: 'hex-upper' }];
    const encoding = /[-_]/.test(digest) ? 'base64url' : 'base64';
    return digest.replace(/=+$/, '').length === Math.ceil((bytes * 4) / 3) ? [{ algorithm, encoding }] : [];
  });
}

/** Makes the source and gives it the request, as a router does. */
export async function verdictOf(
  { plugin, component, options }: Trial,
  secret: string,
  request: RawRequest,
): Promise<Verdict> {
  let source: Source;
  try {
    source = sourceOf(plugin, component, options(secret));
  } catch (error) {
    return { kind: 'untried', reason: issueIn(error) };
  }
  try {
    await source.receive(request);
    return { kind: 'accepted' };
  } catch (error) {
    if (!isRefusal(error)) return { kind: 'untried', reason: errorMessage(error) };
    return { kind: error.code === 'UNVERIFIED' ? 'refused' : 'verified', reason: error.message };
  }
}

function sourceOf(plugin: Plugin, component: Component, options: JsonObject): Source {
  const context = { compile: compileExpression, secret: () => {} };
  const checked = reading(context, () => component.options.parse(options));
  const info = { name: 'capture', directory: '.', country: null };
  const row = { name: info.name, component, plugin, options: checked };
  const { services } = new PluginServices(
    plugin,
    [row],
    Container.forRouter(() => silent),
    info,
  ).for(row);
  // The kind was checked.
  return component.create(checked, services) as Source;
}

interface Issue {
  readonly message: string;
  readonly path: readonly string[];
  /** Of a union: the issues of each alternative. */
  readonly errors?: readonly (readonly Issue[])[];
}

/** The first problem of the options. */
function issueIn(error: unknown): string {
  const [issue] = (Object(error).issues ?? []) as readonly Issue[];
  return issue === undefined
    ? errorMessage(error)
    : `${issue.path.join('.')}: ${issue.errors?.[0]?.[0]?.message ?? issue.message}`;
}

/** Times in the headers at which the request may have been signed, in milliseconds since the epoch. */
export function timesIn({ headers }: RawRequest): readonly number[] {
  const found = Object.values(headers).flatMap((value) => value.match(/(?<!\w)\d{10}(?:\d{3})?(?!\w)/g) ?? []);
  const exp = claimsIn(headers.authorization)?.exp;
  const written = [...found, ...Object.entries(headers).flatMap(([name, value]) => (/time/.test(name) ? [value] : []))];
  // LiveKit's tokens hold for five minutes from their signing.
  const times = [...written.map((text) => sentTimeMs(text)), typeof exp === 'number' ? (exp - 300) * 1_000 : null];
  return [...new Set(times.filter((time) => time !== null))];
}

function claimsIn(authorization: string | undefined): JsonObject | null {
  const [, payload] = /^(?:Bearer )?[\w-]+\.([\w-]+)\.[\w-]+$/i.exec(authorization ?? '') ?? [];
  try {
    return payload === undefined ? null : (parseJson(Buffer.from(payload, 'base64url').toString()) as JsonObject);
  } catch {
    // No token of this kind.
    return null;
  }
}
