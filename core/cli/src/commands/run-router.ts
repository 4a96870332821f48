/** The router of `switchhook start`: runs until it is stopped by a signal, or by its supervisor. */

import cluster from 'node:cluster';
import { ComponentFailure, type Config, Log, type Router } from '@switchhook/core';
import { loadConfig } from '@switchhook/core/internal';
import { configOf, endPluginWatch, routerOf } from '../local-router.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { SupervisorLink } from '../replaceable.js';
import { startTracing } from '../tracing-sdk.js';
import { listenFailure } from './listen-failure.js';
import type { StartOptions } from './start.js';

/** What `start` is given, and the environment of its process. */
interface RunOptions extends StartOptions {
  readonly env: NodeJS.ProcessEnv;
}

export async function runRouter(output: Output, options: RunOptions): Promise<void> {
  const config = await configOf(options, output);
  const endTracing = await startTracing({ ...options, required: options.otel === true });
  try {
    await runConfigured(config, options, output);
  } finally {
    await endTracing?.();
  }
}

async function runConfigured(config: Config, options: RunOptions, output: Output): Promise<void> {
  const link = await SupervisorLink.join();
  const restart = link === null ? {} : { restart: () => link.replace() };
  if (!options.dryRun) {
    const load = async () => at(options.port, await loadConfig(options.config));
    return run({ router: routerOf(at(options.port, config), { load, ...restart }), link }, options, output);
  }
  const { dryRunOf } = await import('@switchhook/simulator');
  const dryRun = await dryRunOf(config);
  try {
    const load = async () => at(options.port, dryRun.of(await loadConfig(options.config)));
    const router = routerOf(at(options.port, dryRun.of(config)), { load, ...restart });
    const log = router.get(Log);
    log.warn('router.dry-run', { deliveries: 'accepted and discarded', store: 'temporary' });
    await run({ router, link }, options, output);
  } finally {
    await dryRun.end();
  }
}

/** The configuration, listening at another port where one is given. */
function at(port: number | undefined, config: Config): Config {
  return port === undefined ? config : { ...config, server: { ...config.server, port } };
}

/** A router, and its supervisor where it has one. */
interface Run {
  readonly router: Router;
  readonly link: SupervisorLink | null;
}

async function run({ router, link }: Run, options: RunOptions, output: Output): Promise<void> {
  const ended = link?.ended ?? stopSignal(output).then(() => ({}));
  link?.on('reload', () => void reloaded(router));
  link?.on('restart', () => void router.restart().catch(() => null));
  if (link === null && !output.terminal) process.on('SIGHUP', () => void reloaded(router));
  await open({ router, link });
  try {
    if (options.watch) await router.watch();
    const url = await router.listen(inheritedSocket(options.env));
    link?.listening();
    if (options.json) output.line(JSON.stringify({ url }));
  } catch (error) {
    await router.close();
    throw await listenFailure(error, options.config);
  }
  await router.close(await ended);
}

/** The socket that systemd has opened for this process, or for its supervisor: the first file after standard error. */
function inheritedSocket({ LISTEN_PID, LISTEN_FDS }: NodeJS.ProcessEnv): { fd?: number } {
  const owner = cluster.isWorker ? process.ppid : process.pid;
  if (Number(LISTEN_PID) !== owner || LISTEN_FDS === undefined) return {};
  if (LISTEN_FDS !== '1') throw new Error(`systemd passes ${LISTEN_FDS} sockets, and the router listens on one`);
  return { fd: 3 };
}

/** The router has logged what is wrong, and goes on with what it has. */
function reloaded(router: Router): Promise<unknown> {
  return router.reload().catch(() => null);
}

async function open({ router, link }: Run): Promise<void> {
  outliveStrays(router);
  await endPluginWatch();
  try {
    if (link?.replaces) {
      await router.prepare();
      await link.prepared();
      await router.open({ storeFree: link.storeFree.then(() => {}) });
    } else await router.open();
  } catch (error) {
    if (error instanceof ComponentFailure)
      throw new CommandFailure(exitCodes.failed, `${error.code}: ${error.message}`);
    throw error;
  }
}

/**
 * What a plugin throws outside of any call, in a timer or an unawaited promise, does not end the process:
 * everything that counts is on disk, and a phone may be ringing.
 */
function outliveStrays(router: Router): void {
  const log = router.get(Log);
  process.on('unhandledRejection', (error) => log.error('process.error-uncaught', { error }));
  process.on('uncaughtException', (error) => log.error('process.error-uncaught', { error }));
}

/** Resolves with the first signal; the second one ends the process at once. */
export function stopSignal({ terminal }: Output): Promise<void> {
  return new Promise((resolve) => {
    let signals = 0;
    for (const name of ['SIGTERM', 'SIGINT', ...(terminal ? (['SIGHUP'] as const) : [])] as const)
      process.on(name, () => {
        signals += 1;
        if (signals > 1) process.exit(exitCodes.failed);
        resolve();
      });
  });
}
