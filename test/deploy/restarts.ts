/** A restart of a router under light load behind a proxy: how many requests there were, and what became of each. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { systemClock } from '@switchhook/core/internal';
import { Sleep } from '@switchhook/sdk/internal';
import { lastingPort } from '../support/processes.js';
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
const token = 'token-of-the-trial';
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
    await answering(port);
    const load = new Load(port);
    await sleep.for(beforeMs);
    const fromMs = systemClock.elapsed();
    await routers[0]?.restart();
    const restartMs = Math.round(systemClock.elapsed() - fromMs);
    await sleep.for(afterMs);
    return { ...(await load.end()), restartMs };
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
  agents: { use: bearer, tokens: [${token}] }
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

/** Clients that keep their connections to the proxy, and send again and again: events, and every fifth time a call. */
class Load {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: clients });
  readonly #failures = new Map<string, number>();
  readonly #port: number;
  readonly #clients: readonly Promise<void>[];
  #requests = 0;
  #slowestMs = 0;
  #isOver = false;

  constructor(port: number) {
    this.#port = port;
    this.#clients = Array.from({ length: clients }, () => this.#client());
  }

  async end(): Promise<Omit<Restarted, 'restartMs'>> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
    return { requests: this.#requests, failures: this.#failures, slowestMs: Math.round(this.#slowestMs) };
  }

  async #client(): Promise<void> {
    while (!this.#isOver) {
      this.#requests += 1;
      const id = `trial-${this.#requests}`;
      const path = this.#requests % 5 === 0 ? `/hooks/calls/${token}` : '/hooks/agents';
      const fromMs = systemClock.elapsed();
      const seen = await posted(this.#agent, this.#port, path, bodyFor(path, id));
      this.#slowestMs = Math.max(this.#slowestMs, systemClock.elapsed() - fromMs);
      if (seen !== '200') this.#failures.set(seen, (this.#failures.get(seen) ?? 0) + 1);
      await sleep.for(pauseMs);
    }
  }
}

function bodyFor(path: string, id: string): object {
  if (path === '/hooks/agents') return { id, type: 'note.made' };
  return {
    event: 'call_inbound',
    call_inbound: { from_number: '+12345678912', to_number: '+12345678913', call_id: id },
  };
}

/** The status, or the error. */
function posted(agent: Agent, port: number, path: string, body: object): Promise<string> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (response) => {
      response.resume().on('end', () => resolve(String(response.statusCode)));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(JSON.stringify(body));
  });
}

/** When a request through the proxy reaches a router. */
async function answering(port: number): Promise<void> {
  const agent = new Agent();
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await posted(agent, port, '/hooks/agents', { id: 'first', type: 'note.made' })) === '200') return;
    await sleep.for(100);
  }
  throw new Error(`nothing answers at port ${port}`);
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
