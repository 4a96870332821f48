/** A load balancer as one would put in front of several routers: in turn, and the next one where the first does not answer. */
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface LoadBalancer {
  readonly url: string;
  /** Names and addresses of the routers from now on. */
  setRouters(routers: ReadonlyMap<string, string>): void;
  /** Name of the router that works on a request whose path begins so; null where none does. */
  workingOn(path: string): string | null;
  /** Requests that were sent to a second router, because the first was gone before it had answered. */
  readonly repeated: number;
  close(): Promise<void>;
}

/** Each response says in `x-router` which router it is from. */
export async function loadBalancer(): Promise<LoadBalancer> {
  const agent = new Agent({ keepAlive: true });
  let routers: readonly (readonly [name: string, url: string])[] = [];
  let turn = 0;
  let repeated = 0;
  const working = new Set<{ readonly path: string; readonly name: string }>();
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming);
    turn += 1;
    for (const [name, url] of [...routers.slice(turn % routers.length), ...routers.slice(0, turn % routers.length)]) {
      const work = { path: incoming.url ?? '', name };
      working.add(work);
      const answered = await forward(agent, url, incoming, body).catch(() => null);
      working.delete(work);
      if (answered !== null && answered.status !== 503) return reply(outgoing, name, answered);
      repeated += 1;
    }
    outgoing.writeHead(502).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setRouters: (now) => {
      routers = [...now];
    },
    workingOn: (path) => [...working].find((work) => work.path.startsWith(path))?.name ?? null,
    get repeated() {
      return repeated;
    },
    close: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function forward(agent: Agent, url: string, incoming: IncomingMessage, body: Buffer): Promise<Answered> {
  const { method = 'GET', headers, url: path = '/' } = incoming;
  const outgoing = request(`${url}${path}`, { method, headers, agent });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 502, headers: response.headers, body: await buffer(response) };
}

function reply(outgoing: ServerResponse, router: string, { status, headers, body }: Answered): void {
  const { connection: _, 'transfer-encoding': __, ...kept } = headers;
  outgoing.writeHead(status, { ...kept, 'x-router': router }).end(body);
}
