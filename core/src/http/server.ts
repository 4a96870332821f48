/** Koa, and nothing but Koa: hooks, health and metrics over HTTP. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa, { type Context } from 'koa';
import type { HttpReply, RawRequest } from '../contract/source.js';
import type { Clock, Log } from '../contract/tools.js';
import { isRefusal, refuse } from '../refusal.js';
import type { Api } from './api.js';
import { type BodyLimits, limitUnread, readBody } from './body.js';
import { BodyRoom } from './body-room.js';
import { writeRefusal } from './failure.js';
import { Turns } from './turns.js';

/** A source as the server sees it. */
export interface Hook {
  /** Media types it reads; null = it looks at the body, whatever the sender calls it. */
  readonly accepts: readonly string[] | null;
  /** True where somebody waits on the phone: its bodies have a room of their own. */
  readonly calls: boolean;
}

/** What the server serves. */
export interface ServerParts {
  readonly hooks: ReadonlyMap<string, Hook>;
  /** `startedAtMs`: when the request came in, before its body did, by the clock's `elapsed`. */
  receive(source: string, request: RawRequest, startedAtMs: number): Promise<HttpReply>;
  refused(source: string, code: string, reason: string, remoteAddress: string): void;
  /** Rejects, with the reason, while the router is not open or cannot commit. */
  ready(): Promise<void>;
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
  /** Answers what is below `/api`. */
  readonly api: Api;
  readonly limits: BodyLimits;
  /** Take the sender's address from the last entry of `X-Forwarded-For`. */
  readonly trustProxy: boolean;
  /** What senders put before `/hooks`; null = what the `Host` header says. */
  readonly publicUrl: string | null;
  readonly clock: Clock;
  readonly log: Log;
}

/** A server that listens. */
export interface ListeningServer {
  readonly host: string;
  readonly port: number;
  /** Accepts nothing more and resolves when all requests have their replies; idle connections are cut at once. */
  close(): Promise<void>;
  /** Cuts the connections that are left. */
  cut(): void;
}

/** Of bodies that are being read: hundreds of the largest, or tens of thousands of ordinary ones. */
const mostBodyBytes = { events: 128 * 1_048_576, calls: 16 * 1_048_576 };

interface BodyRooms {
  readonly events: BodyRoom;
  readonly calls: BodyRoom;
}

/** The request listener, to be mounted in a server of somebody else's. */
export function listenerFor(parts: ServerParts): RequestListener {
  const app = new Koa();
  const rooms: BodyRooms = { events: new BodyRoom(mostBodyBytes.events), calls: new BodyRoom(mostBodyBytes.calls) };
  app.on('error', (error: unknown) => {
    const code = connectionFault(error);
    if (code === null) parts.log.error('http.failed', { error });
    // Without the error itself: Node puts what the sender sent into it.
    else parts.log.debug('connection.broken', { code });
  });
  app.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const refusal = isRefusal(error) ? error : refuse('SOURCE_FAILED', 'unexpected');
      if (!isRefusal(error)) parts.log.error('http.failed', { error });
      writeRefusal(ctx, refusal);
    }
    limitUnread(ctx.req, parts.limits, parts.clock);
  });
  app.use((ctx) => {
    if (ctx.path.startsWith('/hooks/')) return hook(ctx, parts, rooms);
    if (ctx.path.startsWith('/api/')) return parts.api(ctx);
    return operations(ctx, parts);
  });
  const answer = app.callback();
  const turns = new Turns();
  return (request, response) => {
    // Without its socket, which Node has taken from it by then.
    const { socket } = request;
    response.once('finish', () => turns.replied(socket));
    answer(request, response);
  };
}

