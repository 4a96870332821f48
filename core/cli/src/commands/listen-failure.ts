/** Why the router cannot listen, and what to do. */
import { httpUrl, systemClock } from '@switchhook/core/client';
import { z } from '@switchhook/sdk';
import { errorMessage, withTimeout } from '@switchhook/sdk/internal';
import { withRouterAt } from '../api-client.js';
import { CommandFailure, exitCodes } from '../output.js';

/** Who has the port answers at once, or is no router. */
const longestMs = 2_000;

/** The failure of a command, for what `listen` has thrown. `file`: the configuration. */
export async function listenFailure(error: unknown, file: string): Promise<CommandFailure> {
  const { code, address, port } = Object(error);
  if (code === 'EADDRINUSE' && typeof address === 'string' && typeof port === 'number') {
    const isRouter = await answersAsRouter(httpUrl(reachable(address), port));
    return failure(
      `${address}:${port} is taken by ${isRouter ? 'another Switchhook router, such as npm run demo -- --stay' : 'another program'}. Stop it, or listen at another port: --port ${port + 1}, or server.port of ${file}`,
    );
  }
  if (code === 'EACCES' && typeof port === 'number')
    return failure(
      `this user may not listen at port ${port}: use one from 1024 on, by --port or server.port of ${file}`,
    );
  if (code === 'EADDRNOTAVAIL')
    return failure(`${address} is no address of this machine: correct server.host of ${file}`);
  return failure(errorMessage(error));
}

function failure(reason: string): CommandFailure {
  return new CommandFailure(exitCodes.failed, `cannot listen: ${reason}`);
}

function reachable(address: string): string {
  return ['0.0.0.0', '::'].includes(address) ? '127.0.0.1' : address;
}

async function answersAsRouter(url: string): Promise<boolean> {
  try {
    const healthy = z.object({ status: z.literal('ok') });
    await withRouterAt({ url, token: null }, (router) =>
      withTimeout(systemClock, longestMs, router.get('/healthz', healthy)),
    );
    return true;
  } catch {
    // Another program, or one that does not answer.
    return false;
  }
}
