/** Reads and checks a configuration file, with the plugins that it names. */
import { checkConfig } from '../config/check.js';
import type { Config } from '../config/config.js';
import { namedPlugins } from '../config/load.js';
import { ConfigurationError } from '../config/problem.js';
import { readConfigFile } from './config-file.js';
import { digestsOf } from './file-digests.js';
import { openCatalog } from './plugin-loader.js';

/** Throws a `ConfigurationError` with all its problems. */
export async function loadConfig(file: string): Promise<Config> {
  const document = await readConfigFile(file);
  const named = namedPlugins(document);
  const catalog = openCatalog(document.directory, [], named);
  const checked = await checkConfig(document, catalog);
  const files = [...document.files, ...catalog.files];
  if (checked.kind === 'problems') throw new ConfigurationError(checked.problems, files);
  const { config } = checked;
  return { ...config, files, named, digests: digestsOf(files), outdated: catalog.outdated };
}
