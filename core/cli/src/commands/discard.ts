/** `switchhook discard`: decides that deliveries are not to be made. */

import { type DeliveryDetails, deliveryDetails } from '@switchhook/core/api';
import type { Command } from 'commander';
import {
  checkDestination,
  type RouterClient,
  type RouterOptions,
  RouterRefusal,
  routerCommand,
  undecided,
  withRouter,
} from '../api-client.js';
import { type DeliveryFilter, filterOf, type Period, withDeliveryFilter, withPeriod } from '../filters.js';
import { CommandFailure, confirm, deliveries, exitCodes, type Output, printJson } from '../output.js';

interface DiscardOptions extends RouterOptions, DeliveryFilter, Period {
  readonly dryRun?: true;
  readonly yes?: true;
}

export function discardCommand(output: Output): Command {
  const command = routerCommand(
    'discard',
    'End deliveries that are waiting or dead, by id or all that fit. Default: dead ones.',
  );
  return withPeriod(withDeliveryFilter(command.argument('[id...]', 'ids of deliveries')))
    .option('--dry-run', 'only count them')
    .option('--yes', 'do not ask for confirmation')
    .addHelpText(
      'after',
      `
Examples:
  switchhook discard 01890a5d-ac96-774b-bcce-b302099a8057.0
  switchhook discard --destination old-crm --state waiting --dry-run
  switchhook discard --reason rejected --until 30d --yes

A replay with --reason discarded brings them back.`,
    )
    .action((ids: readonly string[], options: DiscardOptions) =>
      withRouter(options, output, async (router) => {
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
      }),
    );
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
