/** `switchhook check`: is the configuration right? With `--connect`: can everything be reached? */
import type { Command } from 'commander';
import type { Config } from '../config/config.js';
import type { Probe, Router } from '../runtime/router.js';
import { CommandFailure, exitCodes } from './failure.js';
import { type ConfigOptions, configCommand, configOf, unopenedRouter } from './options.js';
import { type Output, printJson, printTable, styled } from './output.js';

interface CheckOptions extends ConfigOptions {
  readonly connect?: true;
}

/** How long a component may take to reach what it depends on. */
const probeMs = 10_000;

export function checkCommand(output: Output): Command {
  return configCommand('check', 'Check the configuration: every problem at once, with file, line and column.')
    .argument('[file]', 'the configuration file, as --config')
    .option('--connect', 'also reach what destinations and resolvers depend on, without effect')
    .addHelpText(
      'after',
      `
Examples:
  switchhook check
  switchhook check config/examples/slack.yaml
  switchhook check --connect --json`,
    )
    .action(async (file: string | undefined, options: CheckOptions) => {
      const config = await configOf({ ...options, config: file ?? options.config }, output);
      const router = unopenedRouter(config);
      const probes = options.connect ? await probed(router) : [];
      if (options.json) printJson(output, { valid: true, file: config.file, ...(options.connect && { probes }) });
      else print(config, probes, output);
      if (probes.some(({ failure }) => failure !== null)) throw new CommandFailure(exitCodes.failed);
    });
}

async function probed(router: Router): Promise<readonly Probe[]> {
  try {
    await router.openComponents();
    return await router.probe(probeMs);
  } finally {
    await router.close();
  }
}

function print(config: Config, probes: readonly Probe[], output: Output): void {
  const { sources, destinations, resolvers, routes, answers } = config;
  const counts = { source: sources, destination: destinations, resolver: resolvers, route: routes, answer: answers };
  const summary = Object.entries(counts)
    .filter(([, rows]) => rows.length > 0)
    .map(([word, rows]) => `${rows.length} ${word}${rows.length === 1 ? '' : 's'}`);
  output.line(`${styled(output, 'green', 'ok')} ${config.file}: ${summary.join(', ')}`);
  if (probes.length === 0) return;
  const rows = probes.map(({ kind, name, type, failure }) => [kind, name, type, failure ?? 'ok']);
  printTable(output, ['kind', 'name', 'use', 'reached'], rows);
}
