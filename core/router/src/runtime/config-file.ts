/** Reads a configuration file: YAML, or a module of JavaScript or TypeScript whose default export is a configuration. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ServerConfig } from '../config/config.js';
import { ConfigDocument } from '../config/diagnostics.js';
import { documentOf, readConfig } from '../config/load.js';
import { ConfigurationError } from '../config/problem.js';
import { checkServer } from '../config/server.js';
import { described } from '../system/returned.js';
import { locateIn } from '../system/thrown.js';
import { importProblem } from './import-problem.js';
import { LocalModules } from './local-modules.js';
import { exportOf } from './plugin-files.js';

/** What is wrong with the file is in the document: this never throws. */
export async function readConfigFile(file: string): Promise<ConfigDocument> {
  if (!/\.[cm]?[jt]s$/.test(file) || !existsSync(file)) return readConfig(file);
  const path = resolve(file);
  const local = new LocalModules();
  locateIn(dirname(path));
  try {
    const module = await local.import(path);
    const value = exportOf(module);
    if (typeof value === 'object' && value !== null && value !== module)
      return documentOf(value, file, [...local.files]);
    const found = value === module ? 'none' : described(value);
    return unreadable(file, `the default export must be a configuration, and is ${found}`);
  } catch (error) {
    const { message, hint } = await importProblem(error, local.files);
    return unreadable(file, `the file cannot be imported: ${message}`, hint);
  }
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

function unreadable(file: string, message: string, hint?: string): ConfigDocument {
  const problem = {
    code: 'CONFIG_UNREADABLE',
    message,
    offset: null,
    path: [],
    ...(hint !== undefined && { hint }),
  } as const;
  return new ConfigDocument({
    file,
    directory: dirname(resolve(file)),
    source: '',
    root: null,
    diagnostics: [problem],
  });
}
