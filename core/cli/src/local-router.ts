/** Options and steps that several commands share. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  ComponentFailure,
  type Config,
  ConfigurationError,
  PageFiles,
  Router,
  type RouterOptions,
} from '@switchhook/core';
import { httpUrl, loadConfig, loadServer, located, Mask, systemClock, watchLoading } from '@switchhook/core/internal';
import type { HttpClient } from '@switchhook/sdk';
import { Platform } from '@switchhook/simulator';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CommandFailure, exitCodes, noteProblems, type Output, printJson } from './output.js';

/** What every command that reads a configuration takes. */
export interface ConfigOptions {
  readonly config: string;
  readonly json?: true;
}

/** The script of this command, to start a router in a process of its own. */
export const commandFile = fileURLToPath(new URL('../bin/switchhook.js', import.meta.url));

const usualFile = 'config/switchhook.yaml';
const filesHere = ['switchhook.yaml', 'switchhook.config.ts'];

/** `--config`, by default the file where it usually is, or else the one that is here. */
export function configOption(description: string): Option {
  const file = [usualFile, ...filesHere].find((each) => existsSync(each)) ?? usualFile;
  return new Option('-c, --config <file>', description).default(file, [usualFile, ...filesHere].join(', or else '));
}

/** A command with `--config` and `--json`. */
export function configCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(configOption('the configuration file'))
    .option('--json', 'print JSON, for other programs');
}

/** Of an option that takes a port. */
export function portIn(text: string): number {
  const port = Number(text);
  if (text !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port, from 0 to 65535.');
}

let loadWatch: ReturnType<typeof watchLoading> | null = null;

/** Reports plugins that do not return while they are loaded, made or used, until the command ends or a router watches for itself. */
function watchPlugins(): void {
  loadWatch ??= watchLoading({ reportMs: 5_000, endMs: 60_000, exitCode: exitCodes.configuration });
}

/** Ends what `watchPlugins` began: a router that is opened has a watchdog of its own. */
export async function endPluginWatch(): Promise<void> {
  await loadWatch?.close();
  loadWatch = null;
}

/** The configuration; where it is wrong, its problems are printed and the command ends with 78. */
export function configOf(options: ConfigOptions, output: Output): Promise<Config> {
  watchPlugins();
  return orProblems(options, output, () => loadConfig(options.config));
}

/** The section `server` of the configuration, without loading a plugin: for commands that only ask a running router. */
export function serverOf(options: ConfigOptions, output: Output): Promise<Pick<Config, 'server'>> {
  return orProblems(options, output, async () => ({ server: await loadServer(options.config) }));
}

async function orProblems<T>(options: ConfigOptions, output: Output, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    if (options.json) printJson(output, { valid: false, problems: error.problems });
    else noteProblems(output, error.problems);
    throw new CommandFailure(exitCodes.configuration);
  }
}

/** A router whose components are made but not opened; where one cannot be made of its options, the command ends with 78. */
export function routerOf(config: Config, options?: RouterOptions): Router {
  const folder = dashboardFolder();
  try {
    return new Router(config, {
      ...options,
      configure: (container) => folder !== null && container.register(PageFiles, { useValue: folder }),
    });
  } catch (error) {
    if (error instanceof ComponentFailure)
      throw new CommandFailure(exitCodes.configuration, `${error.code}: ${error.message}`);
    throw error;
  }
}

/** Where the files of the dashboard are; null where its package is not installed. */
function dashboardFolder(): string | null {
  try {
    return fileURLToPath(new URL('dist', import.meta.resolve('@switchhook/dashboard/package.json')));
  } catch {
    // The package is optional: a router works without it.
    return null;
  }
}

/** A router that logs nothing, for the signatures of its sources. */
export function unopenedRouter(config: Config): Router {
  return routerOf({ ...config, log: { level: 'silent' } });
}

/** Where a router with this configuration listens, seen from this machine. */
export function localUrl({ server }: Pick<Config, 'server'>): string {
  const host = ['0.0.0.0', '::'].includes(server.host) ? '127.0.0.1' : server.host;
  return httpUrl(host, server.port);
}

/** Opens a router's components, but not its store, and closes them after use. */
export async function withComponents<T>(router: Router, output: Output, use: () => Promise<T>): Promise<T> {
  // As in `start`: what a plugin throws outside of any call does not end the process.
  const reported = new Set<string>();
  const tell = (error: unknown): void => {
    const text = located(error, router.get(Mask));
    if (!reported.has(text)) output.note(`process.error-uncaught: ${text}`);
    reported.add(text);
  };
  process.on('unhandledRejection', tell);
  process.on('uncaughtException', tell);
  try {
    await router.openComponents();
    return await use();
  } finally {
    await router.close();
    // Node reports a rejection when the process becomes idle, not before.
    await new Promise(setImmediate);
    process.off('unhandledRejection', tell);
    process.off('uncaughtException', tell);
  }
}

/** Signs with the secrets of the configuration, and sends to the router at this URL. */
export function platformFor(config: Config, url: string, http: HttpClient): Platform {
  const router = unopenedRouter(config);
  const sign = (source: string, body: Uint8Array) => router.signed(source, body);
  return new Platform({ sources: config.sources, sign, url, http, clock: systemClock });
}
