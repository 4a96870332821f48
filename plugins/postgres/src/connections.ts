/** Connections to one database, shared and bounded. Whatever the server does, every user is released in time. */

import { Socket } from 'node:net';
import { Clock, isBusy, Log, provide } from '@switchhook/sdk';
import pg from 'pg';
import { failureOf, isHealthyAfter } from './failure.js';
import { Slots } from './semaphore.js';
import { ping, type Session, session, statementTimeout } from './sql.js';

/** One connection, for the time it is lent. */
export type Connection = pg.ClientBase;

/** How one component uses the connections it shares with others. */
export interface ConnectionSettings {
  /** How many it uses at most. */
  readonly connections: number;
  /** When the server ends a statement that has no limit of its own. */
  readonly statementTimeoutMs: number;
  readonly readOnly: boolean;
}

const connectTimeoutMs = 5_000;
/** Enough for a rush of short queries; longer, and none is free because the database is slow. */
const longestWaitMs = 250;
/** The statement timeout changes in such steps, so that calls with about the same time left need not set it anew. */
const limitStepMs = 50;
/** A server that has not ended a statement so long after its limit hangs, or cannot be reached any more. */
const graceMs = 1_000;
/** An idle connection that works answers within this time. Calls may wait for it. */
const proofMs = 250;
/** Connecting takes several round trips, so connections are kept over quiet minutes. */
const idleMs = 300_000;
/** Shorter than what NAT and load balancers give a silent connection. */
const keepAliveMs = 10_000;
/** The settings of a new connection, until the first component that uses it changes them. */
const firstSession: Session = { statementTimeoutMs: 60_000, readOnly: false };

/**
 * Lets each idle connection of a pool prove that it works, after another one broke or did not reply: a network that goes silent
 * takes all of them. Until then they are not lent; those that do not answer are destroyed. None is lost while the server answers.
 */
export async function proveIdle(pool: pg.Pool, clock: Clock): Promise<void> {
  const proofs = Array.from({ length: pool.idleCount - pool.waitingCount }, async () => {
    const connection = await pool.connect();
    const isAlive = await new Promise<boolean>((resolve) => {
      const cancel = clock.after(proofMs, () => resolve(false));
      connection
        .query(ping)
        .then(
          () => resolve(true),
          () => resolve(false),
        )
        .finally(cancel);
    });
    connection.release(!isAlive);
  });
  await Promise.allSettled(proofs);
}

/** The connections to one database, shared by all components with its URL; as many as they may use together. */
export class DatabasePool {
  readonly #pool: pg.Pool;
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  /** What each connection is set to. */
  readonly #sessions = new WeakMap<Connection, Session>();

