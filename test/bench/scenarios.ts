/** The scenarios: each measures two things in one run and gives their ratio. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filledStore } from './backlog.js';
import type { Load, Measured } from './load.js';
import {
  inDirectory,
  measure,
  receivedBy,
  type Server,
  secret,
  startBareKoa,
  startReceiver,
  startRouter,
} from './servers.js';

/** One line of the report. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly figures: string;
  readonly ratio: number;
  readonly aim: string;
}

/** How much to do. */
export interface Size {
  readonly rounds: number;
  readonly requests: number;
  readonly backlog: number;
  readonly calls: number;
}

const path = '/hooks/agents';
const connections = 64;
const source = `
log: { level: warn }
plugins: [${fileURLToPath(new URL('./holding-plugin.js', import.meta.url))}]
sources:
  agents:
    use: sigmamind.events
    secrets: [${secret}]
    signature: { header: X-Signature, algorithm: sha256, encoding: hex }
`;
/** Two destinations that hold what they get: nothing is delivered while ingest is measured. */
const holding = `${source}
destinations:
  one: { use: holding, timeout: 1h }
  two: { use: holding, timeout: 1h }
`;
const twoDeliveries = `${holding}
routes:
  - { from: agents, to: [one, two] }
`;

const callPath = '/hooks/calls/token-of-the-benchmark';

/** Rows that answer calls from a table of ten thousand callers, which is written into the directory. */
async function answering(directory: string): Promise<string> {
  const callers = Array.from(
    { length: 10_000 },
    (_, index) => `+1202555${String(index).padStart(4, '0')},Caller ${index}`,
  );
  await writeFile(join(directory, 'customers.csv'), `phone,first_name\n${callers.join('\n')}\n`);
  return `${source}
  calls: { use: sigmamind.call, token: token-of-the-benchmark }
resolvers:
  customer: { use: table.lookup, file: ./customers.csv }
answers:
  - { from: calls, resolve: [customer], variables: { first_name: "\${{ customer.first_name }}" } }
`;
}

/** Durable ingest against a bare Koa with the same body reader and HMAC. */
export async function ingest({ rounds, requests }: Size): Promise<Row[]> {
  const pairs = await repeated(rounds, async (round) => ({
    bare: await loaded(await startBareKoa(), { path: '/', requests, label: `bare-${round}` }),
    durable: await inDirectory(async (directory) =>
      loaded(await startRouter(directory, twoDeliveries), { path, requests, label: `durable-${round}` }),
    ),
  }));
  const p99 = (which: 'bare' | 'durable') => median(pairs.map((pair) => pair[which].p99));
  return [
    perSecondRow(
      'ingest',
      'durable ingest ÷ bare Koa, events/s',
      '≥ 0.60',
      pairs.map(({ durable, bare }) => [durable.perSecond, bare.perSecond]),
    ),
    ratioRow('ingest p99', 'p99 of durable ingest ÷ of bare Koa, ms', '≤ 1', p99('durable'), p99('bare'), 1),
  ];
}

/** Events per second from the first request until the receiver has them all. */
export async function delivered(
  start: (receiver: Server) => Promise<Server>,
  at: string,
  label: string,
  requests: number,
): Promise<number> {
  const receiver = await startReceiver();
  const server = await start(receiver);
  const load = { port: server.port, path: at, secret, connections };
  await measure({ ...load, requests: 2_000, label: `${label}-warm` });
  await arrived(receiver, 2_000);
  const startedAt = performance.now();
  await measure({ ...load, requests, label });
  await arrived(receiver, 2_000 + requests);
  const perSecond = requests / ((performance.now() - startedAt) / 1_000);
  await server.stop();
  await receiver.stop();
  return perSecond;
}

/** Rows that pass every event on to a receiver. */
export function forwarding({ port }: Server): string {
  return `${source}
destinations:
  crm: { use: http.post, url: "http://127.0.0.1:${port}/", concurrency: 64 }
routes:
  - { from: agents, to: crm }
`;
}

/** From request to delivered, against a Koa that passes each body on before it replies. */
export async function whole({ rounds, requests }: Size): Promise<Row[]> {
  const pairs = await repeated(rounds, async (round): Promise<Pair> => {
    const bare = await delivered(
      ({ port }) => startBareKoa(`http://127.0.0.1:${port}/`),
      '/',
      `proxy-${round}`,
      requests,
    );
    const kept = await inDirectory((directory) =>
      delivered((receiver) => startRouter(directory, forwarding(receiver)), path, `whole-${round}`, requests),
    );
    return [kept, bare];
  });
  return [perSecondRow('whole', 'verify, store, http.post, settle ÷ a bare Koa proxy, events/s', '≥ 0.50', pairs)];
}

