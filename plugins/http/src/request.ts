/** One request, as both components make it. */
import { createRequire } from 'node:module';
import {
  FetchError,
  type FetchInit,
  type FetchResponse,
  type HttpClient,
  isFetchError,
  type JsonValue,
  type Scope,
  stringifyJson,
  type Template,
} from '@switchhook/sdk';
import { renderedHeaders } from './headers.js';
import { type Aim, addressOf, authorizationOf, fixedAddress, isGuarded } from './url.js';

const { version } = createRequire(import.meta.url)('../package.json') as { readonly version: string };
const userAgent = `Switchhook/${version}`;

/** The options both components have. */
export interface Target extends Aim {
  readonly method: string;
  readonly headers: Readonly<Record<string, Template<string>>>;
}

/** What one request adds to them. */
export interface Content {
  readonly limits?: Pick<FetchInit, 'signal' | 'maxBytes' | 'bodyMs'>;
  readonly body?: { readonly text: string; readonly type: string } | undefined;
  /** Cannot be overridden by the options. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Can be overridden by the options. */
  readonly defaults?: Readonly<Record<string, string>>;
}

/** Fills the target in. Throws an `ExpressionError` or a `FetchError` where that cannot be sent. */
export function filledIn(target: Target, scope: Scope, { body, headers, defaults }: Content) {
  const address = addressOf(target.url, scope);
  return {
    address,
    headers: {
      'user-agent': userAgent,
      ...(body === undefined ? {} : { 'content-type': body.type }),
      ...defaults,
      ...authorizationOf(address),
      ...renderedHeaders(target.headers, scope),
      ...headers,
    },
  };
}

/** Fills the target in and sends. Throws an `ExpressionError` or a `FetchError` where there is no response. */
export async function send(http: HttpClient, target: Target, scope: Scope, content: Content): Promise<FetchResponse> {
  const { address, headers } = filledIn(target, scope, content);
  const { body, limits } = content;
  return request(http, target, address.href, {
    ...limits,
    method: target.method,
    headers,
    ...(body === undefined ? {} : { body: body.text }),
  });
}

/** Reaches the host, without effect. Reports if the host depends on data, so that nothing was tried. */
export async function reachHost(http: HttpClient, target: Target, signal: AbortSignal): Promise<string | null> {
  const address = fixedAddress(target.url);
  if (address === null) return 'not tried: data chooses the host';
  const headers = { 'user-agent': userAgent };
  await request(http, target, address.origin, { method: 'HEAD', headers, signal, maxBytes: 0 });
  return null;
}

/** A body as it is sent: a text as it is, everything else as JSON. */
export function bodyOf(value: JsonValue): { readonly text: string; readonly type: string } {
  return typeof value === 'string'
    ? { text: value, type: 'text/plain; charset=utf-8' }
    : { text: stringifyJson(value), type: 'application/json' };
}

async function request(http: HttpClient, target: Target, url: string, init: FetchInit): Promise<FetchResponse> {
  try {
    // A host that data choose is no service of the operator.
    const traced = fixedAddress(target.url) !== null;
    return await http.fetch(url, { ...init, traced, ...(isGuarded(target) && { reach: 'public' }) });
  } catch (error) {
    if (!isFetchError(error) || error.code !== 'ADDRESS_FORBIDDEN') throw error;
    throw new FetchError(error.code, `${error.message}; allowPrivate: true allows it`, { cause: error });
  }
}
