/** A router for phones with all that it relies on, each a process of its own that can be taken away and brought back. */

import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type Running, run } from '../../plugins/sqlite/test/processes/processes.js';
import { type PulledDisk, pullDisk } from './disk.js';
import { callers, token } from './phones.js';
import { startPostgres } from './postgres-server.js';
import { lastingPort } from './processes.js';
import { secret } from './signing.js';
import type { Workplace } from './workplace.js';

/** Something that is pulled out, until it is put back. */
export interface Outage {
  /** The variable that nobody can know meanwhile. */
  readonly hides: Variable | null;
  pull(): Promise<void>;
  /** Resolves when it can be used again. */
  putBack(): Promise<void>;
}

export type Variable = 'first_name' | 'orders';

/** What is told to whom nothing is known of. */
export const defaults: Readonly<Record<Variable, string>> = { first_name: 'there', orders: 'none' };

/** What is known of this caller, and of no other. */
export function factsOf(from: string): Readonly<Record<Variable, string>> {
  return { first_name: `Caller ${from}`, orders: `orders of ${from}` };
}

/** What is told of a caller while nobody can know these variables. */
export function toldOf(from: string, hidden: ReadonlySet<Variable>): Readonly<Record<Variable, string>> {
  const facts = factsOf(from);
  const told = (name: Variable): string => (hidden.has(name) ? defaults : facts)[name];
  return { first_name: told('first_name'), orders: told('orders') };
}

const support = (file: string): URL => new URL(file, import.meta.url);

/** Path of the plugin that sets the pace of the phones. */
export const slowResolver = fileURLToPath(support('slow-resolver.ts'));

const yaml = (ports: { readonly router: number; readonly crm: number }, databaseUrl: string): string => `
version: 1
server: { host: 127.0.0.1, port: ${ports.router} }
store: { use: sqlite, path: ./switchhook.db }
plugins: [${slowResolver}]
sources:
  calls: { use: sigmamind.call, token: ${token} }
  agents: { use: sigmamind.events, secrets: [${secret}] }
resolvers:
  customer:
    use: postgres.lookup
    url: "${databaseUrl}"
    query: select first_name from customers where phone = $1
    params: ["\${{ call.from }}"]
    connections: 10
    breaker: { cooldown: 100ms }
  orders:
    use: http.lookup
    url: http://127.0.0.1:${ports.crm}/orders/\${{ call.from }}
    allowPrivate: true
    breaker: { cooldown: 100ms }
  pace: { use: slow, takes: 50ms }
answers:
  - name: sales-line
    from: calls
    within: 1s
    resolve: [customer, orders, pace]
    variables: { first_name: "\${{ customer.first_name }}", orders: "\${{ orders.open }}" }
    defaults: { first_name: ${defaults.first_name}, orders: ${defaults.orders} }
`;

/** Everything runs when this resolves. */
export async function outages(place: Workplace) {
  const ports = { database: await lastingPort(), crm: await lastingPort(), router: await lastingPort() };
  const startDatabase = () =>
    startPostgres({ directory: place.path('postgres'), port: ports.database, password: 'of-the-tests' });
  const startCrm = async (): Promise<Running> => {
    const running = run(support('crm.ts').href, String(ports.crm));
    await running.wrote(1);
    return running;
  };
  let database = await startDatabase();
  await nameCallers(database.url);
  let crm = await startCrm();
  const file = await place.write('switchhook.yaml', yaml(ports, database.url));
  let router = await place.start(file);
  let running = Promise.resolve(router.url);
  let disk: PulledDisk | null = null;

  const databaseKilled: Outage = {
    hides: 'first_name',
    pull: () => database.kill(),
    putBack: async () => {
      database = await startDatabase();
    },
  };
  const databaseHangs: Outage = {
    hides: 'first_name',
    pull: async () => database.pause(),
    putBack: async () => database.resume(),
  };
  const crmKilled: Outage = {
    hides: 'orders',
    pull: () => crm.kill(),
    putBack: async () => {
      crm = await startCrm();
    },
  };
  const crmHangs: Outage = {
    hides: 'orders',
    pull: async () => void crm.process.kill('SIGSTOP'),
    putBack: async () => void crm.process.kill('SIGCONT'),
  };
  const diskFull: Outage = {
    hides: null,
    pull: async () => {
      disk = await pullDisk(Number(router.process.pid), place.path('switchhook.db'));
    },
    putBack: async () => {
      await disk?.putBack();
      disk = null;
    },
  };
  return {
    databaseKilled,
    databaseHangs,
    crmKilled,
    crmHangs,
    diskFull,
    /** Where the router runs, once it does; another promise for each of its runs. */
    router: () => running,
    /** SIGKILL, and a new one at the same port. */
    killRouter: async () => {
      const restarted = async (): Promise<string> => {
        await router.kill();
        router = await place.start(file);
        return router.url;
      };
      running = restarted();
      await running;
    },
    /** SIGTERM for the router; its exit code. */
    stopRouter: () => router.stop(),
    close: async () => {
      await diskFull.putBack();
      await Promise.all([database.kill(), crm.kill()]);
    },
  };
}

/** Every caller has a name of its own, which is on disk when this resolves. */
async function nameCallers(url: string): Promise<void> {
  const connection = new pg.Client({ connectionString: url });
  await connection.connect();
  await connection.query('create table customers (phone text primary key, first_name text)');
  await connection.query("insert into customers select n, 'Caller ' || n from unnest($1::text[]) n", [callers]);
  await connection.query('checkpoint');
  await connection.end();
}
