/** `switchhook dev`: a router for those who write a plugin or a configuration, reloaded and tried after each save. */
import { eventDetails } from '@switchhook/core/api';
import { type RouterOptions, withRouter } from '../api-client.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { DevSession } from './dev-session.js';
import { withoutAnswer } from './fixture.js';
import { stopSignal } from './run-router.js';
import { chosenSample, type Sample } from './send.js';

interface DevOptions extends Omit<RouterOptions, 'json'> {
  readonly send?: string;
  readonly source?: string;
  readonly set: readonly string[];
  readonly event?: string;
  readonly deliver?: true | readonly string[];
  readonly port: number;
}

export async function runDev(output: Output, options: DevOptions): Promise<void> {
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
}

/** An event that a running router has received, as its source can take it again. */
async function eventOf(id: string, options: RouterOptions, output: Output): Promise<Sample> {
  return withRouter(options, output, async (router) => {
    const { source, data } = await router.get(`/api/events/${encodeURIComponent(id)}`, eventDetails);
    if (data === null)
      throw new CommandFailure(exitCodes.failed, `BODY_REMOVED: retention has removed the body of event ${id}`);
    return { source, body: withoutAnswer(data) };
  });
}
