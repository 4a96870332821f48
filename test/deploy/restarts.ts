/** A restart of a router under light load behind a proxy: how many requests there were, and what became of each. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { systemClock } from '@switchhook/core/internal';
import { Sleep } from '@switchhook/sdk/internal';
import { token } from '../support/phones.js';
import { lastingPort } from '../support/processes.js';
import { Senders } from '../support/senders.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';
import { deployFile, type ReverseProxy } from './files.js';

/** How a router is restarted: by `switchhook restart`, or by SIGTERM and a new start. */
export type Restart = 'replaced' | 'stopped and started';

/** What became of the requests. */
export interface Restarted {
  readonly requests: number;
  /** Number of failed requests by what the sender saw. */
  readonly failures: ReadonlyMap<string, number>;
  readonly slowestMs: number;
  /** From the request to restart until the next process had its store. */
  readonly restartMs: number;
}

const clients = 16;
/** Between two requests of a client: some hundred requests a second in all, which leaves the machine most of its time. */
const pauseMs = 30;
const beforeMs = 2_000;
const afterMs = 3_000;
const sleep = new Sleep(systemClock);

/** Restarts one of these routers, which share a store where there are several. */
export async function restartBehind(
  proxy: ReverseProxy,
  how: Restart,
  databases: readonly string[],
): Promise<Restarted> {
  const place = await workplace();
  const stores = databases.length === 0 ? ['{ use: sqlite, path: ./switchhook.db }'] : databases;
  const routers = await Promise.all(stores.map((store, at) => startedRouter(place, how, store, at)));
  const port = await lastingPort();
  const directory = place.path('proxy');
  await mkdir(directory);
  const trial = { port, routers: routers.map((router) => router.port), directory };
  const file = await place.write(proxy.file, proxy.tried(deployFile(proxy.file), trial));
  const running = spawn(proxy.name, proxy.run(file), { stdio: 'ignore' });
  try {
    const url = `http://127.0.0.1:${port}`;
    await answering(url);
    const load = new Senders(url, { kept: clients, pausesMs: [pauseMs] });
    await sleep.for(beforeMs);
    const fromMs = systemClock.elapsed();
    await routers[0]?.restart();
    const restartMs = Math.round(systemClock.elapsed() - fromMs);
    await sleep.for(afterMs);
    await load.end();
    const slowestMs = Math.round(Math.max(load.events.slowestMs, load.calls.slowestMs));
    return { requests: load.requests, failures: load.failures, slowestMs, restartMs };
  } finally {
    running.kill('SIGTERM');
    await exited(running);
    await place.close();
  }
}

async function startedRouter(place: Workplace, how: Restart, store: string, at: number) {
  const port = await lastingPort();
  const file = await place.write(
    `router-${at}.yaml`,
    `
version: 1
server: { host: 127.0.0.1, port: ${port}, admin: { token: ${token} } }
store: ${store}
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: ${token} }
destinations: { console: { use: log } }
routes: [{ from: agents, to: console }]
answers: [{ from: calls, defaults: { first_name: there } }]
`,
  );
  const args = how === 'replaced' ? ['--replaceable'] : [];
  const router = await place.start(file, args);
  const restart = async (): Promise<void> => {
    if (how === 'replaced') {
      const { code, stderr } = await place.run(['restart', '--config', file]);
      if (code !== 0) throw new Error(stderr);
    } else {
      await router.stop();
      await place.start(file, args);
    }
  };
  return { port, restart };
}

/** When a request through the proxy reaches a router. */
async function answering(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const sent = await postSigned(`${url}/hooks/agents`, endedBody()).catch(() => null /* Nothing listens yet. */);
    if (sent?.status === 200) return;
    await sleep.for(100);
  }
  throw new Error(`nothing answers at ${url}`);
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
