/** Options that several commands take, and how their values are read. */
import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Output } from '../output.js';

/** An action that imports its command when it runs: what a command needs takes a hundred times longer to load than what it is called. */
export function whenRun<A extends readonly unknown[]>(
  output: Output,
  load: () => Promise<(output: Output, ...given: A) => Promise<void>>,
): (...given: A) => Promise<void> {
  return async (...given) => (await load())(output, ...given);
}

const usualFile = 'config/switchhook.yaml';
const filesHere = ['switchhook.yaml', 'switchhook.config.ts'];

/** `--config`, or an option with other flags; by default the file where it usually is, or else the one that is here. */
export function configOption(description: string, flags = '-c, --config <file>'): Option {
  const file = [usualFile, ...filesHere].find((each) => existsSync(each)) ?? usualFile;
  return new Option(flags, description).default(file, [usualFile, ...filesHere].join(', or else '));
}

/** A command with `--config` and `--json`. */
export function configCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(configOption('the configuration file'))
    .option('--json', 'print JSON, for other programs');
}

/** A command with `--config`, `--json`, `--url` and `--token`. */
export function routerCommand(name: string, description: string): Command {
  return withAddress(configCommand(name, description));
}

/** A command with `--url` and `--token`. */
export function withAddress(command: Command): Command {
  return command
    .option('--url <url>', "the router's URL; default: the address in the configuration")
    .option('--token <token>', 'bearer token of its API; default: server.admin.token of the configuration');
}

/** A command with `--watch`. */
export function withWatch(command: Command): Command {
  return command.option('--watch', 'show the list anew each second, until Ctrl-C');
}

export function withEventFilter(command: Command): Command {
  return command
    .option('--source <name>', 'of this source')
    .option('--type <type>', 'of this type, e.g. conversation_ended')
    .option('--subject <id>', 'of this conversation or call')
    .option('--agent <id>', 'of this agent');
}

export function withDeliveryFilter(command: Command): Command {
  return command
    .option('--state <state>', 'waiting, running, delivered, dead, skipped or gathered')
    .option('--reason <reason>', 'rejected, exhausted or discarded')
    .option('--destination <name>', 'for this destination')
    .option('--route <name>', 'by this route')
    .option('--event <id>', 'of this event')
    .option('--failure <text>', 'whose last attempt failed so, as this list or `dead --group` shows it');
}

/** With a default where without `--since` there is no list but a period. */
export function withPeriod(command: Command, since?: string): Command {
  return command
    .option('--since <time>', 'not older than 2h, or since today, yesterday, 2026-01-01 or 2026-01-01T08:00', since)
    .option('--until <time>', 'older than 2h, or before today, yesterday, 2026-01-01 or 2026-01-01T08:00')
    .option('--utc', "read and show times in UTC instead of by this machine's clock");
}

export function withSettledPeriod(command: Command): Command {
  return command
    .option('--settled-since <time>', 'delivered, skipped or died not before this')
    .option('--settled-until <time>', 'delivered, skipped or died before this');
}

export function withDiedPeriod(command: Command): Command {
  return command
    .option('--died-since <time>', 'died at this time or later; with --state: was delivered or skipped then')
    .option('--died-until <time>', 'died before this time; with --state: was delivered or skipped then');
}

export function withPart(command: Command): Command {
  return command
    .option('--limit <number>', 'how many at most, up to 1000', '50')
    .option('--cursor <cursor>', 'continue where the last page ended');
}

/** Reads a port. */
export function portIn(text: string): number {
  const port = Number(text);
  if (text !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port, from 0 to 65535.');
}

/** Reads the URL of a server. */
export function httpUrlIn(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('It must be a URL that begins with https:// or http://.');
}

/** Reads a whole number. */
export function count(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
  };
}

/** Collects the values of an option that can be repeated. */
export function collected(value: string, all: readonly string[] = []): readonly string[] {
  return [...all, value];
}
