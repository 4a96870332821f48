/** What a configuration says about its router, and what is wrong with it. */
import { type Config, ConfigurationError, httpUrl, loadServer } from '@switchhook/core/client';
import { CommandFailure, exitCodes, type Output } from './output.js';
import { noteProblems, printJson } from './print.js';

/** What every command that reads a configuration takes. */
export interface ConfigOptions {
  readonly config: string;
  readonly json?: true;
}

/** The section `server` of the configuration, without loading a plugin: for commands that only ask a running router. */
export function serverOf(options: ConfigOptions, output: Output): Promise<Pick<Config, 'server'>> {
  return orProblems(options, output, async () => ({ server: await loadServer(options.config) }));
}

/** Where a router with this configuration listens, seen from this machine. */
export function localUrl({ server }: Pick<Config, 'server'>): string {
  const host = ['0.0.0.0', '::'].includes(server.host) ? '127.0.0.1' : server.host;
  return httpUrl(host, server.port);
}

/** What is loaded; where the configuration is wrong, its problems are printed and the command ends with 78. */
export async function orProblems<T>(options: ConfigOptions, output: Output, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    if (options.json) printJson(output, { valid: false, problems: error.problems });
    else noteProblems(output, error.problems);
    throw new CommandFailure(exitCodes.configuration);
  }
}
