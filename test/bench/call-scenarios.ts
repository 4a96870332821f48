/** The scenarios of a ringing phone. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withDatabase } from './database.js';
import type { Load } from './load.js';
import { median, type Row, ratioRow, repeated, type Size } from './measuring.js';
import { eventsPath, source } from './scenarios.js';
import { inDirectory, measure, type Server, secret, startReceiver, startRouter } from './servers.js';

const callPath = '/hooks/calls/token-of-the-benchmark';

/** Rows that answer calls from a table of callers, which is written into the directory. */
async function answering(directory: string, callers = 10_000): Promise<string> {
  await writeTable(directory, callers);
  return `${source}
  calls: { use: sigmamind.call, token: token-of-the-benchmark }
resolvers:
  customer: { use: table.lookup, file: ./customers.csv }
answers:
  - { from: calls, resolve: [customer], variables: { first_name: "\${{ customer.first_name }}" } }
`;
}

/** What comes in and is delivered beside the phones, and how many senders of calls there are. */
interface Beside {
  readonly label: string;
  readonly perSecond: number;
  readonly connections: number;
  readonly callConnections: number;
  /** The row `store:`. Default: SQLite. */
  readonly store?: string;
}

const callsPerSecond = 200;

/** Phones on an idle router, and then beside events. */
async function ringingBeside(calls: number, { label, perSecond, connections, callConnections, store }: Beside) {
  return inDirectory(async (directory) => {
    const receiver = await startReceiver();
    const server = await startRouter(
      directory,
      `${await answering(directory)}
destinations:
  crm: { use: http.post, url: "http://127.0.0.1:${receiver.port}/" }
routes:
  - { from: agents, to: crm }
`,
      { store },
    );
    const calling: Load = {
      port: server.port,
      path: callPath,
      secret,
      body: 'call',
      requests: calls,
      connections: callConnections,
      perSecond: callsPerSecond,
      label: `ring-${label}`,
    };
    await measure({ ...calling, requests: 1_000, perSecond: 1_000 });
    // A call that is asked about again has its answer already: each run is about other calls.
    const idle = await measure({ ...calling, firstCall: 1_000 });
    const seconds = Math.ceil(calls / callsPerSecond) + 8;
    const flowing = measure({
      port: server.port,
      path: eventsPath,
      secret,
      requests: seconds * perSecond,
      connections,
      perSecond,
      label: `beside-${label}`,
    });
    // Once they have come for a while: making and signing them takes the machine for seconds, and the router has to warm up.
    while (!((await metric(server, 'events_received_total', 'result="routed"')) >= 3 * perSecond)) await pause();
    const busy = await measure({ ...calling, firstCall: 1_000 + calls });
    const events = await flowing;
    await server.stop();
    await receiver.stop();
    return { idle, busy, events };
  });
}

type Beheld = Awaited<ReturnType<typeof ringingBeside>>;

function besideRow(id: string, events: string, setTarget: string, runs: readonly Beheld[]): Row {
  const of = (which: 'idle' | 'busy', key: 'p50' | 'p99') => median(runs.map((run) => run[which][key]));
  const what = `p99 of an answered call under ${events} ÷ idle, ms`;
  const row = ratioRow(id, what, setTarget, of('busy', 'p99'), of('idle', 'p99'), 1);
  return {
    ...row,
    figures: `${row.figures} (p50 ${of('busy', 'p50').toFixed(1)} ÷ ${of('idle', 'p50').toFixed(1)})`,
  };
}

/** A ringing phone while 1,000 events/s come in and are delivered, against one on an idle router. */
export async function ring({ rounds, requests }: Size): Promise<Row[]> {
  const beside = { perSecond: 1_000, connections: 32, callConnections: 4 };
  const calls = Math.min(requests, 3_000);
  const runs = await repeated(rounds, (round) => ringingBeside(calls, { ...beside, label: `ring-${round}` }));
  return [besideRow('ring', '1,000 events/s', '≤ 3', runs)];
}

/** The same with the store of several routers, which also keeps the answers of calls. */
export async function pgRing({ rounds, requests }: Size): Promise<Row[]> {
  const calls = Math.min(requests, 3_000);
  const runs = await repeated(rounds, (round) =>
    withDatabase(({ store }) =>
      ringingBeside(calls, { perSecond: 500, connections: 32, callConnections: 4, label: `pg-ring-${round}`, store }),
    ),
  );
  return [besideRow('pg ring', '500 events/s with PostgreSQL', '≤ 3', runs)];
}

/** The default of an answer. */
const withinMs = 3_000;

