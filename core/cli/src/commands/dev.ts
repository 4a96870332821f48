/** `switchhook dev`: a router for those who write a plugin or a configuration, reloaded and tried after each save. */
import { eventDetails } from '@switchhook/core/api';
import { Command } from 'commander';
import { type RouterOptions, withRouter } from '../api-client.js';
import { configOption, portIn } from '../local-router.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { DevSession } from './dev-session.js';
import { chosenSample, collected, type Sample, withoutAnswer } from './send.js';
import { stopSignal } from './start.js';

interface DevOptions extends Omit<RouterOptions, 'json'> {
  readonly send?: string;
  readonly source?: string;
  readonly set: readonly string[];
  readonly event?: string;
  readonly deliver?: true | readonly string[];
  readonly port: number;
}

export function devCommand(output: Output): Command {
  return new Command('dev')
    .description('Run a router while you write: reload, check types and send an event after each save.')
    .addOption(configOption('the configuration file'))
    .option('--send <sample|file>', 'what is sent after each save: a sample such as conversation_ended, or a JSON file')
    .option('-s, --source <name>', 'of --send: the source, where several could take it')
    .option('--set <field=value>', 'of --send: change a field of the body; can be repeated', collected, [])
    .option('--event <id>', 'what is sent after each save: an event that a running router has received')
    .option('--url <url>', 'of --event: the URL of that router; default: the address in the configuration')
    .option('--token <token>', 'of --event: bearer token of its API; default: server.admin.token of the configuration')
    .option(
      '--deliver [name...]',
      'really deliver, to these destinations or to all; default: only show what they would get',
    )
    .option('--port <number>', 'listen at this port of this machine; default: a free one', portIn, 0)
    .addHelpText(
      'after',
      `
Examples:
  switchhook dev --send conversation_ended
  switchhook dev --send conversation_ended --deliver crm
  switchhook dev --send captured.json --source agents --config switchhook.yaml
  switchhook dev --event 01890a5d-ac96-774b-bcce-b302099a8057

It watches the configuration file, the files that it refers to, and local plugins with what they import. After a save with an error,
the last valid version keeps running. Without --send and --event, the event that was received last is sent again; it is a new event
after each save, no duplicate. The store is temporary. For a call, the answer is shown: each variable, and which resolver gave it.`,
    )
    .action(async (options: DevOptions) => {
      const { config, port, deliver = [], send, event } = options;
      if (send !== undefined && event !== undefined)
        throw new CommandFailure(exitCodes.usage, '--send and --event exclude each other: pass one of them');
      const captured = event === undefined ? null : await eventOf(event, options, output);
      const session = new DevSession(
        {
          ...{ config, port, deliver: deliver === true ? 'all' : deliver },
          sample: async (current) => (send === undefined ? captured : chosenSample(send, options, current)),
        },
        output,
      );
      await session.run(stopSignal(output));
    });
}

/** An event that a running router has received, as its source can take it again. */
async function eventOf(id: string, options: RouterOptions, output: Output): Promise<Sample> {
  return withRouter(options, output, async (router) => {
    const { source, data } = await router.get(`/api/events/${encodeURIComponent(id)}`, eventDetails);
    return { source, body: withoutAnswer(data) };
  });
}
