/** Options and steps that several commands share. */
import { fileURLToPath } from 'node:url';
import { ComponentFailure, type Config, PageFiles, Router, type RouterOptions } from '@switchhook/core';
import {
  catalogFor,
  loadConfig,
  located,
  Mask,
  StateKept,
  temporaryState,
  watchLoading,
} from '@switchhook/core/internal';
import { type ConfigOptions, orProblems } from './configuration.js';
import { CommandFailure, exitCodes, type Output } from './output.js';

/** The script of this command, to start a router in a process of its own. */
export const commandFile = fileURLToPath(new URL('../bin/switchhook.js', import.meta.url));

let loadWatch: ReturnType<typeof watchLoading> | null = null;

/** Reports plugins that do not return while they are loaded, made or used, until the command ends or a router watches for itself. */
export function watchPlugins(): void {
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

/** The plugins that a configuration can use, whatever else is wrong with it. */
export function catalogOf({ config }: Pick<ConfigOptions, 'config'>): ReturnType<typeof catalogFor> {
  watchPlugins();
  return catalogFor(config);
}

/** A router whose components are made but not opened; where one cannot be made of its options, the command ends with 78. */
export function routerOf(config: Config, options?: RouterOptions): Router {
  const folder = dashboardFolder();
  try {
    return new Router(config, {
      ...options,
      configure: (container) => {
        options?.configure?.(container);
        if (folder !== null) container.register(PageFiles, { useValue: folder });
      },
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

/** A router that logs nothing and whose store is not opened: for signatures, probes and look-ups. Plugins begin without `State`. */
export function unopenedRouter(config: Config): Router {
  return routerOf(
    { ...config, log: { level: 'silent' } },
    { configure: (container) => container.register(StateKept, { useValue: temporaryState }) },
  );
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
