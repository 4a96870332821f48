/**
 * `start --replaceable`: a supervisor, and the router in a process of its own. On `switchhook restart`, the supervisor starts
 * another router from the files as they are now. Both share the listening socket, so that no connection is refused.
 */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { Closing, ClosingTimes } from '@switchhook/core';
import { systemClock } from '@switchhook/core/client';
import { withTimeout } from '@switchhook/sdk/internal';
import { exitCodes, type Output } from './output.js';

/** What the supervisor says to a router. */
type ToRouter =
  | { readonly kind: 'role'; readonly replaces: boolean; readonly isOver: boolean }
  | { readonly kind: 'take-over' | 'store-free' | 'leave' | 'reload' | 'restart' | 'stop' }
  | { readonly kind: 'replaced'; readonly failure: string | null };

/** What a router says to the supervisor. */
interface FromRouter {
  readonly kind: 'joined' | 'prepared' | 'listening' | 'replace' | 'store-released';
}

/** Importing plugins and opening components takes seconds; what takes longer hangs. */
const preparationMs = 60_000;
/** Longer than a router needs for its grace and for closing its components. */
const leavingMs = 45_000;
/** A call in progress is still answered; an attempt that takes longer than this is repeated by the next router. */
const leavingTimes: ClosingTimes = { graceMs: 10_000, attemptsMs: 3_000 };

/** Runs a router in a process of its own, and replaces it when it asks for it, until one ends by itself. Returns its exit code. */
export class Supervisor {
  readonly #output: Output;
  #current: Worker;
  /** The router that is to replace the current one. */
  #next: Worker | null = null;
  #replacing: Promise<string | null> | null = null;
  #stops = 0;

  constructor(output: Output) {
    this.#output = output;
    // Connections are accepted by the routers themselves, on a socket that they share.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ args: process.argv.slice(2) });
    this.#current = this.#started(false);
  }

