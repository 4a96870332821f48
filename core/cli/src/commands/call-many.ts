/** Many calls at once: how fast they are answered, and with which variables. */

import type { Config } from '@switchhook/core';
import { callAnswer } from '@switchhook/core/api';
import { systemClock } from '@switchhook/core/client';
import { openNetwork } from '@switchhook/core/internal';
import type { JsonObject } from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import {
  acknowledgedIn,
  evaluateScenario,
  offlineClient,
  offlineUrl,
  type Platform,
  runScenario,
  type ScenarioRun,
  type StepVerdict,
  scenarioFrom,
} from '@switchhook/simulator';
import { localUrl } from '../configuration.js';
import { answerText, quantilesText, statusesText } from '../format/scenario.js';
import { unopenedRouter, withComponents } from '../local-router.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { platformFor } from '../platform.js';
import { printJson, printTable } from '../print.js';

/** Who calls whom, and how often. */
export interface ManyCalls {
  readonly from: string;
  readonly to: string;
  readonly agent?: string;
  readonly url?: string;
  readonly offline?: true;
  readonly repeat: number;
  readonly concurrency: number;
  readonly json?: true;
}

/** Longer lists are not useful. */
const shownAnswers = 10;

/** Makes the calls, prints what came of them, and ends the command with 1 where one was not answered. */
export async function callRepeatedly(config: Config, source: string, calls: ManyCalls, output: Output): Promise<void> {
  const scenario = scenarioOf(source, calls);
  const running = async (platform: Platform): Promise<ScenarioRun> => {
    const onProgress = (done: number): void => output.progress(`${done} of ${calls.repeat} calls`);
    const stop = new AbortController().signal;
    return runScenario(scenario, { platform, clock: systemClock, stop, run: '', instead: {}, onProgress });
  };
  const failures = new Map<string, string | null>();
  const run = calls.offline ? await offline(config, failures, running, output) : await online(config, calls, running);
  output.progress('');
  for (const [resolver, reason] of failures) output.note(`${resolver} failed: ${reason}`);
  const { steps, violations } = evaluateScenario(scenario, run, null);
  const [step] = steps;
  const events = acknowledgedIn(run.exchanges).size;
  if (step === undefined) return;
  if (calls.json) {
    const { sent, statuses, times, answers } = step;
    printJson(output, { source, sent, events, statuses, times, answers });
  } else print({ events, ...step }, output);
  const [failure] = violations;
  if (failure !== undefined) throw new CommandFailure(exitCodes.failed, `${failure.what} (${failure.count} times)`);
}

function scenarioOf(source: string, { from, to, agent, repeat, concurrency }: ManyCalls) {
  const ring = { from, to, ...(agent !== undefined && { agent }) };
  try {
    return scenarioFrom({
      name: 'calls',
      description: 'The same call, or one call after the other.',
      steps: [{ ring, as: source, repeat, concurrency }],
    });
  } catch (error) {
    throw new CommandFailure(exitCodes.usage, errorMessage(error));
  }
}

async function online(
  config: Config,
  { url }: ManyCalls,
  running: (platform: Platform) => Promise<ScenarioRun>,
): Promise<ScenarioRun> {
  const network = openNetwork();
  try {
    return await running(platformFor(config, url ?? localUrl(config), network));
  } finally {
    await network.close();
  }
}

/** Collects why resolvers failed: nothing else reports it, and defaults look like answers. */
async function offline(
  config: Config,
  failures: Map<string, string | null>,
  running: (platform: Platform) => Promise<ScenarioRun>,
  output: Output,
): Promise<ScenarioRun> {
  const router = unopenedRouter(config);
  const onTrace = (trace: JsonObject): void => {
    for (const { resolver, outcome, reason } of callAnswer.parse(trace).lookups)
      if (outcome === 'failed') failures.set(resolver, reason);
  };
  return withComponents(router, output, () => running(platformFor(config, offlineUrl, offlineClient(router, onTrace))));
}

interface Findings extends StepVerdict {
  /** Calls as the router counts them: several requests may be about one call. */
  readonly events: number;
}

function print({ sent, events, statuses, answers, times }: Findings, output: Output): void {
  const again = events === sent || events === 0 ? '' : `, which the router took for ${events}`;
  output.line(`${sent} calls${again}: ${statusesText(statuses)}`);
  if (times !== null) output.line(`ring time: ${quantilesText(times)}`);
  const rows = answers.slice(0, shownAnswers).map((answer) => [String(answer.count), answerText(answer)]);
  printTable(output, ['calls', 'variables'], rows);
  if (answers.length > rows.length) output.line(`and ${answers.length - rows.length} other answers`);
}