  constructor(url: string, connections: number, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    const firstQuery = { text: session(firstSession), query_timeout: connectTimeoutMs };
    this.#pool = new pg.Pool({
      connectionString: url,
      max: connections,
      connectionTimeoutMillis: connectTimeoutMs,
      idleTimeoutMillis: idleMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveMs,
      fallback_application_name: 'switchhook',
      stream: () => this.#socket(),
      onConnect: async (connection) => {
        await connection.query(firstQuery);
        this.#sessions.set(connection, firstSession);
      },
    });
    // A connection that dies while idle: the next one is made when it is needed.
    this.#pool.on('error', (error) => log.debug('postgres.disconnected', { reason: failureOf(error).message }));
    // One that dies in use fails its query, which reports it; without a listener its event would end the process.
    this.#pool.on('connect', (connection) => connection.on('error', () => {}));
  }

  connect(): Promise<pg.PoolClient> {
    return this.#pool.connect();
  }

  /** To be called when a connection broke or did not reply in time. */
  proveIdle(): void {
    void proveIdle(this.#pool, this.#clock);
  }

  /** Sets a connection to what its next user needs, in one round trip, where it is not set so already. */
  async set(connection: Connection, wanted: Session): Promise<void> {
    const now = this.#sessions.get(connection);
    if (now?.statementTimeoutMs === wanted.statementTimeoutMs && now.readOnly === wanted.readOnly) return;
    // If it fails, it is unknown which of the two are set.
    this.#sessions.delete(connection);
    await connection.query(
      now?.readOnly === wanted.readOnly ? statementTimeout(wanted.statementTimeoutMs) : session(wanted),
    );
    this.#sessions.set(connection, wanted);
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

  #socket(): Socket {
    const socket = new Socket();
    this.#sockets.add(socket);
    return socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** The service: one pool for each URL. */
export const databasePool = provide(DatabasePool, {
  inject: { clock: Clock, log: Log },
  key: ({ url }) => String(url),
  create: (services, users) => {
    const connections = users.reduce((sum, user) => sum + Number(user.connections), 0);
    return new DatabasePool(String(users[0]?.url), connections, services);
  },
});

/** What one component uses of a pool: never more than its own share, whatever the others do. */
export class Connections {
  readonly #pool: DatabasePool;
  readonly #clock: Clock;
  readonly #settings: ConnectionSettings;
  readonly #slots: Slots;
  /** How to take back each connection that is lent. */
  readonly #lent = new Set<(isHealthy: boolean) => void>();

  constructor(settings: ConnectionSettings, { pool, clock }: { readonly pool: DatabasePool; readonly clock: Clock }) {
    this.#pool = pool;
    this.#clock = clock;
    this.#settings = settings;
    this.#slots = new Slots(settings.connections, clock);
  }

  /**
   * Lends a connection. With `leftMs` the server ends a statement when that time is over, and a full pool is `busy` to
   * a user that has waited for a quarter of it; without, a free connection is waited for until the signal is aborted. Throws a
   * `DatabaseFailure`; once the signal is aborted, its reason, at once: but the connection stays taken until its work has
   * ended, so that the server never works for more of us than there are connections.
   */
  async use<T>(
    signal: AbortSignal,
    work: (connection: Connection) => Promise<T>,
    leftMs: number | null = null,
  ): Promise<T> {
    const startedMs = this.#clock.elapsed();
    try {
      signal.throwIfAborted();
      await this.#slots.enter(signal, leftMs === null ? null : Math.min(longestWaitMs, leftMs / 4));
      const connection = await this.#connect(signal);
      const limitMs =
        leftMs === null ? this.#settings.statementTimeoutMs : inSteps(startedMs + leftMs - this.#clock.elapsed());
      return await unlessAborted(signal, this.#lend(connection, limitMs, signal, work));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw isBusy(error) ? error : failureOf(error);
    }
  }

  /** Cuts the connections that are still lent. The pool has others. */
  close(): void {
    for (const takeBack of this.#lent) takeBack(false);
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

  /** Settles with the work, and takes the connection back then. Cuts it if no user waits any more and the server does not end the work by itself. */
  async #lend<T>(
    connection: pg.PoolClient,
    limitMs: number,
    signal: AbortSignal,
    work: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const cutMs = this.#clock.elapsed() + limitMs + graceMs;
    let cancel = (): void => {};
    const onAbort = (): void => {
      this.#pool.proveIdle();
      cancel = this.#clock.after(cutMs - this.#clock.elapsed(), () => takeBack(false));
    };
    const takeBack = (isHealthy: boolean): void => {
      if (!this.#lent.delete(takeBack)) return;
      signal.removeEventListener('abort', onAbort);
      cancel();
      connection.release(!isHealthy);
      this.#slots.leave();
    };
    this.#lent.add(takeBack);
    signal.addEventListener('abort', onAbort);
    try {
      await this.#pool.set(connection, { statementTimeoutMs: limitMs, readOnly: this.#settings.readOnly });
      signal.throwIfAborted();
      const value = await work(connection);
      takeBack(true);
      return value;
    } catch (error) {
      const isHealthy = error === signal.reason || isHealthyAfter(error);
      if (!isHealthy) this.#pool.proveIdle();
      takeBack(isHealthy);
      throw error;
    }
  }
}

/** Never 0, with which the server would set no limit. */
function inSteps(leftMs: number): number {
  return Math.max(1, Math.ceil(leftMs / limitStepMs)) * limitStepMs;
}

function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