  async run(): Promise<number> {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => this.#stop());
    process.on('SIGHUP', () => (this.#output.terminal ? this.#stop() : say(this.#current, { kind: 'reload' })));
    process.on('SIGUSR2', () => say(this.#current, { kind: 'restart' }));
    for (;;) {
      const running = this.#current;
      const code = await exitOf(running);
      await this.#replacing;
      if (running === this.#current) return code;
    }
  }

  /** The first signal is the router's; the second one ends it at once. */
  #stop(): void {
    this.#stops += 1;
    // It has neither the store nor requests that need it.
    if (this.#next !== this.#current) this.#next?.process.kill('SIGKILL');
    if (this.#stops === 1) say(this.#current, { kind: 'stop' });
    else this.#current.process.kill('SIGKILL');
  }

  #started(replaces: boolean): Worker {
    const router = cluster.fork();
    // A message to a router that has just ended.
    router.on('error', () => {});
    router.on('message', ({ kind }: FromRouter) => {
      // A router that was still loading when it was stopped did not hear it.
      if (kind === 'joined') say(router, { kind: 'role', replaces, isOver: this.#stops > 0 });
      if (kind === 'replace') void this.#replaceFor(router);
    });
    return router;
  }

  async #replaceFor(asking: Worker): Promise<void> {
    // The router that has just taken over may be asked while the earlier one still leaves.
    await this.#replacing;
    if (this.#stops > 0) return say(asking, { kind: 'replaced', failure: 'the router is being stopped' });
    const next = this.#started(true);
    this.#next = next;
    this.#replacing = replace(this.#current, next, () => {
      this.#current = next;
    }).catch((error: Error) => error.message);
    const failure = await this.#replacing;
    this.#replacing = null;
    this.#next = null;
    if (failure === null) return;
    next.process.kill('SIGKILL');
    say(asking, { kind: 'replaced', failure });
  }
}

/** Has `next` take over from `current`. Rejects where it does not get ready; then nothing has changed. */
async function replace(current: Worker, next: Worker, isTaken: () => void): Promise<null> {
  await reached(next, 'prepared');
  say(next, { kind: 'take-over' });
  await reached(next, 'listening');
  isTaken();
  say(current, { kind: 'replaced', failure: null });
  say(current, { kind: 'leave' });
  const left = withTimeout(systemClock, leavingMs, exitOf(current)).catch(async () => {
    current.process.kill('SIGKILL');
    await exitOf(current);
  });
  // A router of an earlier version does not say that it has released the store, nor does one that is killed.
  await Promise.race([said(current, 'store-released'), left]);
  say(next, { kind: 'store-free' });
  await left;
  return null;
}

/** Resolves when the router has said so. Rejects, with the reason, where it ends or hangs before. */
async function reached(router: Worker, kind: FromRouter['kind']): Promise<void> {
  const left = exitOf(router).then((code) => {
    throw new Error(`the new process ended with exit code ${code} before it was ready`);
  });
  await withTimeout(systemClock, preparationMs, Promise.race([said(router, kind), left])).catch((error: Error) => {
    throw error.name === 'TimeoutError'
      ? new Error(`the new process was not ready after ${preparationMs / 1_000} s`)
      : error;
  });
}

/** Resolves when the router sends a message of this kind; never where it does not. */
function said(router: Worker, kind: FromRouter['kind']): Promise<void> {
  return new Promise((resolve) => {
    router.on('message', (message: FromRouter) => {
      if (message.kind === kind) resolve();
    });
  });
}

async function exitOf(router: Worker): Promise<number> {
  if (!router.isDead()) await once(router, 'exit');
  return router.process.exitCode ?? exitCodes.failed;
}

function say(router: Worker, message: ToRouter): void {
  if (router.isConnected()) router.send(message);
}

/** The connection of a router to its supervisor. */
export class SupervisorLink {
  /** Whether another router runs, which this one replaces. */
  readonly replaces: boolean;
  /** Resolves when the router has to end: with the times it has for it, and what it says where another one takes over. */
  readonly ended: Promise<Closing>;
  /** Resolves when the earlier router has closed its store, or has ended. */
  readonly storeFree: Promise<unknown>;

  #asked: Promise<void> | null = null;

  private constructor(replaces: boolean, isOver: boolean) {
    this.replaces = replaces;
    this.storeFree = next('store-free');
    // Without it, Node ends the process at once where its supervisor has gone.
    if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
    const stopped = [next('stop'), once(process, 'SIGTERM'), once(process, 'disconnect')];
    if (isOver) stopped.push(Promise.resolve([]));
    this.ended = Promise.race([
      next('leave').then(() => ({ ...leavingTimes, storeReleased: () => tell('store-released') })),
      ...stopped.map((each) => each.then(() => ({}) satisfies ClosingTimes)),
    ]);
    // A terminal sends these to the supervisor as well, which decides.
    for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {});
  }

  /** Null where this process has no supervisor. */
  static async join(): Promise<SupervisorLink | null> {
    if (!cluster.isWorker) return null;
    return new Promise((resolve) => {
      // In the same turn as the message: the next one may follow at once.
      process.once('message', ({ replaces, isOver }: Extract<ToRouter, { kind: 'role' }>) =>
        resolve(new SupervisorLink(replaces, isOver)),
      );
      tell('joined');
    });
  }

  /** Says that the router is prepared; resolves when it has to take over. */
  async prepared(): Promise<void> {
    const takeOver = next('take-over');
    tell('prepared');
    await takeOver;
  }

  listening(): void {
    tell('listening');
  }

  /**
   * Asks for a process that replaces this one; those who ask meanwhile get the same. Resolves when it listens, and rejects where
   * it did not get ready.
   */
  replace(): Promise<void> {
    this.#asked ??= this.#replaced().finally(() => {
      this.#asked = null;
    });
    return this.#asked;
  }

  async #replaced(): Promise<void> {
    const replaced = next('replaced');
    tell('replace');
    const { failure } = await replaced;
    if (failure !== null) throw new Error(failure);
  }

  on(kind: 'reload' | 'restart', act: () => unknown): void {
    process.on('message', (message: ToRouter) => {
      if (message.kind === kind) act();
    });
  }
}

/** The next message of this kind. */
function next<K extends ToRouter['kind']>(kind: K): Promise<Extract<ToRouter, { kind: K }>> {
  return new Promise((resolve) => {
    const read = (message: ToRouter): void => {
      if (message.kind !== kind) return;
      process.off('message', read);
      resolve(message as Extract<ToRouter, { kind: K }>);
    };
    process.on('message', read);
  });
}

function tell(kind: FromRouter['kind']): void {
  process.send?.({ kind } satisfies FromRouter);
}
