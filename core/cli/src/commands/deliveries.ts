/** `switchhook deliveries`: deliveries of events, and all attempts of one delivery. */

import { deliveryDetails, deliveryList } from '@switchhook/core/api';
import type { Command } from 'commander';
import { type RouterOptions, withRouter } from '../api-client.js';
import { type DeliveryFilter, filterOf, type Part, type Period, type SettledPeriod } from '../filters.js';
import { printDeliveries, printDelivery } from '../format/event.js';
import type { Output } from '../output.js';
import { noteRest, printJson } from '../print.js';
import { type Watched, watched } from '../watch.js';

interface DeliveriesOptions extends RouterOptions, DeliveryFilter, Period, SettledPeriod, Part, Watched {}

export async function runDeliveries(
  output: Output,
  id: string | undefined,
  options: DeliveriesOptions,
  command: Command,
): Promise<void> {
  return withRouter(options, output, async (router) => {
    if (id !== undefined) {
      const details = await router.get(`/api/deliveries/${encodeURIComponent(id)}`, deliveryDetails);
      return options.json ? printJson(output, details) : printDelivery(output, details, '');
    }
    const { limit, cursor } = options;
    await watched(options, output, async (shown) => {
      const page = await router.get('/api/deliveries', deliveryList, { ...filterOf(options), limit, cursor });
      if (options.json) return printJson(shown, page);
      printDeliveries(shown, page.deliveries, options.utc);
      noteRest(shown, command, page.cursor);
    });
  });
}