/** Listens. Rejects where the address cannot be had. */
export async function listen(listener: RequestListener, host: string, port: number): Promise<ListeningServer> {
  const server = createServer(
    // Load balancers keep connections for a minute; the side that closes first must be theirs.
    { keepAliveTimeout: 65_000, headersTimeout: 15_000, requestTimeout: 0, maxHeaderSize: 16_384 },
    (request, response) => {
      // A sender that never pauses must not keep a server open that is closing.
      if (!server.listening) response.setHeader('Connection', 'close');
      response.once('close', () => server.listening || server.closeIdleConnections());
      listener(request, response);
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  const address = server.address() as AddressInfo;
  return { host, port: address.port, close: () => closed(server), cut: () => server.closeAllConnections() };
}

/** The code of what a sender did to its own connection: broke off, or sent what is no HTTP. Null for everything else. */
function connectionFault(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('HPE_') || ['ECONNRESET', 'ECONNABORTED', 'EPIPE'].includes(code) ? code : null;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

async function hook(ctx: Context, parts: ServerParts, rooms: BodyRooms): Promise<void> {
  const [source = '', ...rest] = ctx.path.slice('/hooks/'.length).split('/');
  const remoteAddress = addressOf(ctx, parts.trustProxy);
  const startedAtMs = parts.clock.elapsed();
  try {
    const { accepts, calls } = hookAt(source, ctx, parts);
    checkMediaType(ctx, accepts);
    const body = await readBody(ctx.req, parts.limits, parts.clock, calls ? rooms.calls : rooms.events);
    const request: RawRequest = {
      method: ctx.method,
      rest: decoded(rest.join('/')),
      query: ctx.querystring === '' ? {} : firstValues(ctx.query),
      headers: headersOf(ctx),
      body,
      remoteAddress,
      url: `${parts.publicUrl ?? ctx.origin}${ctx.url}`,
      receivedAtMs: parts.clock.now(),
    };
    writeReply(ctx, await parts.receive(source, request, startedAtMs));
  } catch (error) {
    if (isRefusal(error))
      parts.refused(parts.hooks.has(source) ? source : '', error.code, error.message, remoteAddress);
    throw error;
  }
}

function hookAt(source: string, ctx: Context, parts: ServerParts): Hook {
  const found = parts.hooks.get(source);
  if (found === undefined) throw refuse('NOT_FOUND', `no source named ${JSON.stringify(source.slice(0, 64))}`);
  if (ctx.method !== 'POST') {
    ctx.set('Allow', 'POST');
    throw refuse('METHOD_NOT_ALLOWED', `method ${ctx.method}`);
  }
  return found;
}

function checkMediaType(ctx: Context, accepts: Hook['accepts']): void {
  const type = (ctx.get('content-type').split(';')[0] ?? '').trim().toLowerCase();
  if (accepts !== null && !accepts.includes(type)) {
    const found = type === '' ? 'no content type' : `content type ${type.slice(0, 64)}`;
    throw refuse('UNSUPPORTED_MEDIA_TYPE', `${found}, expected ${accepts.join(' or ')}`);
  }
  const encoding = ctx.get('content-encoding').toLowerCase();
  if (encoding !== '' && encoding !== 'identity')
    throw refuse('UNSUPPORTED_MEDIA_TYPE', `content encoding ${encoding.slice(0, 64)}`);
}

async function operations(ctx: Context, parts: ServerParts): Promise<void> {
  if (!['/healthz', '/readyz', '/metrics'].includes(ctx.path)) throw refuse('NOT_FOUND', 'no such path');
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
    ctx.set('Allow', 'GET, HEAD');
    throw refuse('METHOD_NOT_ALLOWED', `method ${ctx.method}`);
  }
  if (ctx.path === '/metrics') {
    const { contentType, body } = await parts.metrics();
    ctx.type = contentType;
    ctx.body = body;
    return;
  }
  if (ctx.path === '/readyz') await parts.ready();
  ctx.body = { status: 'ok' };
}

function writeReply(ctx: Context, reply: HttpReply): void {
  ctx.status = reply.status;
  if (reply.headers !== undefined) ctx.set(reply.headers);
  if (reply.body !== undefined) ctx.body = reply.body;
}

function addressOf(ctx: Context, trustProxy: boolean): string {
  const forwarded = trustProxy ? ctx.get('x-forwarded-for').split(',').at(-1)?.trim() : undefined;
  return forwarded || (ctx.req.socket.remoteAddress ?? '');
}

function headersOf(ctx: Context): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(ctx.headers))
    headers[name] = Array.isArray(value) ? value.join(', ') : (value ?? '');
  return headers;
}

function firstValues(query: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const values = Object.entries(query).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw refuse('MALFORMED', 'the path is not properly percent-encoded');
  }
}