/** A thousand routes against ten. */
export async function routes({ rounds, requests }: Size): Promise<Row[]> {
  const many = (count: number): string =>
    `${holding}\nroutes:\n  - { from: agents, to: [one, two] }\n${Array.from(
      { length: count - 1 },
      (_, index) => `  - { from: agents, on: type_${index}, where: 'event.agent == "agent_${index}"', to: one }`,
    ).join('\n')}\n`;
  const pairs = await repeated(rounds, async (round): Promise<Pair> => {
    const with10 = await inDirectory(async (directory) =>
      loaded(await startRouter(directory, many(10)), { path, requests, label: `few-${round}` }),
    );
    const with1000 = await inDirectory(async (directory) =>
      loaded(await startRouter(directory, many(1_000)), { path, requests, label: `many-${round}` }),
    );
    return [with1000.perSecond, with10.perSecond];
  });
  return [perSecondRow('routes', 'ingest with 1,000 routes ÷ with 10, events/s', '≥ 0.80', pairs)];
}

/** A destination beside one that hangs, against the same alone. */
export async function neighbour({ rounds, requests }: Size): Promise<Row[]> {
  const healthy = async (directory: string, hanging: boolean, label: string): Promise<number> => {
    const receiver = await startReceiver();
    const server = await startRouter(
      directory,
      `${source}
destinations:
  well: { use: http.post, url: "http://127.0.0.1:${receiver.port}/", concurrency: 64 }
${hanging ? '  hanging: { use: holding, timeout: 10s }\n' : ''}
routes:
  - { from: agents, to: [well${hanging ? ', hanging' : ''}] }
`,
    );
    const startedAt = performance.now();
    await measure({ port: server.port, path, secret, connections, requests, label });
    await arrived(receiver, requests);
    const perSecond = requests / ((performance.now() - startedAt) / 1_000);
    await server.stop();
    await receiver.stop();
    return perSecond;
  };
  const pairs = await repeated(rounds, async (round): Promise<Pair> => {
    const alone = await inDirectory((directory) => healthy(directory, false, `alone-${round}`));
    const beside = await inDirectory((directory) => healthy(directory, true, `beside-${round}`));
    return [beside, alone];
  });
  return [perSecondRow('neighbour', 'a healthy destination beside a hanging one ÷ alone, events/s', '≥ 0.90', pairs)];
}

/** A store with a million waiting deliveries, against an empty one: ingest, memory and start. */
export async function backlog({ requests, backlog: waiting }: Size): Promise<Row[]> {
  const measured = async (directory: string) => {
    const server = await startRouter(directory, twoDeliveries);
    const { perSecond } = await loaded(server, { path, requests, label: `backlog-${directory}` }, async () => {});
    const residentMb = server.residentMb();
    await server.stop();
    return { perSecond, residentMb, readyMs: server.readyMs };
  };
  const empty = await inDirectory(measured);
  const full = await inDirectory(async (directory) => {
    await filledStore(join(directory, 'bench.db'), waiting);
    return measured(directory);
  });
  const count = waiting.toLocaleString('en');
  return [
    ratioRow(
      'backlog',
      `ingest with ${count} waiting ÷ with none, events/s`,
      '≥ 0.80',
      full.perSecond,
      empty.perSecond,
    ),
    {
      id: 'backlog memory',
      what: `resident with ${count} waiting, over one without, MB`,
      figures: `${Math.round(full.residentMb)} − ${Math.round(empty.residentMb)}`,
      ratio: full.residentMb - empty.residentMb,
      aim: '≤ 150',
    },
    ratioRow('start', `from start to ready with ${count} waiting ÷ with none, ms`, '≤ 2', full.readyMs, empty.readyMs),
  ];
}

