/** Whether a destination that somebody names is one the router knows. */
import { status } from '../api/reply.js';
import { didYouMean } from '../config/nearest.js';
import type { RouterClient } from './api-client.js';
import { CommandFailure, exitCodes } from './failure.js';

/** Ends the command where it is not: nothing would fit, and nobody would know why. */
export async function checkDestination(router: RouterClient, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const { lanes } = await router.get('/api/status', status);
  const names = lanes.map(({ destination }) => destination);
  if (names.includes(name)) return;
  throw new CommandFailure(exitCodes.usage, `there is no destination "${name}"${didYouMean(name, names)}`);
}
