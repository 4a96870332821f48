/** Whole refused requests of sources that capture them, and the file of one that `switchhook doctor signature` reads. */
import { type RawRequest, sentTimeMs } from '@switchhook/sdk';
import type { Mask } from '../system/mask.js';

/** Requests hold data of callers. */
export const longestCaptureMs = 86_400_000;
/** Of one source; older ones are dropped. */
const most = { requests: 20, bytes: 20 * 1_048_576 };

interface Captured {
  readonly id: string;
  readonly atMs: number;
  readonly request: RawRequest;
}

export class CapturedRequests {
  /** By source, the earliest first. */
  readonly #kept = new Map<string, Captured[]>();

  add(source: string, captured: Captured): void {
    const body = Buffer.from(captured.request.body);
    const kept = [...(this.#kept.get(source) ?? []), { ...captured, request: { ...captured.request, body } }];
    const bytes = () => kept.reduce((sum, { request }) => sum + request.body.length, 0);
    while (kept.length > most.requests || bytes() > most.bytes) kept.shift();
    this.#kept.set(source, kept);
  }

  /** Drops what is too old, and those of sources that no longer capture. */
  prune(sources: ReadonlySet<string>, nowMs: number): void {
    for (const [source, kept] of this.#kept) {
      const fresh = kept.filter(({ atMs }) => sources.has(source) && nowMs - atMs <= longestCaptureMs);
      if (fresh.length === 0) this.#kept.delete(source);
      else this.#kept.set(source, fresh);
    }
  }

  /** Removes some. */
  remove(ids: ReadonlySet<string>): void {
    for (const [source, kept] of this.#kept) {
      const others = kept.filter(({ id }) => !ids.has(id));
      if (others.length === 0) this.#kept.delete(source);
      else this.#kept.set(source, others);
    }
  }

  get isEmpty(): boolean {
    return this.#kept.size === 0;
  }

  /** By id of the refused request. */
  all(): ReadonlyMap<string, RawRequest> {
    return new Map([...this.#kept.values()].flat().map(({ id, request }) => [id, request]));
  }
}

/** A request as a file, and what of it was masked. */
export interface CaptureFile {
  readonly file: Uint8Array;
  readonly masked: readonly string[];
}

const hidden = '***';
/** A header of the file that the request does not have: when the router received it, in ISO 8601. */
export const receivedAtHeader = 'x-switchhook-received-at';

/** Headers whose values are kept as they are, but for configured secrets in them. */
const plain = new Set(
  [
    'host',
    'date',
    'user-agent',
    'accept',
    'accept-encoding',
    'accept-language',
    'content-type',
    'content-length',
  ].concat([
    'content-encoding',
    'content-language',
    'x-forwarded-proto',
    'x-forwarded-host',
    'x-forwarded-port',
    'x-twilio-webhooks-signature-settings',
  ]),
);
/** Names of what proves who sends, by itself. */
const credential = /cookie|token|secret|passw|credential|session|jwt|key$|key-|^auth|-auth/;
/** Names of digests: of a signature, or of a body whose hash is signed. */
const digestName = /sign(?!ing)|hmac|digest|hash|sha\d/;
const timeName = /time|date/;
/** Names of ids of messages, which are signed along with the body. */
const idName = /(^|[-_])(webhook|svix|message|msg|event|request|delivery)[-_]?id$/;
/** A digest, or several, as `doctor signature` looks for them: after a short mark, in hex or base64. */
const digests =
  /^(?:\w{0,16}[=:,]?[\w+/-]{27,128}={0,2}|\w{1,16}=\d{10,13})(?:[,\s]+(?:\w{1,16}[=:,][\w+/=-]{1,128}))*$/;
/** A mark that only signatures have: `v1=…`, `sha256=…`. */
const digestMark = /^(?:v\d\w?|sha\d{1,3}|hmac\w*|sig\w*|t)[=:,]/;
const time = /^\d{10,13}$|^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/;
const yearMs = 366 * 86_400_000;

/**
 * Whether the value of a header or a parameter is kept: what a signature consists of or covers, and nothing that may prove its sender by
 * itself. A value that has the form of a digest may be a token, so its name or a mark must say that it is a digest.
 */
function isKept(name: string, value: string, receivedAtMs: number): boolean {
  if (plain.has(name)) return true;
  if (name === 'authorization') return isTokenOfBody(value);
  if (credential.test(name) && !/signature/.test(name.replace(/signature[-_]?key/, ''))) return false;
  if (digests.test(value)) return digestName.test(name) || digestMark.test(value);
  if (idName.test(name)) return true;
  return time.test(value) && (timeName.test(name) || Math.abs((sentTimeMs(value) ?? 0) - receivedAtMs) < yearMs);
}

/** What a masked value looks like, which is what a signature in it needs to be configured: `64 hex digits`. */
function formOf(value: string): string {
  if (!digests.test(value)) return '';
  if (/^[\da-fA-F]+$/.test(value)) return ` (${value.length} hex digits)`;
  return /^[\w+/-]+={0,2}$/.test(value) ? ` (${value.length} characters of base64)` : '';
}

/** A token that is made for one body and carries its hash is a signature: LiveKit sends it in place of one. */
function isTokenOfBody(value: string): boolean {
  const [, payload = ''] = /^(?:Bearer )?[\w-]+\.([\w-]+)\.[\w-]+$/i.exec(value) ?? [];
  try {
    return typeof JSON.parse(Buffer.from(payload, 'base64url').toString()).sha256 === 'string';
  } catch {
    // No token of this kind.
    return false;
  }
}

/** The request as it came: its line with the whole URL, headers, an empty line and the body, with `***` in place of what is masked. */
export function captureFile(request: RawRequest, mask: Mask): CaptureFile {
  const masked: string[] = [];
  const kept = (name: string, value: string, what: string): string => {
    const isWhole = isKept(name, value, request.receivedAtMs);
    const shown = isWhole ? mask(value) : hidden;
    if (shown !== value) masked.push(`${what}${isWhole ? '' : formOf(value)}`);
    return shown.replace(/[\r\n]/g, ' ');
  };
  const url = maskedUrl(
    request.url,
    (name, value) => kept(name, value, `parameter ${name}`),
    () => masked.push('the end of the path'),
  );
  const headers = Object.entries(request.headers)
    // The body is no longer in chunks.
    .filter(([name]) => name !== 'transfer-encoding' && name !== receivedAtHeader)
    .map(([name, value]) => `${name}: ${kept(name, value, `header ${name}`)}\r\n`);
  const body = maskedBody(request.body, mask);
  if (body !== request.body) masked.push('the body');
  const received = `${receivedAtHeader}: ${new Date(request.receivedAtMs).toISOString()}\r\n`;
  const head = `${request.method} ${url} HTTP/1.1\r\n${headers.join('')}${received}\r\n`;
  return { file: Buffer.concat([Buffer.from(head), body]), masked };
}

/** Otherwise as it was written: a signature may cover it. What follows the source in the path may be a token. */
function maskedUrl(url: string, kept: (name: string, value: string) => string, cut: () => void): string {
  const [, hook = '/hooks', path = '', query] = /^([^?]*?\/hooks\/[^/?]+)([^?]*)(?:\?(.*))?$/s.exec(url) ?? [];
  const end = path.length > 1 ? `/${hidden}` : path;
  if (end !== path) cut();
  const parameters = query?.split('&').map((pair) => {
    const [name = '', ...value] = pair.split('=');
    return value.length === 0 ? kept('', name) : `${name}=${kept(name.toLowerCase(), value.join('='))}`;
  });
  const search = parameters === undefined ? '' : `?${parameters.join('&')}`;
  return `${hook}${end}${search}`.replace(/\s/g, '');
}

/** The same bytes where they hold no secret of the configuration: a signature covers them. */
function maskedBody(body: Uint8Array, mask: Mask): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const text = bytes.toString();
  const encoding = Buffer.from(text).equals(bytes) ? 'utf8' : 'latin1';
  const read = encoding === 'utf8' ? text : bytes.toString(encoding);
  const masked = mask(read);
  return masked === read ? body : Buffer.from(masked, encoding);
}