/** A ringing phone while 1,000 events/s come in and are delivered, against one on an idle router. */
export async function ring({ rounds, requests }: Size): Promise<Row[]> {
  const calls = Math.min(requests, 3_000);
  const pairs = await repeated(rounds, (round) =>
    inDirectory(async (directory) => {
      const receiver = await startReceiver();
      const server = await startRouter(
        directory,
        `${await answering(directory)}
destinations:
  crm: { use: http.post, url: "http://127.0.0.1:${receiver.port}/" }
routes:
  - { from: agents, to: crm }
`,
      );
      const calling: Load = {
        port: server.port,
        path: callPath,
        secret,
        body: 'call',
        requests: calls,
        connections: 4,
        perSecond: 200,
        label: `ring-${round}`,
      };
      await measure({ ...calling, requests: 1_000, perSecond: 1_000 });
      // A call that is asked about again has its answer already: each run is about other calls.
      const idle = await measure({ ...calling, firstCall: 1_000 });
      const seconds = Math.ceil(calls / 200) + 4;
      const events = measure({
        port: server.port,
        path,
        secret,
        requests: seconds * 1_000,
        connections: 32,
        perSecond: 1_000,
        label: `beside-${round}`,
      });
      // Once they come: making and signing them takes the machine for a second.
      await arrived(receiver, 1_000);
      const busy = await measure({ ...calling, firstCall: 1_000 + calls });
      await events;
      await server.stop();
      await receiver.stop();
      return { idle, busy };
    }),
  );
  const of = (which: 'idle' | 'busy', key: 'p50' | 'p99') => median(pairs.map((pair) => pair[which][key]));
  const row = ratioRow(
    'ring',
    'p99 of an answered call under 1,000 events/s ÷ idle, ms',
    '≤ 3',
    of('busy', 'p99'),
    of('idle', 'p99'),
    1,
  );
  return [
    { ...row, figures: `${row.figures} (p50 ${of('busy', 'p50').toFixed(1)} ÷ ${of('idle', 'p50').toFixed(1)})` },
  ];
}

/** A call is remembered for 40 s, in case it is asked about again: memory can only be flat after that. */
const soakCallsPerSecond = 1_000;

/** Phones that ring for hours: a router after many calls, against the same one after half of them. */
export async function soak({ calls }: Size): Promise<Row[]> {
  const residentMb = await inDirectory(async (directory) => {
    const server = await startRouter(directory, await answering(directory));
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
  const what = `resident after ${all} calls, ${soakCallsPerSecond.toLocaleString('en')} a second ÷ after ${half}, MB`;
  return [ratioRow('soak', what, '≤ 1.1', residentMb.late, residentMb.early)];
}

/** How soon a router is ready, and how large it is then. */
export async function idle(): Promise<Row[]> {
  const server = await inDirectory(async (directory) => {
    const started = await startRouter(directory, twoDeliveries);
    const residentMb = started.residentMb();
    await started.stop();
    return { readyMs: started.readyMs, residentMb };
  });
  return [
    { id: 'ready', what: 'from start to ready, s', figures: '', ratio: server.readyMs / 1_000, aim: 'about 1' },
    {
      id: 'idle',
      what: 'resident memory of an idle router, MB',
      figures: '',
      ratio: server.residentMb,
      aim: 'about 120',
    },
  ];
}

/** What was measured, and what it is compared with. */
type Pair = readonly [measured: number, compared: number];

async function loaded(
  server: Server,
  load: Pick<Load, 'path' | 'requests' | 'label'>,
  end: (server: Server) => Promise<void> = (started) => started.stop(),
): Promise<Measured> {
  const whole = { ...load, port: server.port, secret, connections };
  // The first thousands run on code that is not compiled yet.
  await measure({ ...whole, requests: 5_000, label: `${load.label}-warm` });
  const measured = await measure(whole);
  await end(server);
  if (measured.statuses['200'] !== load.requests)
    throw new Error(`not all were accepted: ${JSON.stringify(measured.statuses)}`);
  return measured;
}

async function arrived(receiver: Server, count: number): Promise<void> {
  while ((await receivedBy(receiver)) < count) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function repeated<T>(rounds: number, run: (round: number) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  for (let round = 0; round < rounds; round += 1) results.push(await run(round));
  return results;
}

function perSecondRow(id: string, what: string, aim: string, pairs: readonly Pair[]): Row {
  const spread = pairs.map(([measured, compared]) => (measured / compared).toFixed(2)).join(' ');
  const [measured, compared] = [0, 1].map((side) => median(pairs.map((pair) => pair[side] ?? 0)));
  const row = ratioRow(id, what, aim, measured ?? 0, compared ?? 1);
  return { ...row, figures: `${row.figures} (rounds ${spread})` };
}

function ratioRow(id: string, what: string, aim: string, measured: number, compared: number, digits = 0): Row {
  return {
    id,
    what,
    figures: `${measured.toFixed(digits)} ÷ ${compared.toFixed(digits)}`,
    ratio: measured / compared,
    aim,
  };
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
}
