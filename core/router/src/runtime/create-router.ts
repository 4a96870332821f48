/** From a configuration file to a router. */
import { checkConfig, checkServer } from '../config/check.js';
import type { Config, ServerConfig } from '../config/config.js';
import { namedPlugins } from '../config/load.js';
import { formatProblems, type Problem } from '../config/problem.js';
import type { RouterOptions } from './composition.js';
import { readConfigFile } from './config-file.js';
import { type ComponentCatalog, openCatalog } from './plugin-loader.js';
import { Router } from './router.js';

/** The configuration is wrong; `problems` lists every mistake. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(readonly problems: readonly Problem[]) {
    super(formatProblems(problems));
  }
}

/**
 * Makes a router from a configuration file. Nothing is opened yet: call `open`, then `listen`, or mount `listener` in a
 * server of your own; `close` ends it. Throws a `ConfigurationError` or a `ComponentFailure`.
 *
 * ```ts
 * const router = await createRouter('switchhook.yaml');
 * await router.open();
 * await router.listen();
 * ```
 */
export async function createRouter(file: string, options: RouterOptions = {}): Promise<Router> {
  return new Router(await loadConfig(file), options);
}

/** Reads and checks a configuration file. Throws a `ConfigurationError` with all its problems. */
export async function loadConfig(file: string): Promise<Config> {
  const document = await readConfigFile(file);
  const checked = await checkConfig(document, openCatalog(document.directory));
  if (checked.kind === 'problems') throw new ConfigurationError(checked.problems);
  return checked.config;
}

/**
 * Reads the section `server` of a configuration file, and loads no plugin: enough to reach its running router. Throws a
 * `ConfigurationError`.
 */
export async function loadServer(file: string): Promise<ServerConfig> {
  const checked = checkServer(await readConfigFile(file));
  if (!('port' in checked)) throw new ConfigurationError(checked);
  return checked;
}

/** The catalog of a configuration file with the plugins it names, whatever else is wrong with the file, or if there is none. */
export async function catalogFor(file: string): Promise<ComponentCatalog> {
  const document = await readConfigFile(file);
  const catalog = openCatalog(document.directory);
  for (const name of namedPlugins(document)) await catalog.load(name);
  return catalog;
}
