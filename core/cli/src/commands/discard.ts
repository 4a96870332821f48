/** `switchhook discard`: decides that deliveries are not to be made. */

import { type DeliveryDetails, deliveryDetails } from '@switchhook/core/api';
import {
  checkDestination,
  type RouterClient,
  type RouterOptions,
  RouterRefusal,
  undecided,
  withRouter,
} from '../api-client.js';
import { type DeliveryFilter, filterOf, type Period } from '../filters.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { confirm, deliveries, printJson } from '../print.js';

interface DiscardOptions extends RouterOptions, DeliveryFilter, Period {
  readonly dryRun?: true;
  readonly yes?: true;
}

export async function runDiscard(output: Output, ids: readonly string[], options: DiscardOptions): Promise<void> {
  return withRouter(options, output, async (router) => {
    await checkDestination(router, options.destination);
    const chosen = ids.length > 0 ? ids : await fitting(router, options);
    if (options.dryRun) return output.line(`${deliveries(chosen.length)} would be discarded`);
    if (options.yes !== true && ids.length === 0 && chosen.length > 0)
      await confirm(`Discard ${deliveries(chosen.length)}?`, output);
    const discarded = await discardAll(router, chosen, { mayHaveMoved: ids.length === 0 }, output);
    if (options.json) return printJson(output, { deliveries: discarded });
    output.line(`${deliveries(discarded.length)} discarded`);
    if (discarded.length < chosen.length)
      output.line(`${chosen.length - discarded.length} skipped: their state changed meanwhile`);
  });
}

async function fitting(router: RouterClient, options: DiscardOptions): Promise<readonly string[]> {
  const filter = filterOf(options);
  if (Object.values(filter).every((condition) => condition === undefined))
    throw new CommandFailure(
      exitCodes.usage,
      'name deliveries: by ids, or by options such as --destination crm or --state dead',
    );
  const { found } = await undecided(router, { ...filter, state: filter.state ?? 'dead' }, Number.POSITIVE_INFINITY);
  return found.map(({ id }) => id);
}

/** What was found a while ago `mayHaveMoved`: to be running by now is no failure then. */
async function discardAll(
  router: RouterClient,
  ids: readonly string[],
  { mayHaveMoved }: { readonly mayHaveMoved: boolean },
  output: Output,
): Promise<readonly DeliveryDetails[]> {
  const discarded: DeliveryDetails[] = [];
  for (const id of ids) {
    output.progress(`${discarded.length} of ${ids.length}`);
    try {
      discarded.push(await router.post(`/api/deliveries/${encodeURIComponent(id)}/discard`, deliveryDetails));
    } catch (error) {
      const moved = error instanceof RouterRefusal && ['WRONG_STATE', 'NOT_KEPT'].includes(error.code);
      if (!mayHaveMoved || !moved) throw error;
    }
  }
  output.progress('');
  return discarded;
}
