/** A proxy in front of a router, which may serve it below a path, and which stays while the router is restarted. */
import { createServer, type IncomingMessage, request as requestTo, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy. */
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
  /** Adds the header by which the router knows a proxy. */
  readonly forwarded?: boolean;
}

/** Starts one. */
export async function pageServer(routerUrl: string, options: PageOptions = {}): Promise<PageServer> {
  const { mount = '/', forwarded = false } = options;
  let target: string | null = routerUrl;
  const server = createServer((request, response) => {
    const { url: path = '' } = request;
    if (!path.startsWith(mount)) return void response.writeHead(404).end();
    if (target === null) return void request.socket.destroy();
    if (forwarded) request.headers['x-forwarded-for'] = '192.0.2.1';
    passedOn(request, response, `${target}/${path.slice(mount.length)}`);
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

function passedOn(request: IncomingMessage, response: ServerResponse, url: string): void {
  const sent = requestTo(url, { method: request.method, headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  sent.on('error', () => response.destroy());
  response.on('close', () => sent.destroy());
  request.pipe(sent);
}
