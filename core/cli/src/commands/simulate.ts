/** `switchhook simulate`: runs scenarios as a platform would, and evaluates the router. */
import { existsSync } from 'node:fs';
import { type Config, ConfigurationError } from '@switchhook/core';
import { callList, eventList, longestPage } from '@switchhook/core/api';
import { systemClock } from '@switchhook/core/client';
import { type Network, newEventId, openNetwork } from '@switchhook/core/internal';
import { errorMessage } from '@switchhook/sdk/internal';
import {
  acknowledgedIn,
  type CallLookup,
  DryRunProcess,
  evaluateScenario,
  IncompatibleScenarioError,
  type Listing,
  pause,
  readScenario,
  runScenario,
  type Scenario,
  shippedFile,
  shippedScenarios,
  type Verdict,
} from '@switchhook/simulator';
import { RouterClient, type RouterOptions } from '../api-client.js';
import { localUrl } from '../configuration.js';
import { printVerdict } from '../format/scenario.js';
import { commandFile, configOf } from '../local-router.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { platformFor } from '../platform.js';
import { noteProblems, printJson, printTable } from '../print.js';

interface SimulateOptions extends RouterOptions {
  readonly start?: true;
  readonly list?: true;
  readonly to?: string;
  readonly agent?: string;
}

/** Requests between two lines of progress. */
const progressEvery = 25;

export async function runSimulate(output: Output, wanted: readonly string[], options: SimulateOptions): Promise<void> {
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
    else noteProblems(output, error.problems);
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
  const platform = platformFor(config, url, network);
  const total = scenario.steps.reduce((sum, { repeat }) => sum + repeat, 0);
  const onProgress = (done: number): void => {
    if (done % progressEvery === 0) output.progress(`${scenario.name}: ${done} of ${total} requests`);
  };
  const onOtherCaller = (from: string, instead: string): void =>
    output.note(
      `The router gave ${from} the answer of an earlier call: the scenario uses the number ${instead} instead.`,
    );
  const startedAtMs = clock.elapsed();
  try {
    const run = newEventId().slice(-12);
    const played = await runScenario(scenario, {
      platform,
      clock,
      stop,
      run,
      instead: { to, agent },
      onProgress,
      onOtherCaller,
    });
    const acknowledged = acknowledgedIn(played.exchanges);
    const listing = scenario.evaluate.received ? await listedEvents(api, acknowledged, startedAtMs) : null;
    return evaluateScenario(scenario, played, listing);
  } catch (error) {
    if (error instanceof IncompatibleScenarioError)
      throw new CommandFailure(exitCodes.usage, `scenario ${scenario.name}, ${error.message}`);
    throw error;
  } finally {
    output.progress('');
  }
}

async function started(config: string): Promise<DryRunProcess> {
  try {
    return await DryRunProcess.start(commandFile, config);
  } catch (error) {
    throw new CommandFailure(exitCodes.failed, errorMessage(error));
  }
}

async function requireRouter(network: Network, url: string): Promise<void> {
  try {
    await network.fetch(`${url.replace(/\/+$/, '')}/healthz`);
  } catch (error) {
    const reason = errorMessage(error);
    throw new CommandFailure(
      exitCodes.failed,
      `ROUTER_UNREACHABLE: ${url}: ${reason}\nIs it running? --start makes one.`,
    );
  }
}

/** Aborted by Ctrl-C: nothing more is sent, and what was sent is evaluated. A second Ctrl-C ends the process at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCodes.failed);
      controller.abort();
    });
  return controller.signal;
}

/** How long what was acknowledged may take to be listed. Calls are recorded beside their replies. */
const listingMs = 3_000;
const againMs = 200;
/** The clocks of two machines differ. */
const marginMs = 60_000;

/** Polls the API until it lists all acknowledged events or the time is up; then reads how the newest thousand calls were answered. */
export async function listedEvents(
  api: RouterClient,
  wanted: ReadonlySet<string>,
  startedAtMs: number,
): Promise<Listing> {
  const untilMs = systemClock.elapsed() + listingMs;
  try {
    for (;;) {
      const since = `${Math.ceil(systemClock.elapsed() - startedAtMs + marginMs)}ms`;
      const ids = await listedSince(api, since);
      if (systemClock.elapsed() > untilMs || [...wanted].every((id) => ids.has(id)))
        return { kind: 'listed', ids, lookups: await lookupsSince(api, since) };
      await pause(againMs, systemClock, new AbortController().signal);
    }
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    return { kind: 'unknown', reason: error.message.split('\n')[0] ?? '' };
  }
}

async function listedSince(api: RouterClient, since: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const { events } of api.pages('/api/events', eventList, { since }))
    for (const { id } of events) ids.add(id);
  return ids;
}

async function lookupsSince(api: RouterClient, since: string): Promise<readonly CallLookup[]> {
  const { calls } = await api.get('/api/calls', callList, { since, limit: String(longestPage) });
  return calls.flatMap(({ id: event, answer }) =>
    answer.lookups.map(({ resolver, outcome }) => ({ event, resolver, outcome })),
  );
}
