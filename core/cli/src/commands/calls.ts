/** `switchhook calls`: the calls that were answered, and how one of them was. */

import { callAnswer, callList, eventDetails } from '@switchhook/core/api';
import type { Command } from 'commander';
import { type RouterClient, type RouterOptions, routerCommand, withRouter } from '../api-client.js';
import { filterOf, type Period, withPeriod } from '../filters.js';
import { printAnswer } from '../format/call.js';
import { clockTime, printDelivery, printEvent } from '../format/event.js';
import { CommandFailure, exitCodes, msText, type Output, printJson, printTable, styled } from '../output.js';
import type { Column } from '../table.js';
import { type Watched, watched, withWatch } from '../watch.js';

interface CallsOptions extends RouterOptions, Period, Watched {
  readonly number?: string;
  readonly source?: string;
  readonly limit: string;
}

const columns: readonly Column[] = [
  { heading: 'received' },
  { heading: 'from' },
  { heading: 'to', drop: 3 },
  { heading: 'answer', cut: 8, drop: 2 },
  { heading: 'step' },
  { heading: 'ring time', drop: 4 },
  { heading: 'requests', drop: 1 },
  { heading: 'not looked up', cut: 14 },
  { heading: 'event', below: true },
];

/** Look-ups after which something was missing. */
const missed: readonly string[] = ['late', 'failed', 'skipped', 'busy'];

export function callsCommand(output: Output): Command {
  return withWatch(
    withPeriod(
      routerCommand('calls', 'List the calls that were answered, or show one.').argument('[event]', 'id of its event'),
    ),
  )
    .option('--number <number>', 'of this caller, or to this number, E.164')
    .option('--source <name>', 'of this source')
    .option('--limit <number>', 'how many at most, up to 1000', '50')
    .addHelpText(
      'after',
      `
Examples:
  switchhook calls --since 2h --watch
  switchhook calls --number +12345678912 --limit 10
  switchhook calls 01890a5d-ac96-774b-bcce-b302099a8057`,
    )
    .action((id: string | undefined, options: CallsOptions) =>
      withRouter(options, output, async (router) => {
        if (id !== undefined) {
          const event = await router.get(`/api/events/${encodeURIComponent(id)}`, eventDetails);
          const { data: answer } = callAnswer.safeParse(event.data.answer);
          if (answer === undefined)
            throw new CommandFailure(exitCodes.failed, `event ${id} is no call that was answered`);
          if (options.json) return printJson(output, event);
          printEvent(output, event);
          printAnswer(output, answer);
          for (const delivery of event.deliveries) printDelivery(output, delivery);
          return;
        }
        await watched(options, output, (shown) => listCalls(router, options, shown));
      }),
    );
}

async function listCalls(router: RouterClient, options: CallsOptions, output: Output): Promise<void> {
  const { number, source, limit } = options;
  const page = await router.get('/api/calls', callList, { ...filterOf(options), number, source, limit });
  if (options.json) return printJson(output, page);
  const rows = page.calls.map(({ receivedAt, id: event, answer }) => {
    const { from, to, name, step, ms, requests, lookups } = answer;
    const failed = lookups.filter(({ outcome }) => missed.includes(outcome));
    const notes = failed.map(({ resolver, outcome }) => `${resolver} ${outcome}`).join(', ');
    const shown = styled(output, failed.length === 0 ? 'green' : 'yellow', step);
    return [
      clockTime(receivedAt, options.utc),
      from || 'withheld',
      to,
      name ?? '-',
      shown,
      msText(ms),
      String(requests),
      notes || '-',
      event,
    ];
  });
  printTable(output, columns, rows);
  if (page.more) output.note('There may be more: --limit, --since and --until choose others.');
}
