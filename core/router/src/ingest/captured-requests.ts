/** Whole refused requests of sources that capture them, and the file of one that `switchhook doctor signature` reads. */
import type { RawRequest } from '@switchhook/sdk';
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

/** Headers whose values are kept as they are, besides those that `doctor signature` needs. */
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
  ].concat(['content-encoding', 'content-language', 'x-forwarded-proto', 'x-forwarded-host']),
);
/** Names of what proves who sends, by itself. */
const credential = /cookie|token|secret|passw|credential|session|jwt|key$|key-|^auth|-auth/;
const signature = /sign(?!ing)|hmac|digest/;
/** Names of what is signed along with the body. */
const signed = /time|date|(^|[-_])id$|hash/;
/** A digest, or several, as `doctor signature` looks for them: after a short mark, in hex or base64. */
const digests = /^(?:\w{0,16}[=:,]?[\w+/-]{27,128}={0,2}|t=\d{10,13})(?:[,\s]+(?:\w{1,16}[=:,][\w+/=-]{1,128}))*$/;
const time = /^\d{10,13}$|^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/;

/** Whether the value of a header or a parameter is kept: what a signature consists of or covers, and nothing that proves its sender by itself. */
function isKept(name: string, value: string): boolean {
  if (plain.has(name)) return true;
  if (name === 'authorization') return isTokenOfBody(value);
  if (credential.test(name) && !/signature/.test(name.replace(/signature[-_]?key/, ''))) return false;
  return signature.test(name) || signed.test(name) || digests.test(value) || time.test(value);
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
    const shown = isKept(name, value) ? mask(value) : hidden;
    if (shown !== value) masked.push(what);
    return shown.replace(/[\r\n]/g, ' ');
  };
  const url = maskedUrl(
    request.url,
    (name, value) => kept(name, value, `parameter ${name}`),
    () => masked.push('the end of the path'),
  );
  const headers = Object.entries(request.headers)
    // The body is no longer in chunks.
    .filter(([name]) => name !== 'transfer-encoding')
    .map(([name, value]) => `${name}: ${kept(name, value, `header ${name}`)}\r\n`);
  const body = maskedBody(request.body, mask);
  if (body !== request.body) masked.push('the body');
  const head = `${request.method} ${url} HTTP/1.1\r\n${headers.join('')}\r\n`;
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
