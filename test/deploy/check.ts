/**
 * `npm run check:deploy`: has the programs that are installed here check the files of docs/operating/deploy, and runs the steps of the
 * Dockerfile with packages of the registry. With `-- --restarts`, restarts routers behind each proxy, and counts requests and failures.
 * Installs nothing; what could not be tried is listed.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { startPostgres } from '../support/postgres-server.js';
import { checkedByPrograms, checkImage, isInstalled } from './checks.js';
import { proxies, type ReverseProxy } from './files.js';
import { type Restart, restartBehind } from './restarts.js';

const untried: string[] = [];
const failed: string[] = [];

/** Prints whether it succeeds, and why not. */
async function report(what: string, work: () => Promise<string>): Promise<void> {
  try {
    console.log(`ok       ${what}: ${await work()}`);
  } catch (error) {
    failed.push(what);
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
    console.log(`failed   ${what}: ${stderr || message}`);
  }
}

async function tryRestarts(proxy: ReverseProxy): Promise<void> {
  const server = await startPostgres();
  try {
    for (const [routers, how] of [
      [1, 'replaced'],
      [1, 'stopped and started'],
      [2, 'stopped and started'],
    ] as const)
      await reportRestart(proxy, how, routers === 1 ? [] : await databaseFor(server.url, routers));
  } finally {
    await server.stop();
  }
}

async function reportRestart(proxy: ReverseProxy, how: Restart, stores: readonly string[]): Promise<void> {
  const { requests, failures, slowestMs, restartMs } = await restartBehind(proxy, how, stores);
  const count = [...failures.values()].reduce((sum, each) => sum + each, 0);
  const kinds = [...failures].map(([seen, times]) => `${times} ${seen}`).join(', ');
  console.log(
    `restart  ${proxy.name}, ${stores.length || 1} router${stores.length > 1 ? 's' : ''}, one ${how} in ${restartMs} ms: ` +
      `${requests} requests, ${count} failed${kinds && ` (${kinds})`}, the slowest took ${slowestMs} ms`,
  );
}

/** The row of a store in a new database, for each router. */
async function databaseFor(url: string, routers: number): Promise<readonly string[]> {
  const name = `trial_${randomBytes(4).toString('hex')}`;
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const row = `{ use: postgres, url: '${url.replace(/\/postgres$/, `/${name}`)}' }`;
  return Array.from({ length: routers }, () => row);
}

/** If it is not installed, what it would have tried is listed. */
async function withProgram(program: string, work: () => Promise<void>): Promise<void> {
  if (await isInstalled(program)) await work();
  else if (!untried.includes(program)) untried.push(program);
}

const only = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const isChosen = (program: string): boolean => only.length === 0 || only.includes(program);
if (process.argv.includes('--restarts')) {
  for (const proxy of proxies) if (isChosen(proxy.name)) await withProgram(proxy.name, () => tryRestarts(proxy));
} else {
  for (const { program, file, check } of checkedByPrograms)
    if (isChosen(program)) await withProgram(program, () => report(file, check));
  await report('Dockerfile', checkImage);
}
if (untried.length > 0) console.log(`untried  not installed here: ${untried.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
