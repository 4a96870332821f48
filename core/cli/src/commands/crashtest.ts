/** `switchhook crashtest`: kills routers again and again on this machine's own disk, or beside a database, and counts what was lost. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { random, systemClock } from '@switchhook/core/client';
import { durationText } from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import {
  crashtest,
  type Findings,
  failingMs,
  isKept,
  mostCalls,
  type Plan,
  type Progress,
} from '@switchhook/simulator';
import { commandFile } from '../local-router.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { printJson, printTable } from '../print.js';

interface CrashtestOptions {
  readonly kills: number;
  readonly freezes?: number;
  readonly routers: number;
  readonly deploys?: number;
  readonly outages?: number;
  readonly breakers?: number;
  readonly restartCommand?: string;
  readonly rate: number;
  readonly seed?: number;
  readonly directory?: string;
  readonly store: string;
  readonly plugin: readonly string[];
  readonly json?: true;
}

/** A router is suspended for longer than a lease: once in so many kills. */
const killsPerFreeze = 50;
/** Of several routers, all are replaced once in so many kills. */
const killsPerDeploy = 10;
/** All connections to the database break once in so many kills. */
const killsPerOutage = 10;
/** One destination fails once in so many kills. */
const killsPerBreaker = 10;
/** Where only a database is named: a schema that no other router uses. */
const schema = 'switchhook_crashtest';

export async function runCrashtest(output: Output, options: CrashtestOptions): Promise<void> {
  const plan = await planOf(options);
  const startedAt = systemClock.elapsed();
  const findings = await found(plan, output);
  const kept = isKept(findings);
  if (kept) await rm(plan.directory, { recursive: true, force: true });
  const seconds = Math.round((systemClock.elapsed() - startedAt) / 1_000);
  if (options.json)
    printJson(output, { kept, seed: plan.seed, seconds, ...findings, directory: kept ? null : plan.directory });
  else print(findings, plan, seconds, output);
  if (!kept) throw new CommandFailure(exitCodes.failed);
}

async function planOf(options: CrashtestOptions): Promise<Plan> {
  const { kills, routers } = options;
  if (options.store === '') throw new CommandFailure(exitCodes.usage, '--store is empty: write a type, a row or a URL');
  const atDatabase = /^postgres(ql)?:\/\//.test(options.store);
  if (routers > 1 && options.store === 'sqlite')
    throw new CommandFailure(
      exitCodes.usage,
      `${routers} routers need a store that they can share: add --store postgres://user@host/database`,
    );
  if (options.deploys !== undefined && routers === 1)
    throw new CommandFailure(
      exitCodes.usage,
      '--deploys replaces routers one after another, while others go on: it needs --routers 2 or more',
    );
  const database = atDatabase ? options.store : null;
  const obstacle =
    database === null ? 'needs the URL of a PostgreSQL: add --store postgres://user@host/database' : hidden(database);
  if (options.outages !== undefined && obstacle !== null)
    throw new CommandFailure(exitCodes.usage, `--outages breaks the connections to a database: it ${obstacle}`);
  if (options.restartCommand !== undefined && (obstacle !== null || options.outages === 0))
    throw new CommandFailure(
      exitCodes.usage,
      `--restart-command runs at an outage of the database: it ${obstacle ?? 'needs --outages 1 or more'}`,
    );
  const outages = obstacle === null ? (options.outages ?? Math.ceil(kills / killsPerOutage)) : 0;
  const parent = resolve(options.directory ?? tmpdir());
  await mkdir(parent, { recursive: true });
  return {
    command: commandFile,
    kills,
    freezes: Math.min(kills, options.freezes ?? Math.floor(kills / killsPerFreeze)),
    routers,
    deploys: routers === 1 ? 0 : Math.min(kills, options.deploys ?? Math.ceil(kills / killsPerDeploy)),
    perSecond: options.rate,
    seed: options.seed ?? Math.floor(random() * 2 ** 32),
    directory: await mkdtemp(join(parent, 'switchhook-crashtest-')),
    store: (url) =>
      atDatabase ? JSON.stringify({ use: 'postgres', url: url || options.store, schema }) : rowOf(options.store),
    database: outages > 0 ? database : null,
    outages: Math.min(kills, outages),
    breakers: Math.min(kills, options.breakers ?? Math.ceil(kills / killsPerBreaker)),
    restartCommand: options.restartCommand ?? null,
    storeIsElsewhere: atDatabase || routers > 1,
    plugins: options.plugin.map((plugin) => (plugin.startsWith('.') ? resolve(plugin) : plugin)),
  };
}

