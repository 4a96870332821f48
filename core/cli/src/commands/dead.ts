/** `switchhook dead`: dead deliveries: replay or discard them. */
import type { Command } from 'commander';
import { type RouterOptions, routerCommand, undecided, withRouter } from '../api-client.js';
import { type DeliveryFilter, filterOf, type Period, withPeriod } from '../filters.js';
import { printDeliveries } from '../format/event.js';
import { type Output, printJson } from '../output.js';

interface DeadOptions extends RouterOptions, Pick<DeliveryFilter, 'destination' | 'route' | 'reason'>, Period {
  readonly limit: string;
}

export function deadCommand(output: Output): Command {
  const command = routerCommand(
    'dead',
    'List dead deliveries that were neither replayed nor discarded, with their reasons.',
  );
  return withPeriod(command)
    .option('--destination <name>', 'for this destination')
    .option('--route <name>', 'by this route')
    .option('--reason <reason>', 'rejected or exhausted')
    .option('--limit <number>', 'at most so many, up to 1000', '50')
    .addHelpText('after', '\nExamples:\n  switchhook dead\n  switchhook dead --destination crm --since 1d')
    .action((options: DeadOptions) =>
      withRouter(options, output, async (router) => {
        const { found, more } = await undecided(router, { ...filterOf(options), state: 'dead' }, Number(options.limit));
        if (options.json) return printJson(output, { deliveries: found });
        if (found.length === 0) return output.line('Nothing is dead.');
        printDeliveries(output, found);
        if (more) output.note('There are more: --limit shows up to 1000.');
        output.note(
          'Why: switchhook explain <event id>. Again: switchhook replay <id>. Never: switchhook discard <id>.',
        );
      }),
    );
}
