/**
 * `npm run check:deploy`: has the programs that are installed here check the files of docs/operating/deploy, and runs the steps of the
 * Dockerfile with packages of the registry. With `-- --restarts`, restarts routers behind each proxy, and counts requests and failures.
 * Installs nothing; what could not be tried is listed.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../support/postgres-server.js';
import { deployFile, deployFolder, proxies, type ReverseProxy } from './files.js';
import { type Restart, restartBehind } from './restarts.js';
import { builtImage, sizesOf, startedFrom } from './router-image.js';

const run = promisify(execFile);
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

/** Whether a program is installed; if not, what it would have checked is listed. */
async function isInstalled(program: string): Promise<boolean> {
  const found = await run('sh', ['-c', `command -v ${program}`]).catch(() => null);
  if (found === null) untried.push(program);
  return found !== null;
}

async function checkProxy(proxy: ReverseProxy, directory: string): Promise<string> {
  const certificate = join(directory, 'hooks.example.com.pem');
  const subject = ['-subj', '/CN=hooks.example.com', '-keyout', certificate, '-out', `${certificate}.public`];
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject]);
  await run('sh', ['-c', 'cat "$1.public" >> "$1"', 'sh', certificate]);
  const file = join(directory, proxy.file);
  await writeFile(file, proxy.checked(deployFile(proxy.file), certificate));
  await run(proxy.name, [...proxy.check(file)]);
  return `${proxy.name} accepts it`;
}

/** What the units name may not exist on this machine: only what systemd says about their own lines counts. */
async function checkUnits(): Promise<string> {
  const units = ['switchhook.service', 'switchhook.socket'].map((name) => join(deployFolder, name));
  const { stderr } = await run('systemd-analyze', ['verify', ...units]).catch((error) => error);
  const lines = String(stderr)
    .split('\n')
    .filter((line) => line.includes('switchhook.') && !line.includes('is not executable'));
  if (lines.length > 0) throw new Error(lines.join('\n'));
  return 'systemd-analyze finds nothing';
}

async function checkImage(): Promise<string> {
  const image = await builtImage();
  try {
    const health = await startedFrom(image);
    const { node, app } = sizesOf(image);
    return `its steps make a router, and its health check says "${health}". Packages and files ${app} MB, Node ${node} MB`;
  } finally {
    await image.remove();
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

const directory = await mkdtemp(join(tmpdir(), 'switchhook-deploy-'));
const only = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const chosen = proxies.filter(({ name }) => only.length === 0 || only.includes(name));
try {
  if (process.argv.includes('--restarts')) {
    for (const proxy of chosen) if (await isInstalled(proxy.name)) await tryRestarts(proxy);
  } else {
    for (const proxy of chosen)
      if (await isInstalled(proxy.name)) await report(proxy.file, () => checkProxy(proxy, directory));
    if (await isInstalled('systemd-analyze')) await report('switchhook.service, switchhook.socket', checkUnits);
    await report('Dockerfile', checkImage);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
if (untried.length > 0) console.log(`untried  not installed here: ${untried.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
