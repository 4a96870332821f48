/** `switchhook check`: is the configuration right? With `--connect`: can everything be reached? */
import { readFileSync } from 'node:fs';
import { ComponentFailure, type Config, type Probe, type Router } from '@switchhook/core';
import { type PromptFit, promptFit } from '@switchhook/core/internal';
import type { Command } from 'commander';
import type { ConfigOptions } from '../configuration.js';
import { configOf, unopenedRouter, withComponents } from '../local-router.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { noteProblems, printJson, printTable } from '../print.js';

interface CheckOptions extends ConfigOptions {
  readonly connect?: true;
  readonly prompt?: string;
  readonly answer?: string;
}

/** How long a component may take to reach what it depends on. */
const probeMs = 10_000;

export async function runCheck(
  output: Output,
  file: string | undefined,
  options: CheckOptions,
  command: Command,
): Promise<void> {
  if (file !== undefined && command.getOptionValueSource('config') === 'cli')
    throw new CommandFailure(exitCodes.usage, `name one file: ${file}, or --config ${options.config}`);
  const config = await configOf({ ...options, config: file ?? options.config }, output);
  const fits = options.prompt === undefined ? [] : promptFits(config, options.prompt, options.answer);
  const router = unopenedRouter(config);
  const probes = options.connect ? await probed(router, output) : [];
  const valid = fits.every(({ unfilled }) => unfilled.length === 0);
  if (options.json) {
    const found = { ...(options.connect && { probes }), ...(options.prompt !== undefined && { prompt: fits }) };
    printJson(output, { valid, file: config.file, warnings: config.warnings, ...found });
  } else print(config, { probes, fits, prompt: options.prompt ?? '' }, output);
  if (!valid) throw new CommandFailure(exitCodes.configuration);
  if (probes.some(({ failure }) => failure !== null)) throw new CommandFailure(exitCodes.failed);
}

function promptFits({ answers }: Config, file: string, wanted: string | undefined): readonly PromptFit[] {
  const rows = wanted === undefined ? answers : answers.filter(({ name }) => name === wanted);
  if (rows.length === 0) {
    const names = answers.map(({ name }) => name).join(', ') || 'none';
    throw new CommandFailure(exitCodes.usage, `there is no answer for the prompt; the configuration has: ${names}`);
  }
  try {
    const prompt = readFileSync(file, 'utf8');
    return rows.map((row) => promptFit(prompt, row));
  } catch (error) {
    throw new CommandFailure(
      exitCodes.usage,
      `the prompt cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}

async function probed(router: Router, output: Output): Promise<readonly Probe[]> {
  try {
    return await withComponents(router, output, () => router.probe(probeMs));
  } catch (error) {
    if (!(error instanceof ComponentFailure)) throw error;
    throw new CommandFailure(exitCodes.failed, `${error.code}: ${error.message}`);
  }
}

interface Findings {
  readonly probes: readonly Probe[];
  readonly fits: readonly PromptFit[];
  /** The prompt's file. */
  readonly prompt: string;
}

function print(config: Config, { probes, fits, prompt }: Findings, output: Output): void {
  const { sources, destinations, resolvers, routes, answers } = config;
  const counts = { source: sources, destination: destinations, resolver: resolvers, route: routes, answer: answers };
  const summary = Object.entries(counts)
    .filter(([, rows]) => rows.length > 0)
    .map(([word, rows]) => `${rows.length} ${word}${rows.length === 1 ? '' : 's'}`);
  if (config.warnings.length > 0) {
    noteProblems(output, config.warnings, 'warning');
    output.note('');
  }
  const failed = probes.filter(({ failure }) => failure !== null).length;
  if (failed > 0) output.line(styled(output, 'red', `${failed} of ${probes.length} cannot be reached`));
  output.line(`${styled(output, 'green', 'ok')} ${config.file}: ${summary.join(', ')}`);
  for (const fit of fits) printFit(fit, prompt, output);
  if (probes.length === 0) return;
  const failing = probes.filter(({ failure }) => failure !== null);
  const rows = [...failing, ...probes.filter(({ failure }) => failure === null)].map(
    ({ kind, name, type, failure, note }) => [
      kind,
      name,
      type,
      failure === null ? (note ?? 'ok') : styled(output, 'red', failure),
    ],
  );
  printTable(output, ['kind', 'name', { heading: 'use', drop: 1 }, { heading: 'reached', cut: 20 }], rows);
}

function printFit({ answer, unfilled, unused }: PromptFit, prompt: string, output: Output): void {
  for (const { name, line, suggestion } of unfilled) {
    const meant = suggestion === null ? '' : `; did you mean "${suggestion}"?`;
    const code = styled(output, 'red', 'UNSUPPLIED_VARIABLE');
    output.note(`${prompt}:${line}  ${code}  answer "${answer}" does not supply {{ ${name} }}${meant}`);
  }
  if (unfilled.length === 0)
    output.line(`${styled(output, 'green', 'ok')} ${prompt}: answer "${answer}" supplies every placeholder`);
  if (unused.length > 0) output.note(`${prompt}: does not use ${unused.join(', ')} of answer "${answer}"`);
}
