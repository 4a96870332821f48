/** Connections to one database, shared and bounded. Whatever the server does, whoever uses one gets away in time. */
import { Socket } from 'node:net';
import { type Clock, isBusy, type Log } from '@switchhook/core/plugin';
import pg from 'pg';
import { failureOf } from './failure.js';
import { Slots } from './slots.js';
import { session } from './sql.js';

/** One connection, for the time it is lent. */
export type Connection = pg.ClientBase;

/** What is asked of the connections. */
export interface ConnectionSettings {
  readonly url: string;
  /** How many at most. */
  readonly connections: number;
  readonly statementTimeoutMs: number;
  readonly readOnly: boolean;
  /** How long to wait for a free connection at most; null = until the signal is aborted. */
  readonly maxWaitMs: number | null;
}

const connectTimeoutMs = 5_000;
/** Connecting takes several round trips, so connections are kept over quiet minutes. */
const idleMs = 300_000;
/** Shorter than what NAT and load balancers give a silent connection. */
const keepAliveMs = 10_000;

export class Connections {
  readonly #maxWaitMs: number | null;
  readonly #slots: Slots;
  readonly #pool: pg.Pool;
  readonly #sockets = new Set<Socket>();

  constructor(settings: ConnectionSettings, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    const firstQuery = { text: session(settings), query_timeout: connectTimeoutMs };
    this.#maxWaitMs = settings.maxWaitMs;
    this.#slots = new Slots(settings.connections, clock);
    this.#pool = new pg.Pool({
      connectionString: settings.url,
      max: settings.connections,
      connectionTimeoutMillis: connectTimeoutMs,
      idleTimeoutMillis: idleMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveMs,
      fallback_application_name: 'switchhook',
      stream: () => this.#socket(),
      onConnect: (connection) => connection.query(firstQuery).then(() => {}),
    });
    // A connection that dies while nobody uses it: the next one is made when it is needed.
    this.#pool.on('error', (error) => log.debug('postgres.disconnected', { reason: failureOf(error).message }));
    // One that dies in use fails its query, which says so; its event would end the process if nobody listened.
    this.#pool.on('connect', (connection) => connection.on('error', () => {}));
  }

  /**
   * Lends a connection. Throws a `DatabaseFailure`; once the signal is aborted, its reason: then the connection is cut,
   * whatever it is doing.
   */
  async use<T>(signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted();
      await this.#slots.enter(signal, this.#maxWaitMs);
      const connection = await this.#connect(signal);
      return await this.#lend(connection, () => unlessAborted(signal, work(connection)));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw isBusy(error) ? error : failureOf(error);
    }
  }

  /** Cuts what is left. */
  async close(): Promise<void> {
    const ended = this.#pool.end();
    for (const socket of this.#sockets) {
      if (socket.connecting) socket.destroy();
      else socket.destroySoon();
    }
    await ended;
  }

  /** On failure the slot is given back, but not before the attempt has ended: a server that hangs gets no more of them than there are slots. */
  async #connect(signal: AbortSignal): Promise<pg.PoolClient> {
    const connecting = this.#pool.connect();
    try {
      return await unlessAborted(signal, connecting);
    } catch (error) {
      const ended = connecting.then(
        (late) => late.release(),
        () => {},
      );
      void ended.finally(() => this.#slots.leave());
      throw error;
    }
  }

  async #lend<T>(connection: pg.PoolClient, work: () => Promise<T>): Promise<T> {
    try {
      const value = await work();
      connection.release();
      return value;
    } catch (error) {
      connection.release(!isHealthyAfter(error));
      throw error;
    } finally {
      this.#slots.leave();
    }
  }

  #socket(): Socket {
    const socket = new Socket();
    this.#sockets.add(socket);
    return socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** After an ordinary error of a statement (57014: it took too long) a connection is as good as before. A standby (25) stays one: better to look for the primary again. */
function isHealthyAfter(error: unknown): boolean {
  const { code } = failureOf(error);
  return code === '57014' || (code !== '' && !['08', '25', '57', '58', 'XX'].includes(code.slice(0, 2)));
}

function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
