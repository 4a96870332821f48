/** A real HTTP server on loopback that records requests and answers as configured. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type JsonValue, parseJson } from '@switchhook/sdk';

/** One request that arrived. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  text(): string;
  json(): JsonValue;
}

/**
 * What to answer: a status, a status with headers and body, `hang` (never), `reset` (cut the connection), or the response's own
 * bytes, one per character, after which the connection is closed unless it is left open.
 */
export type Response =
  | number
  | 'hang'
  | 'reset'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | { readonly raw: string; readonly leaveOpen?: boolean };

/** A 200 whose connection is closed in the middle of its body. */
export const cutOffResponse: Response = { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"half":' };

/** Decides about each request; `index` counts from 0. */
export type Behaviour = (request: ReceivedRequest, index: number) => Response | Promise<Response>;

/** A running receiver. */
export interface Receiver {
  readonly url: string;
  /** All requests so far. */
  readonly requests: readonly ReceivedRequest[];
  /** Resolves with the first `count` requests, as soon as there are so many. */
  received(count: number): Promise<readonly ReceivedRequest[]>;
  /** Changes what is answered from now on. */
  answer(behaviour: Behaviour): void;
  /** Cuts all connections and stops listening. */
  close(): Promise<void>;
}

/** Starts a receiver on a free port of 127.0.0.1. Answers 200 by default. */
export async function receiver(behaviour: Behaviour = () => 200): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  let waiting: { readonly count: number; readonly resolve: (requests: readonly ReceivedRequest[]) => void }[] = [];
  let current = behaviour;

  const server = createServer(async (incoming, outgoing) => {
    const request = await readRequest(incoming);
    requests.push(request);
    for (const { count, resolve } of waiting) if (requests.length >= count) resolve(requests.slice(0, count));
    waiting = waiting.filter(({ count }) => requests.length < count);
    write(outgoing, await current(request, requests.length - 1));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // One that is not closed, because the setup of a test has thrown, keeps no process from ending.
  server.unref().on('connection', (socket) => socket.unref());

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    received: (count) =>
      new Promise((resolve) => {
        if (requests.length >= count) resolve(requests.slice(0, count));
        else waiting.push({ count, resolve });
      }),
    answer: (next) => {
      current = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readRequest(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers,
    body,
    text: () => body.toString('utf8'),
    json: () => parseJson(body.toString('utf8')),
  };
}

function write(outgoing: ServerResponse, response: Response): void {
  if (response === 'hang') return;
  if (response === 'reset') {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  if (typeof response === 'object' && 'raw' in response) {
    const bytes = Buffer.from(response.raw, 'latin1');
    if (response.leaveOpen === true) outgoing.socket?.write(bytes);
    else outgoing.socket?.end(bytes);
    return;
  }
  const { status, headers = {}, body = '' } = typeof response === 'number' ? { status: response } : response;
  outgoing.writeHead(status, headers).end(body);
}
