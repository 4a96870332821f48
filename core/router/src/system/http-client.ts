/** The network: one pool of kept-alive connections, and one that refuses private addresses. */
import type { LookupAddress, LookupAllOptions } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import {
  type Clock,
  FetchError,
  type FetchInit,
  type FetchResponse,
  type HttpClient,
  isPublicAddress,
  type JsonValue,
  type NamedToken,
  parseJson,
  token,
} from '@switchhook/sdk';
import { Agent, buildConnector, type Dispatcher, errors } from 'undici';
import { systemClock } from './clock.js';
import { DnsCache } from './dns-cache.js';
import { CallersError, requestBodyOf } from './request-body.js';
import { decoded, isPassedOn, joined, responseOf } from './response-reader.js';
import { traceHeaders } from './tracing.js';

/** The router's HTTP client, and how to close its connections. */
export interface Network extends HttpClient {
  /** Ends what is under way as well. */
  close(): Promise<void>;
}
export const Network: NamedToken<Network> = token('switchhook.Network');

/** Opens the pools. Time limits are the caller's: pass a signal. */
export function openNetwork(clock: Clock = systemClock, names: DnsCache = new DnsCache(clock)): Network {
  // A destination's own concurrency bounds its connections, so the pool does not.
  const pool = { connections: null, keepAliveTimeout: 30_000, headersTimeout: 0, bodyTimeout: 0 };
  const connections = (mayReach: (address: string) => boolean): Connections => {
    const connect = connectorWith(lookupOf(names, mayReach));
    // Without pipelining, undici keeps no connection.
    return { kept: new Agent({ ...pool, connect }), fresh: new Agent({ ...pool, connect, pipelining: 0 }) };
  };
  const [unguarded, guarded] = [connections(() => true), connections(isPublicAddress)];
  return {
    fetch: (url, init = {}) => send(clock, init.reach === 'public' ? guarded : unguarded, url, init),
    close: async () => {
      await Promise.all([unguarded, guarded].flatMap(({ kept, fresh }) => [kept.destroy(), fresh.destroy()]));
    },
  };
}

/** Connections that are kept, and one for a single request. */
interface Connections {
  readonly kept: Dispatcher;
  readonly fresh: Dispatcher;
}

async function send(clock: Clock, connections: Connections, url: string, init: FetchInit): Promise<FetchResponse> {
  const target = targetOf(url);
  // A literal address is never looked up, so it is checked here.
  if (init.reach === 'public' && isIP(bare(target.hostname)) !== 0 && !isPublicAddress(bare(target.hostname)))
    throw forbidden(target.hostname);
  const failure = (error: unknown): unknown => {
    if (init.signal?.aborted) return init.signal.reason;
    return error instanceof CallersError ? error.thrown : asFetchError(error, target.host);
  };
  const body = requestBodyOf(init.body);
  const options: Dispatcher.DispatchOptions = {
    origin: target.origin,
    path: `${target.pathname}${target.search}`,
    method: (init.method ?? 'GET') as Dispatcher.HttpMethod,
    headers: { ...(init.traced === true && traceHeaders()), ...init.headers, ...body.headers },
    ...body.options,
  };
  const response = await responseOf(connections.kept, options, init, clock)
    .catch((error: unknown) => {
      if (!idempotent.has(options.method) || !wasClosedBefore(error) || !body.isUnread()) throw error;
      return responseOf(connections.fresh, options, init, clock);
    })
    .then((read) => decoded(read, init.maxBytes))
    .catch((error: unknown) => {
      const status = error instanceof Error ? statusBefore.get(error) : undefined;
      if (status === undefined) throw failure(error);
      return { status, headers: {}, body: new Uint8Array(), error };
    });
  const { status } = response;
  const incomplete = response.error === null ? null : failure(response.error);
  // The sink has a part of the body only, which its caller must learn.
  if (incomplete !== null && isPassedOn(status, init)) throw incomplete;
  return fetchResponse(status, joined(response.headers), response.body, incomplete);
}

/** Makes a response from its parts; `incomplete` is why its body is not complete. */
export function fetchResponse(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  incomplete: unknown = null,
): FetchResponse {
  const text = (): string => new TextDecoder().decode(body);
  const json = (): JsonValue => {
    if (incomplete !== null) throw incomplete;
    return parseJson(text());
  };
  return { status, headers, body, truncated: incomplete !== null, text, json };
}

const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
/** Errors of connections over which earlier responses had come. */
const afterResponses = new WeakSet<Error>();

/** Whether the other side has closed a connection, which it kept until then, before it could read the request. */
function wasClosedBefore(error: unknown): boolean {
  if (!(error instanceof Error) || statusBefore.has(error)) return false;
  if (error instanceof errors.SocketError) return (error.socket?.bytesRead ?? 0) > 0;
  return afterResponses.has(error);
}

/** Errors of a response's headers. Others may be about a request of which no status came. */
const unreadable = /^(HTTPParser|HeadersOverflow|ResponseContentLengthMismatch)Error$/;
/** Statuses of responses whose headers cannot be read, by the error of their connection. */
const statusBefore = new WeakMap<Error, number>();

/** Connects, and keeps the status of a response that the parser refuses: the other side has decided. */
function connectorWith(lookup: LookupFunction): buildConnector.connector {
  const connect = buildConnector({ timeout: 10_000, lookup });
  return (options, callback) =>
    connect(options, (...result) => {
      callback(...result);
      if (result[0] === null) keepStatus(result[1]);
    });
}

function keepStatus(socket: Socket): void {
  let start = '';
  // The parser takes the bytes with `read`: a listener added after its own sees them and takes none.
  socket.on('data', (chunk: Buffer) => {
    const bytes = chunk.toString('latin1', 0, 12);
    start = start.length >= 12 || bytes.startsWith('HTTP/') ? bytes : start + bytes;
  });
  socket.on('error', (error) => {
    if (socket.bytesRead > 0) afterResponses.add(error);
    const [, status] = /^HTTP\/1\.[01] ([2-5]\d\d)/.exec(start) ?? [];
    if (status !== undefined && unreadable.test(error.name)) statusBefore.set(error, Number(status));
  });
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
