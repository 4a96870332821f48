/** A proxy between the routers of a crash test and their database, which breaks connections as a failing server or network does. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '@switchhook/sdk';

/**
 * `reset`: all connections end, new ones are made at once, as when backends are killed. `restart`: none can be made for a
 * while, either. `silence`: connections stay and new ones are made, but nothing gets through for a while; then all end.
 * `exhausted`: all connections end, and for a while the server has none to spare for new ones.
 */
export type Outage = 'reset' | 'restart' | 'silence' | 'exhausted';

const defaultPort = 5_432;

/** From "Message Formats" of the protocol: the request for TLS has this length and code; the reply N means that there is none. */
const tlsRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** What a server says whose `max_connections` are in use: an ErrorResponse with severity, code and message. */
const exhausted = ((): Buffer => {
  const fields = Buffer.from('SFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0\0');
  const head = Buffer.alloc(5, 'E');
  head.writeUInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, fields]);
})();

export class DatabaseGate {
  readonly #server: Server;
  readonly #clock: Clock;
  /** The ends of each connection: to the router, and to the database. */
  readonly #ends = new Set<Socket>();
  #isSilent = false;
  #isExhausted = false;

  private constructor(server: Server, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
  }

  /** Opens one to the database of a URL. Rejects where nothing listens there. */
  static async open(database: string, clock: Clock): Promise<DatabaseGate> {
    const { hostname, port } = new URL(database);
    const tried = connect(Number(port || defaultPort), hostname);
    await once(tried, 'connect');
    tried.destroy();
    const server = createServer();
    const gate = new DatabaseGate(server, clock);
    server.on('connection', (router: Socket) => {
      if (gate.#isExhausted) turnAway(router);
      else gate.#join(router, connect(Number(port || defaultPort), hostname));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return gate;
  }

  /** The URL of a database, with this gate in its place. */
  urlOf(database: string): string {
    const url = new URL(database);
    url.host = `127.0.0.1:${this.#port}`;
    return url.href;
  }

  /** Resolves when connections can be made and used again. */
  async breakDown(outage: Outage, ms: number): Promise<void> {
    switch (outage) {
      case 'reset':
        return this.#endAll();
      case 'restart': {
        const port = this.#port;
        this.#server.close();
        this.#endAll();
        await this.#pause(ms);
        this.#server.listen(port, '127.0.0.1');
        await once(this.#server, 'listening');
        return;
      }
      case 'silence':
        this.#isSilent = true;
        for (const end of this.#ends) end.unpipe();
        await this.#pause(ms);
        this.#isSilent = false;
        return this.#endAll();
      case 'exhausted':
        this.#isExhausted = true;
        this.#endAll();
        await this.#pause(ms);
        this.#isExhausted = false;
    }
  }

  async close(): Promise<void> {
    this.#endAll();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #join(router: Socket, database: Socket): void {
    for (const [end, other] of [
      [router, database],
      [database, router],
    ] as const) {
      this.#ends.add(end);
      // An error is followed by `close`.
      end
        .on('error', () => {})
        .on('close', () => {
          this.#ends.delete(end);
          other.destroy();
        });
      // What is not read stays where it is; a silence ends with the connection.
      if (!this.#isSilent) end.pipe(other);
    }
  }

  #endAll(): void {
    for (const end of this.#ends) end.resetAndDestroy();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }
}

/** Answers the first message of a connection as a server without a free one. */
function turnAway(router: Socket): void {
  router
    .on('error', () => {})
    .on('data', (message) => {
      if (message.equals(tlsRequest)) router.write('N');
      else router.end(exhausted);
    });
}
