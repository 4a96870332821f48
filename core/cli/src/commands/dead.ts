/** `switchhook dead`: dead deliveries, one by one or counted by their failure. */
import { type DeadGroupList, deadGroupList } from '@switchhook/core/api';
import type { Command } from 'commander';
import { type Query, type RouterClient, type RouterOptions, undecided, withRouter } from '../api-client.js';
import { type DeliveryFilter, type DiedPeriod, filterOf, type Part, type Period } from '../filters.js';
import { clockTime, printDead } from '../format/event.js';
import { type Output, styled } from '../output.js';
import { noteRest, printJson, printTable } from '../print.js';
import { timeCut } from '../table.js';
import { type Watched, watched } from '../watch.js';

interface DeadOptions
  extends RouterOptions,
    Pick<DeliveryFilter, 'destination' | 'route' | 'reason' | 'failure'>,
    Period,
    DiedPeriod,
    Part,
    Watched {
  readonly group?: true;
}

export async function runDead(output: Output, options: DeadOptions, command: Command): Promise<void> {
  return withRouter(options, output, (router) =>
    watched(options, output, (shown) =>
      options.group ? countEach(router, filterOf(options), options, shown) : printEach(router, options, command, shown),
    ),
  );
}

async function countEach(router: RouterClient, filter: Query, options: DeadOptions, output: Output): Promise<void> {
  const found = await router.get('/api/dead', deadGroupList, filter);
  if (options.json) return printJson(output, found);
  return found.groups.length === 0 ? output.line('Nothing is dead.') : printGroups(found, options, output);
}

async function printEach(router: RouterClient, options: DeadOptions, command: Command, output: Output): Promise<void> {
  const query = { ...filterOf(options), state: 'dead', cursor: options.cursor };
  const { found, cursor } = await undecided(router, query, Number(options.limit));
  if (options.json) return printJson(output, { deliveries: found, cursor });
  if (found.length === 0) return output.line('Nothing is dead.');
  printDead(output, found, options.utc);
  noteRest(output, command, cursor);
  output.note(
    'See why: switchhook explain <event id>. Deliver again: switchhook replay <id>. Discard: switchhook discard <id>.',
  );
}

/** What is dead, a line for each destination and failure. */
export function printGroups(found: DeadGroupList, options: Period, output: Output): void {
  const rows = found.groups.map(({ destination, reason, failure, deliveries, firstAt, lastAt, latest }) => [
    styled(output, 'red', String(deliveries)),
    destination,
    failure ?? 'no attempt came back',
    reason,
    clockTime(firstAt, options.utc),
    clockTime(lastAt, options.utc),
    latest,
  ]);
  printTable(
    output,
    [
      { heading: 'dead' },
      { heading: 'destination', cut: 10 },
      { heading: 'failure', cut: 20 },
      { heading: 'reason', drop: 2 },
      { heading: 'first', cut: timeCut, drop: 1 },
      { heading: 'last', cut: timeCut, drop: 3 },
      { heading: 'latest', below: true },
    ],
    rows,
  );
  const counted = found.groups.reduce((sum, { deliveries }) => sum + deliveries, 0);
  if (found.more)
    output.note(
      `Only the newest ${counted.toLocaleString('en')} are counted: --died-since and --destination choose fewer.`,
    );
  output.note(
    'Deliver a group again: switchhook replay --destination <name> --failure <failure>, with --dry-run to count it first.',
  );
}