/** Why the connections to a database cannot go through this process; null where they can. */
function hidden(url: string): string | null {
  const { hostname, searchParams } = new URL(url);
  if (hostname === '') return 'needs a URL with a host, not with a directory of a socket';
  const mode = searchParams.get('sslmode') ?? 'disable';
  if (mode === 'disable' || mode === 'no-verify') return null;
  return `connects through a proxy of the test, which sslmode=${mode} refuses because of the name of the host: use sslmode=no-verify`;
}

function rowOf(store: string): string {
  return store.startsWith('{') ? store : `{ use: ${store} }`;
}

async function found(plan: Plan, output: Output): Promise<Findings> {
  const [stop, abandon] = [new AbortController(), new AbortController()];
  const onSignal = (): void => {
    if (stop.signal.aborted) {
      abandon.abort();
      output.note(`Left as it is: ${plan.directory}`);
      process.exit(exitCodes.failed);
    }
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    const onProgress = (progress: Progress): void => output.progress(progressText(progress, plan));
    return await crashtest(plan, { clock: systemClock, stop: stop.signal, abandon: abandon.signal, onProgress });
  } catch (error) {
    const reason = errorMessage(error);
    throw new CommandFailure(exitCodes.failed, `${reason}\nEverything is kept in ${plan.directory}`);
  } finally {
    output.progress('');
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function progressText({ phase, kills, acknowledged, open }: Progress, plan: Plan): string {
  const done = `${kills} of ${plan.kills} kills, ${acknowledged} events acknowledged`;
  switch (phase) {
    case 'killing':
      return done;
    case 'freezing':
      return `${done}; a router is suspended for longer than a lease`;
    case 'replacing':
      return `${done}; routers are replaced one after another`;
    case 'disconnected':
      return `${done}; the routers are disconnected from the database`;
    case 'failing':
      return `${done}; a destination fails until its circuit breaker opens, and recovers`;
    case 'draining':
      return `${done}; ${open} deliveries are still to be made`;
  }
}

function print(
  findings: Findings,
  { seed, directory, routers, database }: Plan,
  seconds: number,
  output: Output,
): void {
  const share = ((100 * findings.duplicated) / Math.max(1, findings.delivered)).toFixed(1);
  const known =
    routers === 1 ? '' : `known to all routers within ${(findings.slowestVerdictMs / 1_000).toFixed(1)} s, `;
  const bad = (value: number): string => styled(output, value === 0 ? 'green' : 'red', String(value));
  printTable(
    output,
    ['what', 'count', 'meaning'],
    [
      ['acknowledged', String(findings.acknowledged), 'events answered with 200'],
      ['expected', String(findings.expected), 'deliveries of these events'],
      ['delivered', String(findings.delivered), 'at least once'],
      ['dead', String(findings.dead), 'attempts used up: kept and listed'],
      ['lost', bad(findings.lost), 'neither delivered nor dead'],
      [
        'duplicated',
        `${findings.duplicated} (${share} %)`,
        'under the same id: kills, and answers that are cut off on purpose',
      ],
      ['repeated', bad(findings.repeated), 'attempts made twice'],
      ['overrun', bad(findings.overrun), 'deliveries tried more often than allowed'],
      ['out of order', bad(findings.outOfOrder), 'where the route is ordered'],
      ...(routers === 1
        ? []
        : [['refused', bad(findings.refused), 'by all routers, while one after another was replaced']]),
      ['over limit', bad(findings.overLimit), 'attempts beyond the rate limit and its tolerance'],
      [
        'breaker opened',
        String(findings.breakers),
        `times, ${known}${findings.callsWhileOpen} calls at most from 1s to ${durationText(1_000 + failingMs)} after that`,
      ],
      [
        'breaker faults',
        bad(findings.breakerFaults.length),
        findings.breakerFaults.join(', ') ||
          `more than ${mostCalls(routers)} calls, not opened, not known to all in time, or not closed`,
      ],
      ['calls', String(findings.calls), `answered, in ${durationText(findings.slowestCallMs)} at most`],
      ['unanswered', bad(findings.unanswered), 'calls that got no answer within 10 s, in four requests'],
      ...(routers === 1
        ? []
        : [['answered anew', String(findings.answeredAnew), 'calls whose first answer was not shared in time']]),
      ['killed', String(findings.kills), `${findings.early} of them before the router was ready`],
      ['suspended', String(findings.freezes), 'for longer than a lease'],
      ...(routers === 1 ? [] : [['replaced', String(findings.deploys), `times all ${routers} routers, by SIGTERM`]]),
      ...(database === null ? [] : [['disconnected', String(findings.outages), 'times all routers from the database']]),
    ],
  );
  output.line(`seed ${seed}, ${durationText(seconds * 1_000)}`);
  if (!isKept(findings)) output.note(`The promise is broken. Everything is kept in ${directory}`);
}
