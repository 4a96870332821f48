/** The connections of the store to its database: a pool that connects again after every outage, with growing pauses. */
import type { Clock, Log } from '@switchhook/sdk';
import pg from 'pg';
import { proveIdle } from '../connections.js';
import { DatabaseFailure, failureOf, isHealthyAfter } from '../failure.js';
import { isStandby, type Statement, transaction, useIndexes } from './sql-schema.js';

export interface DatabaseSettings {
  readonly url: string;
  readonly connections: number;
  /** Whether statements are prepared once per connection. */
  readonly prepare: boolean;
  /** Default: 30 s. */
  readonly replyTimeoutMs?: number;
  /** Whether a standby will do. Default: false. */
  readonly onlyReads?: boolean;
}

interface DatabaseServices {
  readonly clock: Clock;
  readonly log: Log;
}

/** A connection on loan. */
export interface Connection {
  run<R = object>(statement: Statement, values?: readonly unknown[]): Promise<readonly R[]>;
}

const connectTimeoutMs = 5_000;
/** A server that has not answered a statement after this time hangs, or cannot be reached any more. */
const usualReplyTimeoutMs = 30_000;
/** Shorter than what NAT and load balancers give a silent connection. */
const keepAliveMs = 10_000;
const idleMs = 60_000;
/** Between two tries to connect, while the server cannot be reached. */
const firstPauseMs = 50;
const longestPauseMs = 1_000;
/** Connections that broke while they were idle fail when they are used: as many as the pool has may have to be replaced. */
const mostTries = 4;
/** SQLSTATE of a connection that could not be made, so that nothing was sent. */
const notConnected = '08001';
const noReply = '08006';
const readOnly = '25006';
/** Nothing was sent or all was undone, or it cannot be known: broken and ended connections, a standby, conflicts of transactions. */
const repeatable = ['', '57P01', '57P02', '25006', '40001', '40P01'];

/** Times and numbers of events are within what a number can hold. */
export const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
};

/** Whether a statement that failed so may have been committed: its connection broke before the answer. */
export function mayBeCommitted({ code }: DatabaseFailure): boolean {
  return ['', noReply, '57P01', '57P02'].includes(code);
}

export class Database {
  readonly #pool: pg.Pool;
  readonly #prepare: boolean;
  readonly #services: DatabaseServices;
  #failures = 0;
  #refusal: { readonly error: DatabaseFailure; readonly untilMs: number } | null = null;

  constructor(settings: DatabaseSettings, services: DatabaseServices) {
    const { url, connections, prepare, replyTimeoutMs } = settings;
    this.#prepare = prepare;
    this.#services = services;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: connections,
      connectionTimeoutMillis: connectTimeoutMs,
      idleTimeoutMillis: idleMs,
      query_timeout: replyTimeoutMs ?? usualReplyTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveMs,
      fallback_application_name: 'switchhook',
      types,
      onConnect: (connection) => begin(connection, settings),
    });
    // A connection that breaks while idle: the next one is made when it is needed.
    this.#pool.on('error', (error) =>
      services.log.debug('postgres.disconnected', { reason: failureOf(error).message }),
    );
    // One that breaks in use fails its statement, which reports it; without a listener its event would end the process.
    this.#pool.on('connect', (connection) => connection.on('error', () => {}));
  }

  /** Runs one statement, which is a transaction of its own. */
  run<R = object>(statement: Statement, values: readonly unknown[] = []): Promise<readonly R[]> {
    return this.use((connection) => connection.run<R>(statement, values));
  }

  /**
   * Runs work that may be repeated: when the connection breaks, or the server ends one of two transactions that wait for each
   * other, it runs again on another connection. Its argument says whether an earlier run may have been committed.
   */
  async repeat<T>(work: (connection: Connection, isRepeated: boolean) => Promise<T>): Promise<T> {
    let lost: unknown = null;
    for (let tries = 1; ; tries += 1)
      try {
        return await this.use((connection) => work(connection, tries > 1));
      } catch (error) {
        const failure = failureOf(error);
        if (mayBeCommitted(failure)) lost ??= error;
        if (tries < mostTries && repeatable.includes(failure.code)) continue;
        // That no further try was possible does not say what became of an earlier one.
        throw failure.code === notConnected ? (lost ?? error) : error;
      }
  }

  /** Runs work in one transaction. */
  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.use((connection) => inTransaction(connection, work));
  }

  /** Lends a connection. Throws a `DatabaseFailure`, or what the work throws itself. */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    const run = async <R>({ name, text }: Statement, values: readonly unknown[] = []): Promise<readonly R[]> => {
      try {
        const query = { text, values: [...values], ...(this.#prepare && { name }) };
        const results = await (values.length === 0 ? client.query(text) : client.query(query));
        // Of several statements, the rows of the last one count.
        const { rows } = [results].flat().at(-1) ?? results;
        return rows;
      } catch (error) {
        const isTimeout = error instanceof Error && error.message === 'Query read timeout';
        throw isTimeout ? new DatabaseFailure('passing', 'the database does not reply', noReply) : failureOf(error);
      }
    };
    try {
      const value = await work({ run });
      client.release();
      return value;
    } catch (error) {
      const isBroken = error instanceof DatabaseFailure && !isHealthyAfter(error);
      if (isBroken) void proveIdle(this.#pool, this.#services.clock);
      client.release(isBroken);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  /** Refuses at once during the pause after a failure: thousands of senders must not connect at the same time. */
  async #connect(): Promise<pg.PoolClient> {
    const { clock } = this.#services;
    if (this.#refusal !== null && clock.elapsed() < this.#refusal.untilMs) throw this.#refusal.error;
    try {
      const client = await this.#pool.connect();
      this.#failures = 0;
      this.#refusal = null;
      return client;
    } catch (error) {
      const { kind, message, code } = failureOf(error);
      const failure = new DatabaseFailure(kind, `cannot connect: ${message}`, code === '' ? notConnected : code);
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#failures, 10));
      this.#failures += 1;
      this.#refusal = { error: failure, untilMs: clock.elapsed() + pauseMs };
      throw failure;
    }
  }
}

/** Sets a new connection up, in one round trip. A standby would answer what only reads, out of date, for as long as the connection is kept. */
async function begin(connection: pg.ClientBase, { prepare, onlyReads }: DatabaseSettings): Promise<void> {
  const results = await connection.query(prepare ? `${useIndexes}; ${isStandby}` : isStandby);
  const { rows } = [results].flat().at(-1) ?? results;
  if (rows[0]?.found === true && onlyReads !== true)
    throw new DatabaseFailure('passing', `the server is a standby, which accepts no writes (${readOnly})`, readOnly);
}

/** Runs work in one transaction of a connection. */
export async function inTransaction<T>(
  connection: Connection,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const send = (text: string) => connection.run({ name: text, text });
  await send(transaction.begin);
  try {
    const value = await work(connection);
    await send(transaction.commit);
    return value;
  } catch (error) {
    if (isHealthyAfter(error)) await send(transaction.rollback);
    throw error;
  }
}
