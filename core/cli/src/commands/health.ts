/** `switchhook health`: whether a router responds, for the checks of containers and supervisors, which have no token. */
import { systemClock } from '@switchhook/core/client';
import { durationText, z } from '@switchhook/sdk';
import { withTimeout } from '@switchhook/sdk/internal';
import { withRouterAt } from '../api-client.js';
import { type ConfigOptions, localUrl, serverOf } from '../configuration.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { printJson } from '../print.js';

interface HealthOptions extends ConfigOptions {
  readonly url?: string;
  readonly ready?: true;
}

/** A process whose event loop is blocked accepts connections, and answers none. */
const longestMs = 5_000;

const healthy = z.object({ status: z.literal('ok') });

export async function runHealth(output: Output, options: HealthOptions): Promise<void> {
  const url = options.url ?? localUrl(await serverOf(options, output));
  const path = options.ready ? '/readyz' : '/healthz';
  await withRouterAt({ url, token: null }, (router) =>
    withTimeout(systemClock, longestMs, router.get(path, healthy)).catch((error: unknown) => {
      if (error instanceof CommandFailure) throw error;
      throw new CommandFailure(exitCodes.failed, `${url}${path} did not reply within ${durationText(longestMs)}`);
    }),
  );
  if (options.json) printJson(output, { url: url + path, status: 'ok' });
  else output.line(`ok ${url}${path}`);
}
