/** `switchhook deliveries`: deliveries of events, and all attempts of one delivery. */

import { deliveryDetails, deliveryList } from '@switchhook/core/api';
import type { Command } from 'commander';
import { type RouterOptions, routerCommand, withRouter } from '../api-client.js';
import {
  type DeliveryFilter,
  filterOf,
  type Part,
  type Period,
  type SettledPeriod,
  withDeliveryFilter,
  withPart,
  withPeriod,
  withSettledPeriod,
} from '../filters.js';
import { printDeliveries, printDelivery } from '../format/event.js';
import { type Output, printJson } from '../output.js';
import { type Watched, watched, withWatch } from '../watch.js';

interface DeliveriesOptions extends RouterOptions, DeliveryFilter, Period, SettledPeriod, Part, Watched {}

export function deliveriesCommand(output: Output): Command {
  const command = routerCommand('deliveries', 'List deliveries, or show one with all its attempts.');
  const list = withSettledPeriod(withPeriod(withDeliveryFilter(command.argument('[id]', 'id of a delivery'))));
  return withWatch(withPart(list))
    .addHelpText(
      'after',
      `

Examples:
  switchhook deliveries --state waiting --destination crm --watch
  switchhook deliveries --event 01890a5d-ac96-774b-bcce-b302099a8057
  switchhook deliveries 01890a5d-ac96-774b-bcce-b302099a8057.0`,
    )
    .action((id: string | undefined, options: DeliveriesOptions) =>
      withRouter(options, output, async (router) => {
        if (id !== undefined) {
          const details = await router.get(`/api/deliveries/${encodeURIComponent(id)}`, deliveryDetails);
          return options.json ? printJson(output, details) : printDelivery(output, details, '');
        }
        const { limit, cursor } = options;
        await watched(options, output, async (shown) => {
          const page = await router.get('/api/deliveries', deliveryList, { ...filterOf(options), limit, cursor });
          if (options.json) return printJson(shown, page);
          printDeliveries(shown, page.deliveries, options.utc);
          if (page.cursor !== null) shown.note(`There are more: --cursor ${page.cursor}`);
        });
      }),
    );
}
