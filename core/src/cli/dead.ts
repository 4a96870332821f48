/** `switchhook dead`: what was given up and waits for somebody's decision. */
import type { Command } from 'commander';
import { longestPage } from '../api/question.js';
import { type Delivery, type DeliveryList, deliveryList } from '../api/reply.js';
import { type Query, type RouterClient, type RouterOptions, routerCommand, withRouter } from './api-client.js';
import { printDeliveries } from './deliveries.js';
import { type DeliveryFilter, filterOf, type Period, withPeriod } from './filters.js';
import { type Output, printJson } from './output.js';

interface DeadOptions extends RouterOptions, Pick<DeliveryFilter, 'destination' | 'route' | 'reason'>, Period {
  readonly limit: string;
}

export function deadCommand(output: Output): Command {
  const command = routerCommand(
    'dead',
    'List dead deliveries that nobody has replayed or discarded, with their reasons.',
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

/** Dead or waiting deliveries that nobody has discarded, at most so many. Reads on until there are enough: pages hold discarded ones, too. */
export async function undecided(router: RouterClient, query: Query, most: number) {
  const found: Delivery[] = [];
  let cursor: string | null | undefined;
  while (cursor !== null && found.length < most) {
    const page: DeliveryList = await router.get('/api/deliveries', deliveryList, {
      ...{ ...query, limit: String(Math.min(longestPage, most)) },
      ...(cursor !== undefined && { cursor }),
    });
    found.push(...page.deliveries.filter(({ reason }) => reason !== 'discarded'));
    cursor = page.cursor;
  }
  return { found: found.slice(0, most), more: cursor !== null || found.length > most };
}
