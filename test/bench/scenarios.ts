/** The scenarios of events: each measures two things in one run and gives their ratio. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sqlite from '@switchhook/plugin-sqlite';
import { filledStore } from './backlog.js';
import {
  arrived,
  connections,
  loaded,
  median,
  type Pair,
  perSecondRow,
  type Row,
  ratioRow,
  repeated,
  type Size,
} from './measuring.js';
import { inDirectory, measure, type Server, secret, startBareKoa, startReceiver, startRouter } from './servers.js';

export const eventsPath = '/hooks/agents';
/** Rows that take signed events. */
export const source = `
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
export const twoDeliveries = `${holding}
routes:
  - { from: agents, to: [one, two] }
`;

/** Durable ingest against a bare Koa with the same body reader and HMAC. */
export async function ingest({ rounds, requests }: Size): Promise<Row[]> {
  const pairs = await repeated(rounds, async (round) => ({
    bare: await loaded(await startBareKoa(), { path: '/', requests, label: `bare-${round}` }),
    durable: await inDirectory(async (directory) =>
      loaded(await startRouter(directory, twoDeliveries), { path: eventsPath, requests, label: `durable-${round}` }),
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

/** Events per second from the first request until the receiver has them all. `watch` is called before the first, and what it returns after the last. */
export async function delivered(
  start: (receiver: Server) => Promise<Server>,
  at: string,
  label: string,
  requests: number,
  watch: (server: Server) => Promise<() => Promise<void>> = async () => async () => {},
): Promise<number> {
  const receiver = await startReceiver();
  const server = await start(receiver);
  const load = { port: server.port, path: at, secret, connections };
  await measure({ ...load, requests: 2_000, label: `${label}-warm` });
  await arrived(receiver, 2_000);
  const watched = await watch(server);
  const startedAt = performance.now();
  await measure({ ...load, requests, label });
  await arrived(receiver, 2_000 + requests);
  const perSecond = requests / ((performance.now() - startedAt) / 1_000);
  await watched();
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
      delivered((receiver) => startRouter(directory, forwarding(receiver)), eventsPath, `whole-${round}`, requests),
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
      loaded(await startRouter(directory, many(10)), { path: eventsPath, requests, label: `few-${round}` }),
    );
    const with1000 = await inDirectory(async (directory) =>
      loaded(await startRouter(directory, many(1_000)), { path: eventsPath, requests, label: `many-${round}` }),
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
    await measure({ port: server.port, path: eventsPath, secret, connections, requests, label });
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
    const { perSecond } = await loaded(
      server,
      { path: eventsPath, requests, label: `backlog-${directory}` },
      async () => {},
    );
    const residentMb = server.residentMb();
    await server.stop();
    return { perSecond, residentMb, readyMs: server.readyMs };
  };
  const empty = await inDirectory(measured);
  const full = await inDirectory(async (directory) => {
    await filledStore(sqlite, { path: join(directory, 'bench.db') }, waiting);
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
      setTarget: '≤ 150',
    },
    ratioRow('start', `from start to ready with ${count} waiting ÷ with none, ms`, '≤ 2', full.readyMs, empty.readyMs),
  ];
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
    { id: 'ready', what: 'from start to ready, s', figures: '', ratio: server.readyMs / 1_000, setTarget: 'about 1' },
    {
      id: 'idle',
      what: 'resident memory of an idle router, MB',
      figures: '',
      ratio: server.residentMb,
      setTarget: 'about 120',
    },
  ];
}
