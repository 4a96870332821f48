/** Options and steps that several commands share. */
import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { Config } from '../config/config.js';
import { formatProblems } from '../config/problem.js';
import { ComponentFailure } from '../runtime/component-failure.js';
import { ConfigurationError, loadConfig } from '../runtime/create-router.js';
import { Router } from '../runtime/router.js';
import { CommandFailure, exitCodes } from './failure.js';
import { type Output, printJson } from './output.js';

/** What every command that reads a configuration takes. */
export interface ConfigOptions {
  readonly config: string;
  readonly json?: true;
}

const usualFile = 'config/switchhook.yaml';
const fileHere = 'switchhook.yaml';

/** `--config`, by default the file where it usually is, or else the one that is here. */
export function configOption(description: string): Option {
  const file = !existsSync(usualFile) && existsSync(fileHere) ? fileHere : usualFile;
  return new Option('-c, --config <file>', description).default(file, `${usualFile}, or else ${fileHere}`);
}

/** A command with `--config` and `--json`. */
export function configCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(configOption('the configuration file'))
    .option('--json', 'print JSON, for other programs');
}

/** The configuration; where it is wrong, its problems are printed and the command ends with 78. */
export async function configOf(options: ConfigOptions, output: Output): Promise<Config> {
  try {
    return await loadConfig(options.config);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    if (options.json) printJson(output, { valid: false, problems: error.problems });
    else output.note(formatProblems(error.problems, { colour: output.terminal }));
    throw new CommandFailure(exitCodes.configuration);
  }
}

/** A router whose components are made but not opened; where one cannot be made of its options, the command ends with 78. */
export function routerOf(config: Config): Router {
  try {
    return new Router(config);
  } catch (error) {
    if (error instanceof ComponentFailure)
      throw new CommandFailure(exitCodes.configuration, `${error.code}: ${error.message}`);
    throw error;
  }
}

/** One that logs nothing: to ask its sources how they sign. */
export function unopenedRouter(config: Config): Router {
  return routerOf({ ...config, log: { level: 'silent' } });
}

/** Where a router with this configuration listens, seen from this machine. */
export function localUrl({ server }: Config): string {
  const host = ['0.0.0.0', '::'].includes(server.host) ? '127.0.0.1' : server.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`;
}
