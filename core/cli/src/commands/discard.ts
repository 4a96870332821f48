/** `switchhook discard`: decides that deliveries are not to be made. */

import { type DeliveryDetails, type Discard, deliveryDetails, discard, discardList } from '@switchhook/core/api';
import { checkDestination, type RouterClient, withRouter } from '../api-client.js';
import type { Output } from '../output.js';
import { deliveries, printJson } from '../print.js';
import { type BulkKind, type BulkOptions, changeMany, conditionsOf, listOrCancel } from './bulk-changes.js';

const kind: BulkKind<Discard> = {
  ...{ verb: 'discard', past: 'discarded', one: discard, all: discardList.transform(({ discards }) => discards) },
  changed: ({ discarded }) => discarded,
  would: () => 'discarded',
  skipped: ({ skipped: { running } }) => (running > 0 ? [`${running} skipped: their state changed meanwhile`] : []),
};

export async function runDiscard(output: Output, ids: readonly string[], options: BulkOptions): Promise<void> {
  return withRouter(options, output, async (router) => {
    if (options.list || options.cancel) return listOrCancel(router, kind, options, output);
    if (ids.length > 0) return discardEach(router, ids, options, output);
    await checkDestination(router, options.destination);
    const request = { filter: conditionsOf(options), perSecond: Number(options.perSecond) };
    await changeMany(router, kind, request, options, output);
  });
}

async function discardEach(
  router: RouterClient,
  ids: readonly string[],
  options: BulkOptions,
  output: Output,
): Promise<void> {
  if (options.dryRun) return output.line(`${deliveries(ids.length)} would be discarded`);
  const discarded: DeliveryDetails[] = [];
  for (const id of ids)
    discarded.push(await router.post(`/api/deliveries/${encodeURIComponent(id)}/discard`, deliveryDetails));
  if (options.json) return printJson(output, { deliveries: discarded });
  output.line(`${deliveries(discarded.length)} discarded`);
}
