/**
 * `npm run bench`: how fast and how large, as ratios measured in one run. `--json` for other programs, `--quick` for a
 * look, names of scenarios for only those, `--hold-xmin` for ten minutes with an old transaction in PostgreSQL. The rows of a scenario are printed when it is done; `--json` is one document at the end.
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { attack } from './attack.js';
import { flood, pgRing, ring, soak, table } from './call-scenarios.js';
import { dashboard } from './dashboard.js';
import { dev } from './dev.js';
import type { Row } from './measuring.js';
import { nodeRed } from './node-red.js';
import { holdXmin, pgBacklog, postgres, routers } from './postgres.js';
import { restart } from './restart.js';
import { backlog, idle, ingest, neighbour, routes, whole } from './scenarios.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
    'hold-xmin': { type: 'boolean', default: false },
  },
});
const size = values.quick
  ? { rounds: 1, requests: 10_000, backlog: 100_000, calls: 20_000, rows: 100_000, minutes: 1 }
  : { rounds: 3, requests: 30_000, backlog: 1_000_000, calls: 100_000, rows: 1_000_000, minutes: 10 };
const all = {
  ...{
    idle,
    ingest,
    whole,
    routes,
    neighbour,
    backlog,
    dashboard,
    ring,
    flood,
    table,
    soak,
    attack,
    nodeRed,
    restart,
    dev,
  },
  ...{ postgres, pgBacklog, pgRing, routers },
};
/** It takes longer than all others. */
const onRequest = { holdXmin };
const names = [
  ...(positionals.length === 0 && !values['hold-xmin'] ? Object.keys(all) : positionals),
  ...(values['hold-xmin'] ? ['holdXmin'] : []),
];

const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`;
const rows: Row[] = [];
if (!values.json) console.log(machine);
for (const [name, run] of Object.entries({ ...all, ...onRequest })) {
  if (!names.includes(name)) continue;
  if (!values.json) process.stderr.write(`${name} …\n`);
  const measured = await run(size);
  rows.push(...measured);
  // What is measured is not lost where a later scenario fails, or the user ends the run.
  if (!values.json) for (const row of measured) console.log(lineOf(row));
}
if (values.json) console.log(JSON.stringify({ machine, size, rows }, null, 2));

function lineOf({ id, ratio, setTarget, what, figures }: Row): string {
  return `${id.padEnd(15)} ${ratio.toFixed(2).padStart(8)}  ${setTarget.padEnd(10)} ${what}${figures && `: ${figures}`}`;
}
