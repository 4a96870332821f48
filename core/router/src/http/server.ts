/** The Koa application: hooks, health and metrics over HTTP. */

import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { type Clock, refuse } from '@switchhook/sdk';
import Koa from 'koa';
import { httpUrl } from '../system/http-url.js';
import { requireAccess } from './access.js';
import { BodyBudget, limitUnread } from './body.js';
import { ConnectionFairness } from './connection-fairness.js';
import { type BodyBudgets, hook, mostBodyBytes, type ServerParts } from './hooks.js';
import { refusalOf, writeRefusal } from './refusal-response.js';
import { type Route, routed } from './routes.js';

/** A server that listens. */
export interface ListeningServer {
  readonly url: string;
  readonly port: number;
  /**
   * Accepts no more connections, and resolves when all have ended. Each reply from now on ends its connection. Idle connections
   * are cut when `idle` resolves, by default at once: a request that is on its way on one of them would be lost.
   */
  close(idle?: Promise<void>): Promise<void>;
  /** Cuts the connections that are left. */
  cut(): void;
}

/** The request listener, to be mounted in another server. */
export function listenerFor(parts: ServerParts, fairness = new ConnectionFairness()): RequestListener {
  const app = new Koa();
  const budgets: BodyBudgets = {
    events: new BodyBudget(mostBodyBytes.events),
    calls: new BodyBudget(mostBodyBytes.calls),
  };
  const operations = routed(operationRoutes(parts), 'no such path');
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
      const refusal = refusalOf(error);
      if (refusal.code === 'INTERNAL') parts.log.error('http.failed', { error: refusal.cause });
      writeRefusal(ctx, refusal);
    }
    limitUnread(ctx.req, { ...parts, fairness });
  });
  app.use((ctx, next) => {
    // Node drops what comes after its limit, and with it what a proxy has added.
    if (ctx.req.rawHeaders.length <= 2 * mostHeaders) return next();
    throw refuse('MALFORMED', `more than ${mostHeaders} header fields`);
  });
  app.use((ctx) => {
    if (ctx.path.startsWith('/hooks/')) return hook(ctx, parts, budgets, fairness);
    if (ctx.path.startsWith('/api/')) return parts.api(ctx);
    if (parts.pages?.(ctx, parts.trustProxy)) return;
    return operations(ctx);
  });
  const answer = app.callback();
  return (request, response) => {
    // Without its socket, which Node has taken from it by then.
    const { socket } = request;
    response.once('finish', () => fairness.replied(socket));
    answer(request, response);
  };
}

/** Far more than senders and proxies use, and half of what Node keeps by default. */
const mostHeaders = 500;
/** Requests of one connection under way at the same time. No client is known that sends more without reading replies. */
const mostPipelined = 32;
/** Each takes some kilobytes. */
const mostConnections = 16_384;

/**
 * Connections that the system completes before they are accepted; Linux takes `net.core.somaxconn` where that is less. With
 * Node's 511, 2,500 senders that connected at once made it drop packets, and calls waited 1, 3 or 7 s for them to be sent again.
 */
const mostUnaccepted = 4_096;

/** How to listen. */
export interface ListenOptions {
  readonly fairness?: ConnectionFairness;
  /** How long an idle connection stays open. Default: 11 minutes. */
  readonly keepAliveMs?: number;
}

/** Where to listen: at a port, or on a socket that is open already. `host` is what its URL names. */
export type Address = { readonly host: string } & ({ readonly port: number } | { readonly fd: number });

/** Listens. Rejects where the address cannot be had, or the descriptor is no socket that can listen. */
export async function listen(
  listener: RequestListener,
  at: Address,
  { fairness = new ConnectionFairness(), keepAliveMs = 660_000 }: ListenOptions = {},
): Promise<ListeningServer> {
  const underWay = new WeakMap<Socket, number>();
  const replies = new Set<ServerResponse>();
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer(
    { keepAliveTimeout: keepAliveMs, headersTimeout: 15_000, requestTimeout: 0, maxHeaderSize: 16_384 },
    (request, response) => {
      const { socket } = request;
      const requests = (underWay.get(socket) ?? 0) + 1;
      underWay.set(socket, requests);
      // Replies that are not read count, too: they take memory until the connection ends.
      if (requests > mostPipelined) return void socket.destroy();
      replies.add(response);
      // A sender that never pauses must not keep a server open that is closing.
      if (!server.listening) response.shouldKeepAlive = false;
      response.once('close', () => {
        replies.delete(response);
        underWay.set(socket, (underWay.get(socket) ?? 1) - 1);
        if (isCut) server.closeIdleConnections();
      });
      listener(request, response);
    },
  );
  server.maxConnections = mostConnections;
  server.on('connection', (socket) => {
    fairness.accepted();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...('fd' in at ? { fd: at.fd } : at), backlog: mostUnaccepted }, () => resolve());
  });
  const address = server.address() as AddressInfo;
  return {
    url: httpUrl(at.host, address.port),
    port: address.port,
    close: async (idle = Promise.resolve()) => {
      // Connections that were made during this turn of the event loop are accepted first.
      await new Promise((resolve) => setImmediate(resolve));
      // Without what an HTTP server does first: it cuts idle connections.
      const ended = new Promise<void>((resolve) => void NetServer.prototype.close.call(server, () => resolve()));
      for (const response of replies) response.shouldKeepAlive = false;
      void idle.then(async () => {
        // What a busy process has not read yet is no idle connection: it is read before this resolves.
        await new Promise((resolve) => setImmediate(resolve));
        isCut = true;
        server.closeIdleConnections();
        // To Node, a connection without its first request is not idle.
        for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      });
      await ended;
      // The rest of what an HTTP server does: it stops looking for connections that are too slow.
      server.close();
    },
    cut: () => server.closeAllConnections(),
  };
}

/** The code of what a sender did to its own connection: broke off, or sent what is no HTTP. Null for everything else. */
function connectionFault(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('HPE_') || ['ECONNRESET', 'ECONNABORTED', 'EPIPE'].includes(code) ? code : null;
}

/** What is under way, or not older than `ms`, serves all who ask. */
function sharedFor<T>(ms: number, clock: Clock, make: () => Promise<T>): () => Promise<T> {
  let last: { readonly made: Promise<T>; readonly atMs: number } | null = null;
  return () => {
    const atMs = clock.elapsed();
    if (last === null || atMs - last.atMs >= ms) last = { made: make(), atMs };
    return last.made;
  };
}

function operationRoutes(parts: ServerParts): readonly Route[] {
  const { metrics, ready, clock } = parts;
  const rendered = sharedFor(1_000, clock, metrics);
  const health = async () => ({ status: 'ok' });
  return [
    { method: 'GET', path: '/healthz', reply: health },
    { method: 'GET', path: '/readyz', reply: () => ready().then(health) },
    {
      method: 'GET',
      path: '/metrics',
      reply: async (ctx) => {
        if (parts.metricsAccess !== null) requireAccess(ctx, parts.metricsAccess);
        const { contentType, body } = await rendered();
        ctx.type = contentType;
        return body;
      },
    },
  ];
}
