/** A door in front of a server: it can be open, shut (refuses and cuts everything), held (takes connections and says nothing), or stuck (lets nothing through of what is sent until it is open again). */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

type State = 'open' | 'shut' | 'held' | 'stuck';

export interface Throttle {
  /** The server's URL, through the gate. */
  readonly url: string;
  /** How many connections have come through so far. */
  readonly connections: number;
  /** How often somebody has sent something through it, since it was made. */
  readonly sent: number;
  become(how: State): Promise<void>;
  /** Forgets the connections that are there: what is sent over them is dropped, or resets them. New ones work. */
  forget(then: 'drop' | 'reset'): void;
  close(): Promise<void>;
}

interface Watch {
  /** What does not come back. */
  readonly swallows?: (bytes: Buffer) => boolean;
  /** Called with all that is sent to the server, and the number of its connection. */
  readonly observe?: (bytes: Buffer, connection: number) => void;
}

export async function throttle(url: string, { swallows, observe }: Watch = {}): Promise<Throttle> {
  const target = new URL(url);
  const pairs = new Set<readonly [Socket, Socket]>();
  const forgotten = new Map<Socket, 'drop' | 'reset'>();
  let state: State = 'open';
  let connections = 0;
  let sent = 0;
  let server = createServer();

  const accept = (near: Socket): void => {
    connections += 1;
    const far = connect(Number(target.port || 5432), target.hostname);
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      const passes = (bytes: Buffer): boolean =>
        state === 'open' && !forgotten.has(near) && (from === near || swallows?.(bytes) !== true);
      from.on('data', (bytes: Buffer) => passes(bytes) && to.write(bytes));
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    }
    const number = connections;
    near.on('data', (bytes: Buffer) => {
      sent += 1;
      if (forgotten.get(near) === 'reset') near.resetAndDestroy();
      observe?.(bytes, number);
    });
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
    get sent() {
      return sent;
    },
    become: async (next) => {
      const before = state;
      state = next;
      for (const [near] of pairs)
        if (next === 'stuck') near.pause();
        else near.resume();
      if (next === 'shut' && before !== 'shut') await shut();
      if (next !== 'shut' && before === 'shut') await listen(port);
    },
    forget: (then) => {
      for (const [near] of pairs) forgotten.set(near, then);
    },
    close: async () => {
      if (state !== 'shut') await shut();
    },
  };
}
