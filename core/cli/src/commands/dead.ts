/** `switchhook dead`: dead deliveries, one by one or counted by their failure. */
import { type DeadGroupList, deadGroupList } from '@switchhook/core/api';
import { type Query, type RouterClient, type RouterOptions, undecided, withRouter } from '../api-client.js';
import { type DeliveryFilter, type DiedPeriod, filterOf, type Period } from '../filters.js';
import { clockTime, printDead } from '../format/event.js';
import { type Output, styled } from '../output.js';
import { printJson, printTable } from '../print.js';
import { type Watched, watched } from '../watch.js';

interface DeadOptions
  extends RouterOptions,
    Pick<DeliveryFilter, 'destination' | 'route' | 'reason'>,
    Period,
    DiedPeriod,
    Watched {
  readonly limit: string;
  readonly group?: true;
}

export async function runDead(output: Output, options: DeadOptions): Promise<void> {
  return withRouter(options, output, (router) =>
    watched(options, output, (shown) =>
      (options.group ? countEach : printEach)(router, filterOf(options), options, shown),
    ),
  );
}

async function countEach(router: RouterClient, filter: Query, options: DeadOptions, output: Output): Promise<void> {
  const found = await router.get('/api/dead', deadGroupList, filter);
  if (options.json) return printJson(output, found);
  return found.groups.length === 0 ? output.line('Nothing is dead.') : printGroups(found, options, output);
}

async function printEach(router: RouterClient, filter: Query, options: DeadOptions, output: Output): Promise<void> {
  const { found, more } = await undecided(router, { ...filter, state: 'dead' }, Number(options.limit));
  if (options.json) return printJson(output, { deliveries: found });
  if (found.length === 0) return output.line('Nothing is dead.');
  printDead(output, found, options.utc);
  if (more) output.note('There are more: --limit shows up to 1000, --group counts them.');
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
      { heading: 'first', drop: 1 },
      { heading: 'last', drop: 3 },
      { heading: 'latest', below: true },
    ],
    rows,
  );
  if (found.more) output.note('Only the newest 20,000 are counted: --died-since and --destination choose fewer.');
  output.note('Deliver again: switchhook replay --destination <name>, with --dry-run to count them first.');
}
