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
  close(): Promise<void>;
}

interface PageOptions {
  /** Below which path. Default: `/`. */
  readonly mount?: string;
  /** The token that the router expects: whoever has signed in with it is let through. */
  readonly token?: string;
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
export async function pageServer(routerUrl: string, { mount = '/', token }: PageOptions = {}): Promise<PageServer> {
  let target: string | null = routerUrl;
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://page').pathname;
    if (!path.startsWith(mount)) return void response.writeHead(404).end();
    const below = path.slice(mount.length);
    if (!below.startsWith('api/')) return void page(below, response);
    if (target === null) return void request.socket.destroy();
    if (below === 'api/session' && token !== undefined) return void session(request, response, token);
    passedOn(request, response, `${target}/${(request.url ?? '').slice(mount.length)}`, token);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${mount}`,
    use: (url) => {
      target = url;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
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
