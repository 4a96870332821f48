/** Attacks from outside while phones ring: how long calls wait for their answers, against the same router at rest. */
import { throttle } from '../../plugins/postgres/test/gate.js';
import { attackedSources, attacks, startAttack } from '../support/attacks.js';
import { startPostgres } from '../support/postgres-server.js';
import { type Row, ratioRow, type Size } from './measuring.js';
import { inDirectory, measure, type Server, secret, startRouter } from './servers.js';

/** The default of an answer: what comes later holds its defaults. */
const withinMs = 3_000;
/** Of the look-up in a database. */
const lookupMs = 500;

const deliveries = `
destinations: { console: { use: log, level: debug } }
routes: [{ from: agents, to: console }]
`;
const answers = `
answers: [{ from: calls, resolve: [customer], variables: { first_name: "\${{ customer.first_name }}" } }]
`;
const fixed = 'resolvers: { customer: { use: static, values: { first_name: Jane } } }';
const lookup = (url: string): string =>
  `resolvers: { customer: { use: postgres.lookup, url: "${url}", query: "select 'Jane' as first_name", timeout: ${lookupMs}ms } }`;

/** An attack under way. */
interface Running {
  /** What is known of it, for the report. */
  readonly report: string;
  stop(): Promise<void>;
}

/** Each attack on a router of its own; 50 calls a second from 8 connections, for ten seconds and for a minute. */
export async function attack({ rounds }: Size): Promise<Row[]> {
  const calls = rounds === 1 ? 500 : 3_000;
  const found: Row[] = [];
  for (const name of attacks)
    found.push(
      await ringingUnder(name, calls, fixed, async ({ port }) => {
        const running = await startAttack(name, port);
        return {
          get report() {
            const replies = Object.entries(running.statuses).map(([status, count]) => `${count} × ${status}`);
            return `replies to the attacker: ${replies.join(', ') || 'none read'}`;
          },
          stop: () => running.stop(),
        };
      }),
    );
  return [...found, await silentNetwork(calls)];
}

/** Every two seconds the network forgets all connections to the database, and new ones work. */
async function silentNetwork(calls: number): Promise<Row> {
  const database = await startPostgres();
  const door = await throttle(database.url);
  const row = await ringingUnder('silent-network', calls, lookup(door.url), async () => {
    let times = 0;
    const timer = setInterval(() => {
      times += 1;
      door.forget('drop');
    }, 2_000);
    return {
      get report() {
        return `forgotten ${times} times`;
      },
      stop: async () => clearInterval(timer),
    };
  });
  await door.close();
  await database.stop();
  return row;
}

async function ringingUnder(
  name: string,
  calls: number,
  resolvers: string,
  start: (server: Server) => Promise<Running>,
): Promise<Row> {
  return inDirectory(async (directory) => {
    const server = await startRouter(directory, `${attackedSources}${deliveries}${resolvers}${answers}`);
    const path = '/hooks/calls/token-of-the-tests';
    const load = { port: server.port, path, secret, body: 'call', connections: 8, label: name } as const;
    await measure({ ...load, requests: 1_000, perSecond: 500 });
    const idle = await measure({ ...load, firstCall: 1_000, requests: calls, perSecond: 50 });
    const running = await start(server);
    const busy = await measure({ ...load, firstCall: 1_000 + calls, requests: calls, perSecond: 50 });
    const { report } = running;
    await running.stop();
    const memoryMb = Math.round(server.residentMb());
    await server.stop();
    const inTime = busy.replies.filter(({ status, ms }) => status === 200 && ms < withinMs);
    const slowestMs = Math.round(Math.max(...busy.replies.map(({ ms }) => ms)));
    const what = `p99 of an answered call under the attack ${name} ÷ idle, ms`;
    const row = ratioRow(`attack ${name}`, what, '', busy.p99, idle.p99, 1);
    const share = `answered in time: ${((100 * inTime.length) / calls).toFixed(2)} %, the last after ${slowestMs} ms`;
    return { ...row, figures: `${row.figures}; ${share}; ${memoryMb} MB; ${report}` };
  });
}
