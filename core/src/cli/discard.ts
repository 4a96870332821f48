/** `switchhook discard`: decides that deliveries are not to be made. */
import type { Command } from 'commander';
import { deliveryStory } from '../api/reply.js';
import { type RouterOptions, routerCommand, withRouter } from './api-client.js';
import { type Output, printJson } from './output.js';

export function discardCommand(output: Output): Command {
  return routerCommand('discard', 'End deliveries that are waiting or dead. A replay brings them back.')
    .argument('<id...>', 'ids of deliveries')
    .addHelpText('after', '\nExamples:\n  switchhook discard 01890a5d-ac96-774b-bcce-b302099a8057.0')
    .action((ids: readonly string[], options: RouterOptions) =>
      withRouter(options, output, async (router) => {
        for (const id of ids) {
          const story = await router.post(`/api/deliveries/${encodeURIComponent(id)}/discard`, deliveryStory);
          if (options.json) printJson(output, story);
          else output.line(`discarded ${story.id} for ${story.destination}`);
        }
      }),
    );
}