/** The same while more events are offered than the router takes: more senders than may wait for a commit. */
export async function flood({ rounds, requests }: Size): Promise<Row[]> {
  const beside = { perSecond: 10_000, connections: 2_500, callConnections: 64 };
  const calls = Math.min(requests, 1_000);
  const runs = await repeated(rounds, (round) => ringingBeside(calls, { ...beside, label: `flood-${round}` }));
  const eventsPerSecond = (isCounted: (status: string) => boolean): string => {
    const rates = runs.map(({ events: { statuses, seconds } }) => {
      const counted = Object.entries(statuses).filter(([status]) => isCounted(status));
      return counted.reduce((sum, [, count]) => sum + count, 0) / seconds;
    });
    return Math.round(median(rates)).toLocaleString('en');
  };
  const answers = runs.flatMap(({ busy }) => busy.replies);
  const slowest = Math.max(...answers.map(({ ms }) => ms));
  const inTime = answers.filter(({ status, ms }) => status === 200 && ms < withinMs);
  const row = besideRow('flood', '10,000 offered events/s', '', runs);
  const events = `events/s: ${eventsPerSecond((status) => status === '200')} taken, ${eventsPerSecond((status) => status !== '200')} refused`;
  const share = `answered before \`within\`: ${((100 * inTime.length) / answers.length).toFixed(2)} %, the last after ${(slowest / 1_000).toFixed(1)} s`;
  return [{ ...row, figures: `${row.figures}; ${share}; ${events}` }];
}

/** A call is remembered for 40 s, in case it is asked about again: memory can only be flat after that. */
const soakCallsPerSecond = 1_000;
/** In a large heap, garbage that nobody has swept yet hides what is kept. */
const soakHeapMb = 96;

/** Phones that ring for hours: a router after many calls, against the same one after half of them. */
export async function soak({ calls }: Size): Promise<Row[]> {
  const residentMb = await inDirectory(async (directory) => {
    const server = await startRouter(directory, await answering(directory), { heapMb: soakHeapMb });
    const rung = async (firstCall: number): Promise<number> => {
      const requests = calls / 2;
      const load = { port: server.port, path: callPath, secret, body: 'call', connections: 16 } as const;
      const { statuses } = await measure({
        ...load,
        firstCall,
        requests,
        perSecond: soakCallsPerSecond,
        label: 'soak',
      });
      if (statuses['200'] !== requests) throw new Error(`not all were answered: ${JSON.stringify(statuses)}`);
      return server.residentMb();
    };
    const early = await rung(0);
    const late = await rung(calls / 2);
    await server.stop();
    return { early, late };
  });
  const [half, all] = [calls / 2, calls].map((count) => count.toLocaleString('en'));
  const what = `resident after ${all} calls, ${soakCallsPerSecond.toLocaleString('en')} a second, ÷ after ${half}, with ${soakHeapMb} MB of heap, MB`;
  return [ratioRow('soak', what, '≤ 1.1', residentMb.late, residentMb.early)];
}

/** Calls ring while a table of a million rows is read anew: how large the router gets, and how long a look-up takes. */
export async function table({ rows }: Size): Promise<Row[]> {
  const found = await inDirectory(async (directory) => {
    const server = await startRouter(directory, await answering(directory, rows));
    const restMb = server.residentMb();
    const load = { port: server.port, path: callPath, secret, body: 'call', connections: 4, label: 'table' } as const;
    const inboundCall = measure({ ...load, requests: 3_000, perSecond: 300 });
    await writeTable(directory, rows + 1);
    let peakMb = restMb;
    while ((await metric(server, 'table_rows')) <= rows) {
      peakMb = Math.max(peakMb, server.residentMb());
      await pause();
    }
    const { statuses } = await inboundCall;
    if (statuses['200'] !== 3_000) throw new Error(`not all were answered: ${JSON.stringify(statuses)}`);
    const lookupMs =
      (1_000 * (await metric(server, 'resolver_seconds_sum'))) / (await metric(server, 'resolver_seconds_count'));
    await server.stop();
    return { restMb, peakMb, lookupMs };
  });
  const count = rows.toLocaleString('en');
  return [
    {
      id: 'table',
      what: `resident at most while ${count} rows are read anew, MB`,
      figures: `at rest ${Math.round(found.restMb)}`,
      ratio: found.peakMb,
      setTarget: '≤ 300',
    },
    {
      id: 'look-up',
      what: `look-up among ${count} rows meanwhile, mean, ms`,
      figures: '',
      ratio: found.lookupMs,
      setTarget: '≤ 1',
    },
  ];
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

async function writeTable(directory: string, rows: number): Promise<void> {
  const callers = Array.from(
    { length: rows },
    (_, index) => `+1202${String(5_550_000 + index).padStart(7, '0')},Caller ${index}`,
  );
  await writeFile(join(directory, 'customers.csv'), `phone,first_name\n${callers.join('\n')}\n`);
}

/** The first value of a metric of the router, with this label; NaN where there is none. */
async function metric({ port }: Server, name: string, label = ''): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^switchhook_${name}\\{.*${label}.*\\} (.*)$`, 'm').exec(text)?.[1]);
}
