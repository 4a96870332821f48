/** The network: one pool of kept-alive connections, and one that refuses private addresses. */
import type { LookupAddress, LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import {
  type Clock,
  FetchError,
  type FetchInit,
  type FetchResponse,
  type HttpClient,
  isPublicAddress,
  type JsonValue,
  type NamedToken,
  token,
} from '@switchhook/sdk';
import { Agent, type Dispatcher, request } from 'undici';
import { systemClock } from './clock.js';
import { DnsCache } from './dns-cache.js';

const defaultMaxBytes = 1_048_576;

/** The router's HTTP client, and how to close its connections. */
export interface Network extends HttpClient {
  /** Ends what is under way as well. */
  close(): Promise<void>;
}
export const Network: NamedToken<Network> = token('switchhook.Network');

/** Opens the two pools. Time limits are the caller's: pass a signal. */
export function openNetwork(clock: Clock = systemClock, names: DnsCache = new DnsCache(clock)): Network {
  // A destination's own concurrency bounds its connections, so the pool does not.
  const pool = { connections: null, keepAliveTimeout: 30_000, headersTimeout: 0, bodyTimeout: 0 };
  const any = new Agent({ ...pool, connect: { timeout: 10_000, lookup: lookupOf(names, () => true) } });
  const open = new Agent({ ...pool, connect: { timeout: 10_000, lookup: lookupOf(names, isPublicAddress) } });
  return {
    fetch: (url, init = {}) => send(init.reach === 'public' ? open : any, url, init),
    close: async () => {
      await Promise.all([any.destroy(), open.destroy()]);
    },
  };
}

async function send(dispatcher: Dispatcher, url: string, init: FetchInit): Promise<FetchResponse> {
  const target = targetOf(url);
  // A literal address is never looked up, so it is checked here.
  if (init.reach === 'public' && isIP(bare(target.hostname)) !== 0 && !isPublicAddress(bare(target.hostname)))
    throw forbidden(target.hostname);
  try {
    const response = await request(target, {
      dispatcher,
      method: (init.method ?? 'GET') as Dispatcher.HttpMethod,
      headers: { ...init.headers },
      ...(init.body === undefined ? {} : { body: typeof init.body === 'string' ? init.body : Buffer.from(init.body) }),
      ...(init.signal === undefined ? {} : { signal: init.signal }),
    });
    return await readResponse(response, init.maxBytes ?? defaultMaxBytes);
  } catch (error) {
    if (init.signal?.aborted) throw init.signal.reason;
    throw asFetchError(error, target.host);
  }
}

async function readResponse(response: Dispatcher.ResponseData, maxBytes: number): Promise<FetchResponse> {
  const chunks: Buffer[] = [];
  let length = 0;
  let truncated = false;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    const rest = maxBytes - length;
    if (chunk.length > rest) {
      truncated = true;
      chunks.push(chunk.subarray(0, rest));
      break;
    }
    chunks.push(chunk);
    length += chunk.length;
  }
  return fetchResponse(response.statusCode, joined(response.headers), Buffer.concat(chunks), truncated);
}

/** Makes a response from its parts. */
export function fetchResponse(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  truncated: boolean,
): FetchResponse {
  const text = (): string => new TextDecoder().decode(body);
  return { status, headers, body, truncated, text, json: () => JSON.parse(text()) as JsonValue };
}

function joined(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}

function targetOf(url: string): URL {
  const target = URL.canParse(url) ? new URL(url) : null;
  if (target === null || !['http:', 'https:'].includes(target.protocol))
    throw new FetchError('URL_INVALID', 'the URL is not an http or https URL');
  return target;
}

function asFetchError(error: unknown, host: string): unknown {
  if (error instanceof FetchError) return error;
  if (!(error instanceof Error)) return error;
  const inner = error.cause instanceof Error ? error.cause : error;
  if (inner instanceof FetchError) return inner;
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : inner.name;
  return new FetchError(code, `${host}: ${inner.message === '' ? code : inner.message}`, { cause: error });
}

/** Looks a name up and refuses it if any of its addresses may not be reached: what is checked is what is connected to. */
function lookupOf(names: DnsCache, mayReach: (address: string) => boolean): LookupFunction {
  return (name, options, callback) => {
    const answer = (addresses: readonly LookupAddress[]): void => {
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => mayReach(address))) callback(forbidden(name), '');
      else if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    };
    const all: LookupAllOptions = { ...(options as LookupAllOptions), all: true };
    names.addressesOf(name, all).then(answer, (error: NodeJS.ErrnoException) => callback(error, ''));
  };
}

function forbidden(host: string): FetchError {
  return new FetchError('ADDRESS_FORBIDDEN', `${host} is not a public address`);
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
