/** `npm run bench`: how fast and how large, as ratios measured in one run. `--json` for other programs, `--quick` for a look. */
import { cpus, totalmem } from 'node:os';
import type { Measured } from './load.js';
import { inDirectory, measure, type Server, secret, startBareKoa, startRouter } from './servers.js';

interface Row {
  readonly id: string;
  readonly what: string;
  readonly figures: string;
  readonly ratio: number;
  readonly aim: string;
}

const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : 3;
const requests = quick ? 10_000 : 30_000;
const path = '/hooks/agents';

/** Two destinations that hold what they get: nothing is delivered while ingest is measured. */
const holding = `
log: { level: warn }
plugins: [${new URL('./holding-plugin.js', import.meta.url).pathname}]
sources:
  agents:
    use: sigmamind.events
    secrets: [${secret}]
    signature: { header: X-Signature, algorithm: sha256, encoding: hex }
destinations:
  one: { use: holding, timeout: 1h }
  two: { use: holding, timeout: 1h }
routes:
  - { from: agents, to: [one, two] }
`;

const rows: Row[] = [...(await ingest()), ...(await idle())];
report(rows);

async function ingest(): Promise<Row[]> {
  const bare: Measured[] = [];
  const durable: Measured[] = [];
  for (let round = 0; round < rounds; round += 1) {
    bare.push(await loaded(await startBareKoa(), '/', `bare-${round}`));
    durable.push(
      await inDirectory(async (directory) => loaded(await startRouter(directory, holding), path, `durable-${round}`)),
    );
  }
  const [fast, kept] = [median(bare, 'perSecond'), median(durable, 'perSecond')];
  const [quickP99, keptP99] = [median(bare, 'p99'), median(durable, 'p99')];
  const spread = durable.map(({ perSecond }, index) => perSecond / (bare[index]?.perSecond ?? 1));
  return [
    {
      id: 'ingest',
      what: 'durable ingest ÷ bare Koa, events/s',
      figures: `${Math.round(kept)} ÷ ${Math.round(fast)} (rounds ${spread.map((one) => one.toFixed(2)).join(' ')})`,
      ratio: kept / fast,
      aim: '≥ 0.60',
    },
    {
      id: 'ingest p99',
      what: 'p99 of durable ingest ÷ of bare Koa, ms',
      figures: `${keptP99.toFixed(1)} ÷ ${quickP99.toFixed(1)}`,
      ratio: keptP99 / quickP99,
      aim: '≤ 1',
    },
  ];
}

async function loaded(server: Server, at: string, label: string): Promise<Measured> {
  const load = { port: server.port, path: at, secret, connections: 64 };
  // The first thousands run on code that is not compiled yet.
  await measure({ ...load, requests: 5_000, label: `${label}-warm` });
  const measured = await measure({ ...load, requests, label });
  await server.stop();
  if (measured.statuses['200'] !== requests)
    throw new Error(`not all were accepted: ${JSON.stringify(measured.statuses)}`);
  return measured;
}

async function idle(): Promise<Row[]> {
  const servers = await inDirectory(async (directory) => {
    const server = await startRouter(directory, holding);
    const { readyMs } = server;
    const residentMb = server.residentMb();
    await server.stop();
    return { readyMs, residentMb };
  });
  return [
    { id: 'ready', what: 'from start to ready, s', figures: '', ratio: servers.readyMs / 1_000, aim: 'about 1' },
    {
      id: 'idle',
      what: 'resident memory of an idle router, MB',
      figures: '',
      ratio: servers.residentMb,
      aim: 'about 120',
    },
  ];
}

function median(all: readonly Measured[], key: 'perSecond' | 'p99'): number {
  const sorted = all.map((one) => one[key]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function report(all: readonly Row[]): void {
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`;
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ machine, rows: all }, null, 2));
    return;
  }
  console.log(machine);
  console.table(Object.fromEntries(all.map(({ id, ...row }) => [id, { ...row, ratio: Number(row.ratio.toFixed(2)) }])));
}
