/** `switchhook start`: runs the router until it is stopped by a signal. */

import { ComponentFailure, type Config, Log, type Router } from '@switchhook/core';
import { loadConfig } from '@switchhook/core/internal';
import { dryRunOf } from '@switchhook/simulator';
import type { Command } from 'commander';
import { type ConfigOptions, configCommand, configOf, endPluginWatch, portIn, routerOf } from '../local-router.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { startTracing } from '../tracing-sdk.js';

interface StartOptions extends ConfigOptions {
  readonly dryRun?: true;
  readonly watch?: true;
  readonly otel?: true;
  readonly port?: number;
}

export function startCommand(output: Output): Command {
  return configCommand(
    'start',
    'Run the router. SIGTERM or SIGINT ends it: what runs is finished, the rest waits for the next start.',
  )
    .option('--dry-run', 'on a free port, with a temporary store, without real deliveries')
    .option(
      '--port <number>',
      'listen at this port in place of server.port; with --dry-run in place of a free one',
      portIn,
    )
    .option('--watch', 'reload when the configuration file is saved, or a file that it refers to')
    .option(
      '--otel',
      'send traces by OpenTelemetry; default: only if its packages are installed and OTEL_EXPORTER_OTLP_ENDPOINT is set',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchhook start
  switchhook start --config /etc/switchhook/switchhook.yaml
  switchhook start --dry-run --port 8080
  switchhook start --watch
  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 switchhook start

SIGHUP reloads the configuration, as switchhook reload does; on a terminal, which sends it when it is closed, it ends the router.
A second signal ends at once; nothing that was acknowledged is lost either way.`,
    )
    .action(async (options: StartOptions) => {
      const config = await configOf(options, output);
      const endTracing = await startTracing({ ...options, required: options.otel === true, env: process.env });
      try {
        await runConfigured(config, options, output);
      } finally {
        await endTracing?.();
      }
    });
}

async function runConfigured(config: Config, options: StartOptions, output: Output): Promise<void> {
  if (!options.dryRun) {
    const load = async () => at(options.port, await loadConfig(options.config));
    return run(routerOf(at(options.port, config), { load }), options, output);
  }
  const dryRun = await dryRunOf(config);
  try {
    const load = async () => at(options.port, dryRun.of(await loadConfig(options.config)));
    const router = routerOf(at(options.port, dryRun.of(config)), { load });
    const log = router.get(Log);
    log.warn('router.dry-run', { deliveries: 'accepted and discarded', store: 'temporary' });
    await run(router, options, output);
  } finally {
    await dryRun.end();
  }
}

/** The configuration, listening at another port where one is given. */
function at(port: number | undefined, config: Config): Config {
  return port === undefined ? config : { ...config, server: { ...config.server, port } };
}

async function run(router: Router, options: StartOptions, output: Output): Promise<void> {
  const stopped = stopSignal(output);
  if (!output.terminal) process.on('SIGHUP', () => void reloaded(router));
  await open(router);
  try {
    if (options.watch) await router.watch();
    const url = await router.listen();
    if (options.json) output.line(JSON.stringify({ url }));
  } catch (error) {
    await router.close();
    throw new CommandFailure(exitCodes.failed, `cannot listen: ${error instanceof Error ? error.message : error}`);
  }
  await stopped;
  await router.close();
}

/** The router has logged what is wrong, and goes on with what it has. */
function reloaded(router: Router): Promise<unknown> {
  return router.reload().catch(() => null);
}

async function open(router: Router): Promise<void> {
  outliveStrays(router);
  await endPluginWatch();
  try {
    await router.open();
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
