/** A real PostgreSQL for tests: one server per run, started when the first test wants it, and a schema of its own for each test. */

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { type PostgresServer, startPostgres } from './postgres-server.js';

export { type PostgresServer, type PostgresSettings, startPostgres } from './postgres-server.js';

/** An empty schema that nobody else uses. */
export interface TestDatabase {
  /** Whoever connects here finds the schema first, and makes its tables there. */
  readonly url: string;
  /** Looks from outside, over a connection of its own. */
  query(text: string, values?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Drops the schema. */
  close(): Promise<void>;
}

interface Running {
  readonly url: string;
  readonly server: PostgresServer | null;
}

let running: Promise<Running> | null = null;

/** A fresh schema in the run's server: the one `TEST_POSTGRES_URL` names, or else one of our own. */
export async function postgres(): Promise<TestDatabase> {
  running ??= start();
  const { url } = await running;
  const schema = `test_${randomBytes(6).toString('hex')}`;
  const own = new URL(url);
  own.searchParams.set('options', `-c search_path=${schema}`);
  const pool = new pg.Pool({ connectionString: own.href, max: 2 });
  // A test may end every connection of the server, this one included.
  pool.on('error', () => {});
  await pool.query(`create schema ${schema}`);
  return {
    url: own.href,
    query: async (text, values = []) => (await pool.query(text, [...values])).rows,
    close: async () => {
      await pool.query(`drop schema ${schema} cascade`);
      await pool.end();
    },
  };
}

/** Ends the run's server, if one was started. For the root hook. */
export async function stopPostgres(): Promise<void> {
  const { server } = (await running) ?? { server: null };
  running = null;
  await server?.stop();
}

async function start(): Promise<Running> {
  const given = process.env.TEST_POSTGRES_URL;
  if (given !== undefined && given !== '') return { url: given, server: null };
  const server = await startPostgres();
  return { url: server.url, server };
}
