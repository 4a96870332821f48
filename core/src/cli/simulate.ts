/** `switchhook simulate`: plays scenarios as a platform would, and judges the router. */

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Config } from '../config/config.js';
import { formatProblems } from '../config/problem.js';
import { newEventId } from '../ids.js';
import { messageOf } from '../message-of.js';
import { systemClock } from '../runtime/clock.js';
import { ConfigurationError } from '../runtime/create-router.js';
import { type Network, openNetwork } from '../runtime/fetch.js';
import { acknowledgedIn, judged, type Verdict } from '../simulation/judge.js';
import { play, UnfitScenario } from '../simulation/play.js';
import { RehearsalProcess } from '../simulation/rehearsal-process.js';
import type { Scenario } from '../simulation/scenario.js';
import { readScenario, shippedFile, shippedScenarios } from '../simulation/scenario-file.js';
import { RouterClient, type RouterOptions, routerCommand } from './api-client.js';
import { CommandFailure, exitCodes } from './failure.js';
import { listedEvents } from './listed-events.js';
import { configOf, localUrl } from './options.js';
import { type Output, printJson, printTable } from './output.js';
import { platformFor } from './platform.js';
import { printVerdict } from './verdict.js';

interface SimulateOptions extends RouterOptions {
  readonly start?: true;
  readonly list?: true;
  readonly to?: string;
  readonly agent?: string;
}

/** Requests between two lines of progress. */
const progressEvery = 25;

export function simulateCommand(output: Output): Command {
  return routerCommand(
    'simulate',
    'Play scenarios as a calling platform would, signed, and judge what the router does.',
  )
    .argument('[scenarios...]', 'a scenario that comes with the router, or a file')
    .option(
      '--start',
      'start a router for it: on a free port, with a store that is gone afterwards, giving events to nobody',
    )
    .option('--to <number>', 'the number that is rung, whatever the scenario says')
    .option('--agent <id>', 'the agent of that number')
    .option('--list', 'list the scenarios that come with the router')
    .addHelpText(
      'after',
      `
Examples:
  switchhook simulate --list
  switchhook simulate happy-call --start
  switchhook simulate fifty-phones --start --to +12345678913
  switchhook simulate my-scenario.yaml --url http://localhost:8080 --json

Without --start the router of the configuration, or of --url, is asked: its routes deliver what is simulated like
anything else. Exit code 1 if something broke. docs/simulating.md describes scenarios and how to write one.`,
    )
    .action(async (wanted: readonly string[], options: SimulateOptions) => {
      if (options.list) return list(options, output);
      const scenarios = wanted.map((name) => scenarioOf(name, options, output));
      if (scenarios.length === 0)
        throw new CommandFailure(exitCodes.usage, `name a scenario: ${shippedScenarios().join(', ')}, or a file`);
      if (options.start && options.url !== undefined)
        throw new CommandFailure(exitCodes.usage, '--start makes a router of its own: --url is not needed');
      const config = await configOf(options, output);
      const verdicts = await simulated(scenarios, config, options, output);
      const passed = verdicts.every((verdict) => verdict.passed);
      if (options.json) printJson(output, { passed, verdicts });
      if (!passed) throw new CommandFailure(exitCodes.failed);
    });
}

function list(options: SimulateOptions, output: Output): void {
  const scenarios = shippedScenarios().map((name) => {
    const { description } = readScenario(shippedFile(name));
    return { name, description };
  });
  if (options.json) printJson(output, scenarios);
  else {
    const rows = scenarios.map(({ name, description }) => [name, description]);
    printTable(output, ['scenario', 'what happens'], rows);
  }
}

function scenarioOf(wanted: string, options: SimulateOptions, output: Output): Scenario {
  const shipped = shippedScenarios().includes(wanted);
  if (!shipped && !existsSync(wanted))
    throw new CommandFailure(
      exitCodes.usage,
      `${wanted} is neither a file nor a scenario; scenarios: ${shippedScenarios().join(', ')}`,
    );
  try {
    return readScenario(shipped ? shippedFile(wanted) : wanted);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    if (options.json) printJson(output, { valid: false, problems: error.problems });
    else output.note(formatProblems(error.problems, { colour: output.terminal }));
    throw new CommandFailure(exitCodes.configuration);
  }
}

async function simulated(
  scenarios: readonly Scenario[],
  config: Config,
  options: SimulateOptions,
  output: Output,
): Promise<readonly Verdict[]> {
  const stop = stopSignal();
  const network = openNetwork();
  const own = options.start ? await started(options.config) : null;
  try {
    const url = own?.url ?? options.url ?? localUrl(config);
    await requireRouter(network, url);
    const token = options.token ?? config.server.adminToken;
    const stage = { config, url, network, api: new RouterClient(network, url, own === null ? token : null), stop };
    const verdicts: Verdict[] = [];
    for (const scenario of scenarios) {
      const verdict = await verdictOn(scenario, stage, options, output);
      if (!options.json) printVerdict(verdict, output);
      verdicts.push(verdict);
      if (stop.aborted) throw new CommandFailure(exitCodes.failed, 'stopped before the end');
    }
    return verdicts;
  } finally {
    await own?.stop();
    await network.close();
  }
}

/** Where a scenario is played. */
interface Stage {
  readonly config: Config;
  readonly url: string;
  readonly network: Network;
  readonly api: RouterClient;
  readonly stop: AbortSignal;
}

async function verdictOn(
  scenario: Scenario,
  { config, url, network, api, stop }: Stage,
  { to, agent }: SimulateOptions,
  output: Output,
): Promise<Verdict> {
  const clock = systemClock;
  const platform = platformFor(config, url, network.fetch);
  const total = scenario.steps.reduce((sum, { repeat }) => sum + repeat, 0);
  const onProgress = (done: number): void => {
    if (done % progressEvery === 0) output.progress(`${scenario.name}: ${done} of ${total} requests`);
  };
  const startedAtMs = clock.elapsed();
  try {
    const run = newEventId().slice(-12);
    const played = await play(scenario, { platform, clock, stop, run, instead: { to, agent }, onProgress });
    const acknowledged = acknowledgedIn(played.exchanges);
    const listing = scenario.judge.received ? await listedEvents(api, acknowledged, startedAtMs) : null;
    return judged(scenario, played, listing);
  } catch (error) {
    if (error instanceof UnfitScenario)
      throw new CommandFailure(exitCodes.usage, `scenario ${scenario.name}, ${error.message}`);
    throw error;
  } finally {
    output.progress('');
  }
}

async function started(config: string): Promise<RehearsalProcess> {
  try {
    return await RehearsalProcess.start(config);
  } catch (error) {
    throw new CommandFailure(exitCodes.failed, messageOf(error));
  }
}

async function requireRouter({ fetch }: Network, url: string): Promise<void> {
  try {
    await fetch(`${url.replace(/\/+$/, '')}/healthz`);
  } catch (error) {
    const reason = messageOf(error);
    throw new CommandFailure(
      exitCodes.failed,
      `ROUTER_UNREACHABLE: ${url}: ${reason}\nIs it running? --start makes one.`,
    );
  }
}

/** Aborted by Ctrl-C: nothing more is sent, and what was sent is judged. A second one ends the process at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCodes.failed);
      controller.abort();
    });
  return controller.signal;
}
