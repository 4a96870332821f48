/** `switchhook plan`: what a configuration would have done with past events, compared with what was done. Nothing is sent. */
import { existsSync } from 'node:fs';
import { componentList } from '@switchhook/core/api';
import type { ComparisonReport, PastEvent } from '@switchhook/core/internal';
import { didYouMean } from '@switchhook/sdk/internal';
import type { Command } from 'commander';
import { type RouterClient, type RouterOptions, withRouter } from '../api-client.js';
import { filterOf, type Period } from '../filters.js';
import { type PlanOrigin, printPlan } from '../format/plan.js';
import { configOf, unopenedRouter } from '../local-router.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { noteProblems, printJson, quantity } from '../print.js';
import { fixtureEvents, keptEvents } from './plan-events.js';

interface PlanOptions extends RouterOptions, Period {
  readonly running: string;
  readonly since: string;
  readonly limit: number;
  readonly fixtures?: string;
  readonly failOn?: string;
}

/** What the command can fail on: a sentence where there is any. */
const findings = {
  failed: ({ failures }) =>
    some(failures.length, 'condition, transform or variable fails', 'conditions, transforms or variables fail'),
  unrouted: ({ unrouted }) => some(unrouted.events, 'event would have no delivery', 'events would have no delivery'),
  fewer: ({ destinationTotals }) => some(sum(destinationTotals, 'fewer'), 'delivery fewer', 'deliveries fewer'),
  more: ({ destinationTotals }) => some(sum(destinationTotals, 'more'), 'delivery more', 'deliveries more'),
  answers: ({ calls }) => some(calls.different, 'call would get another answer', 'calls would get another answer'),
} as const satisfies Record<string, (report: ComparisonReport) => string | null>;
type Finding = keyof typeof findings;
const findingNames = Object.keys(findings) as readonly Finding[];

export async function runPlan(output: Output, options: PlanOptions, command: Command): Promise<void> {
  const wanted = findingsIn(options.failOn);
  checkOptions(options, command);
  const config = await configOf(options, output);
  if (config.warnings.length > 0 && !options.json) {
    noteProblems(output, config.warnings, 'warning');
    output.note('');
  }
  const comparison = unopenedRouter(config).comparison();
  const compare = async (events: AsyncIterable<PastEvent>): Promise<number> => {
    let compared = 0;
    try {
      for await (const event of events) {
        await comparison.add(event);
        compared += 1;
        if (compared % 50 === 0) output.progress(`${quantity(compared, 'event')} compared`);
      }
    } finally {
      output.progress('');
    }
    return compared;
  };
  if (options.fixtures !== undefined) {
    const { fixtures } = options;
    if ((await compare(fixtureEvents(fixtures))) === 0)
      throw new CommandFailure(exitCodes.usage, `there is no event in ${fixtures}: nothing was compared`);
    return end(comparison.report(null), { fixtures, router: null, more: false });
  }
  await withRouter({ ...options, config: runningFile(options, command) }, output, async (router) => {
    const { since, limit } = options;
    let [more, withoutBody] = [false, 0];
    const { since: from, until } = filterOf(options);
    const seen = {
      onMore: () => {
        more = true;
      },
      onBodyRemoved: () => {
        withoutBody += 1;
      },
    };
    await compare(keptEvents(router, { since: from, until, limit }, seen));
    if (withoutBody > 0)
      output.note(`${quantity(withoutBody, 'event')} not compared: retention has removed the bodies.`);
    end(comparison.report(await runningRows(router)), {
      fixtures: null,
      router: { url: router.url, since, limit },
      more,
    });
  });

  function end(report: ComparisonReport, origin: PlanOrigin): void {
    const found = wanted.flatMap((name) => {
      const sentence = findings[name](report);
      return sentence === null ? [] : [{ name, sentence }];
    });
    if (options.json)
      printJson(output, { file: config.file, ...origin, failedOn: found.map(({ name }) => name), ...report });
    else printPlan(report, origin, config.file, output);
    if (found.length === 0) return;
    const sentences = found.map(({ name, sentence }) => `${name}: ${sentence}`).join('; ');
    throw new CommandFailure(exitCodes.failed, `The plan fails on ${sentences}.`);
  }
}

function findingsIn(list: string | undefined): readonly Finding[] {
  if (list === undefined) return [];
  const names = list.split(',').map((name) => name.trim());
  for (const name of names)
    if (name !== 'any' && !(findingNames as readonly string[]).includes(name)) {
      const all = [...findingNames, 'any'];
      throw new CommandFailure(
        exitCodes.usage,
        `--fail-on does not know "${name}"${didYouMean(name, all)}; it takes ${all.join(', ')}`,
      );
    }
  return findingNames.filter((name) => names.includes(name) || names.includes('any'));
}

/** Fixtures are read whole and without a router: these options would do nothing. */
function checkOptions({ fixtures }: PlanOptions, command: Command): void {
  if (fixtures === undefined) return;
  for (const name of ['url', 'token', 'running', 'since', 'until', 'utc', 'limit'])
    if (command.getOptionValueSource(name) === 'cli')
      throw new CommandFailure(exitCodes.usage, `--fixtures needs no router and takes all events: leave out --${name}`);
}

/** Where there is no usual file, the configuration to try has the address, too. */
function runningFile({ running, config }: PlanOptions, command: Command): string {
  return command.getOptionValueSource('running') === 'cli' || existsSync(running) ? running : config;
}

async function runningRows(router: RouterClient) {
  const { components } = await router.get('/api/components', componentList);
  const names = (wanted: string) => components.filter(({ kind }) => kind === wanted).map(({ name }) => name);
  return { sources: names('source'), destinations: names('destination') };
}

function some(count: number, one: string, many: string): string | null {
  return count === 0 ? null : quantity(count, one, many);
}

function sum(totals: ComparisonReport['destinationTotals'], side: 'more' | 'fewer'): number {
  return totals.reduce((total, row) => total + row[side], 0);
}
