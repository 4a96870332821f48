/** Serves the built page at a path of its own and passes its requests on to a router, which may be restarted behind it. */

import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request as requestTo, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { pageFolder } from '@switchhook/dashboard';

/** A server with the page. */
export interface PageServer {
  /** Of the page, with a slash at its end. */
  readonly url: string;
  /** Which router answers from now on; null = none: the connections break. */
  use(routerUrl: string | null): void;
  /** Answers `api/changes` and `api/live` from now on, in place of the router. */
  live(): LiveStream;
  close(): Promise<void>;
}

/** The stream of `api/live`, as a test writes it. */
export interface LiveStream {
  /** Queries of the clients that have connected, the latest last. */
  readonly queries: readonly URLSearchParams[];
  /** Sends a page of changes to all that are connected. */
  send(cursor: string, page: object): void;
  /** Breaks all connections. */
  cut(): void;
}

interface PageOptions {
  /** Below which path. Default: `/`. */
  readonly mount?: string;
  /** The token that the router expects: whoever has signed in with it is let through. */
  readonly token?: string;
  /** Adds the header by which the router knows a proxy. */
  readonly forwarded?: boolean;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

/** Starts one. */
export async function pageServer(
  routerUrl: string,
  { mount = '/', token, forwarded = false }: PageOptions = {},
): Promise<PageServer> {
  let target: string | null = routerUrl;
  let stream: ReturnType<typeof liveStream> | null = null;
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://page').pathname;
    if (!path.startsWith(mount)) return void response.writeHead(404).end();
    const below = path.slice(mount.length);
    if (!below.startsWith('api/')) return void page(below, response);
    if (target === null) return void request.socket.destroy();
    if (stream !== null && /^api\/(changes|live)$/.test(below)) return void stream.answer(request, response);
    if (below === 'api/session' && token !== undefined) return void session(request, response, token);
    if (forwarded) request.headers['x-forwarded-for'] = '192.0.2.1';
    passedOn(request, response, `${target}/${(request.url ?? '').slice(mount.length)}`, token);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${mount}`,
    use: (url) => {
      target = url;
    },
    live: () => {
      stream = liveStream();
      return stream;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** As the router writes it: the cursor of this moment first, then pages, each with its cursor as id. */
function liveStream(): LiveStream & { answer(request: IncomingMessage, response: ServerResponse): void } {
  const open = new Set<ServerResponse>();
  const queries: URLSearchParams[] = [];
  return {
    queries,
    send: (cursor, sent) => {
      for (const response of open) response.write(`id: ${cursor}\ndata: ${JSON.stringify(sent)}\n\n`);
    },
    cut: () => {
      for (const response of open) response.destroy();
      open.clear();
    },
    answer: (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://page');
      if (!pathname.endsWith('live')) {
        response.writeHead(200, { 'content-type': 'application/json' });
        return void response.end(JSON.stringify({ changes: [], hidden: 0, cursor: 'start' }));
      }
      const resumed = request.headers['last-event-id'];
      if (typeof resumed === 'string') searchParams.set('after', resumed);
      queries.push(searchParams);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('retry: 10\n\n');
      open.add(response);
    },
  };
}

async function page(below: string, response: ServerResponse): Promise<void> {
  const name = below === '' ? 'index.html' : below;
  try {
    const body = await readFile(join(pageFolder, name));
    response.writeHead(200, {
      'content-type': types[extname(name)] ?? 'application/octet-stream',
      'content-security-policy': policy,
    });
    response.end(body);
  } catch {
    // There is no such file.
    response.writeHead(404).end();
  }
}

function passedOn(request: IncomingMessage, response: ServerResponse, url: string, token: string | undefined): void {
  const { host: _, cookie, ...headers } = request.headers;
  const signedIn = token !== undefined && cookie?.includes(`token=${token}`) === true;
  const own = { ...headers, ...(signedIn && { authorization: `Bearer ${token}` }) };
  delete own.origin;
  const sent = requestTo(url, { method: request.method, headers: own }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  sent.on('error', () => response.destroy());
  request.pipe(sent);
}

/** As the router does it: the token once, then a cookie that scripts cannot read. */
async function session(request: IncomingMessage, response: ServerResponse, token: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const given = request.method === 'POST' ? JSON.parse(Buffer.concat(chunks).toString()).token : '';
  const isWrong = request.method === 'POST' && given !== token;
  const signedIn =
    request.method === 'GET' ? request.headers.cookie?.includes(`token=${token}`) === true : given === token;
  const headers = {
    'content-type': 'application/json',
    ...(request.method !== 'GET' && {
      'set-cookie': `token=${signedIn ? token : ''}; HttpOnly; SameSite=Strict; Path=/`,
    }),
  };
  response.writeHead(isWrong ? 401 : 200, headers);
  const state = { signedIn, tokenNeeded: true, until: signedIn ? '2100-01-01T00:00:00.000Z' : null };
  response.end(JSON.stringify(isWrong ? { code: 'API_TOKEN_WRONG', title: '', detail: '' } : state));
}
