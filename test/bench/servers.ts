/** The processes that a benchmark measures: a router, or the bare Koa it is compared with. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Load, Measured } from './load.js';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const tsx = ['--import', 'tsx'];

export const secret = 'a-secret-of-the-benchmark';

/** Something that listens. */
export interface Server {
  readonly pid: number | undefined;
  readonly port: number;
  /** From the start of the process until it was ready. */
  readonly readyMs: number;
  residentMb(): number;
  stop(): Promise<void>;
}

/** A directory for a router's files, gone after `use`. */
export async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'switchhook-bench-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** How a router differs from others. */
interface Setting {
  /** Bounds its heap. */
  readonly heapMb?: number;
  /** The row `store:`. Default: SQLite, in the directory. */
  readonly store?: string | undefined;
}

/** `switchhook start` with a configuration, its log in a file, as a service manager does it. */
export async function startRouter(
  directory: string,
  rows: string,
  { heapMb, store = '{ use: sqlite, path: ./bench.db }' }: Setting = {},
): Promise<Server> {
  const file = join(directory, 'switchhook.yaml');
  await writeFile(file, `version: 1\nserver: { host: 127.0.0.1, port: 0 }\nstore: ${store}\n${rows}`);
  const startedAt = performance.now();
  const limits = heapMb === undefined ? [] : [`--max-old-space-size=${heapMb}`];
  const command = [here('../../core/cli/bin/switchhook.js'), 'start', '--json', '--config', file];
  const log = join(directory, 'router.log');
  const stdout = openSync(log, 'w');
  const child = spawn(process.execPath, [...limits, ...command], { stdio: ['ignore', stdout, 'inherit'] });
  closeSync(stdout);
  while (child.exitCode === null) {
    const url = /^\{"url":"([^"]+)"\}$/m.exec(readFileSync(log, 'utf8'))?.[1];
    if (url !== undefined) return served(child, Number(new URL(url).port), performance.now() - startedAt);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`the router ended before it was ready: ${readFileSync(log, 'utf8')}`);
}

/** Koa with the same body reader and HMAC; with `forwardTo` it passes each body on before it replies. */
export async function startBareKoa(forwardTo?: string): Promise<Server> {
  return forked('./bare-koa.ts', forwardTo === undefined ? [secret] : [secret, forwardTo]);
}

/** A receiver that answers every request with 200 and counts. */
export async function startReceiver(): Promise<Server> {
  return forked('./receiver.ts', []);
}

/** How many requests a receiver has had. */
export async function receivedBy({ port }: Server): Promise<number> {
  return Number(await (await fetch(`http://127.0.0.1:${port}/`)).text());
}

/** Runs a load in a process of its own. */
export async function measure(load: Load): Promise<Measured> {
  const child = fork(here('./load.ts'), [], { execArgv: tsx });
  const exited = once(child, 'exit');
  const measured = once(child, 'message');
  child.send(load);
  const [first] = await Promise.race([measured, exited]);
  if (typeof first !== 'object' || first === null) throw new Error(`the load ended with ${first}`);
  child.disconnect();
  await exited;
  return first as Measured;
}

async function forked(script: string, args: readonly string[]): Promise<Server> {
  const startedAt = performance.now();
  const child = fork(here(script), [...args], { execArgv: tsx });
  const [{ port }] = await once(child, 'message');
  return served(child, port, performance.now() - startedAt);
}

function served(child: ChildProcess, port: number, readyMs: number): Server {
  return {
    pid: child.pid,
    port,
    readyMs,
    residentMb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1_024,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
