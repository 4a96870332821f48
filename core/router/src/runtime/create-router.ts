/** From a configuration file to a router. */
import { namedPlugins } from '../config/load.js';
import { beginWork } from '../system/current-work.js';
import type { RouterOptions } from './composition.js';
import { readConfigFile } from './config-file.js';
import { loadConfig } from './load-config.js';
import { type ComponentCatalog, openCatalog } from './plugin-loader.js';
import { Router } from './router.js';

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

/** The catalog of a configuration file with the plugins it names, whatever else is wrong with the file, or if there is none. */
export async function catalogFor(file: string): Promise<ComponentCatalog> {
  const document = await readConfigFile(file);
  const named = namedPlugins(document);
  const catalog = openCatalog(document.directory, [], named);
  for (const row of named) {
    const endWork = beginWork(`plugins ${row.use} (${document.file})`);
    await catalog.load(row);
    endWork();
  }
  return catalog;
}
