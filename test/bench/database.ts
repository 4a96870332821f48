/** A durable PostgreSQL server of a benchmark, and the processor time that it and the routers take. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../support/postgres-server.js';
import type { Server } from './servers.js';

/** A server, and a connection to look at it. */
export interface Database {
  /** The row `store:` of routers. */
  readonly store: string;
  readonly url: string;
  /** The first row of the result. */
  query(text: string): Promise<Readonly<Record<string, number>>>;
  /** Processor time that it has taken so far, in seconds: that of all its processes. */
  processorSeconds(): number;
}

/** Of the routers. */
export const schema = 'bench';

export async function withDatabase<T>(use: (database: Database) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'switchhook-bench-postgres-'));
  const server = await startPostgres({ directory, isDurable: true });
  const client = new pg.Client({ connectionString: server.url });
  try {
    await client.connect();
    const query = async (text: string) => {
      const { rows } = await client.query(text);
      return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]));
    };
    const { pid = 0 } = await query('select pg_backend_pid() as pid');
    const postmaster = timesOf(pid)?.parent ?? 0;
    return await use({
      store: `{ use: postgres, url: "${server.url}", schema: ${schema} }`,
      url: server.url,
      query,
      processorSeconds: () => familySeconds(postmaster),
    });
  } finally {
    await client.end().catch(() => {});
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Processor time of routers so far, in seconds. */
export function processorSeconds(routers: readonly Server[]): number {
  return routers.reduce((sum, { pid }) => sum + (timesOf(pid ?? 0)?.own ?? 0), 0);
}

/** Of a process, those that it has started, and those of them that have ended. */
function familySeconds(pid: number): number {
  return readdirSync('/proc').reduce((sum, name) => {
    const times = timesOf(Number(name));
    if (times === null) return sum;
    if (Number(name) === pid) return sum + times.own + times.ended;
    return times.parent === pid ? sum + times.own : sum;
  }, 0);
}

/** Of the kernel's clock. */
const ticksPerSecond = 100;

/** What Linux accounts for a process; null where there is none. */
function timesOf(pid: number): { readonly parent: number; readonly own: number; readonly ended: number } | null {
  try {
    // The name, in brackets, may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
      .map(Number);
    const [, parent = 0, user = 0, system = 0, endedUser = 0, endedSystem = 0] = [0, 1, 11, 12, 13, 14].map(
      (place) => fields[place],
    );
    const seconds = (ticks: number): number => ticks / ticksPerSecond;
    return { parent, own: seconds(user + system), ended: seconds(endedUser + endedSystem) };
  } catch {
    return null;
  }
}
