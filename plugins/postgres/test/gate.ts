/** A door in front of a server: it can be open, shut (refuses and cuts everything), or held (takes connections and says nothing). */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Gate {
  /** The server's URL, through the gate. */
  readonly url: string;
  /** How many connections have come through so far. */
  readonly connections: number;
  become(how: 'open' | 'shut' | 'held'): Promise<void>;
  close(): Promise<void>;
}

export async function gate(url: string): Promise<Gate> {
  const target = new URL(url);
  const pairs = new Set<readonly [Socket, Socket]>();
  let state: 'open' | 'shut' | 'held' = 'open';
  let connections = 0;
  let server = createServer();

  const accept = (near: Socket): void => {
    connections += 1;
    const far = connect(Number(target.port || 5432), target.hostname);
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (bytes) => state === 'open' && to.write(bytes));
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    }
    near.once('close', () => pairs.delete(pair));
  };
  const listen = async (port: number): Promise<void> => {
    server = createServer(accept).listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const shut = async (): Promise<void> => {
    for (const [near, far] of pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
    server.close();
    await once(server, 'close');
  };

  await listen(0);
  const through = new URL(url);
  const { port } = server.address() as { readonly port: number };
  through.host = `127.0.0.1:${port}`;
  return {
    url: through.href,
    get connections() {
      return connections;
    },
    become: async (next) => {
      const before = state;
      state = next;
      if (next === 'shut' && before !== 'shut') await shut();
      if (next !== 'shut' && before === 'shut') await listen(port);
    },
    close: async () => {
      if (state !== 'shut') await shut();
    },
  };
}
