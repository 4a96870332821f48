/** `switchhook health`: whether a router responds, for the checks of containers and supervisors, which have no token. */
import { systemClock } from '@switchhook/core/internal';
import { durationText, z } from '@switchhook/sdk';
import { withTimeout } from '@switchhook/sdk/internal';
import type { Command } from 'commander';
import { withRouterAt } from '../api-client.js';
import { type ConfigOptions, configCommand, localUrl, serverOf } from '../local-router.js';
import { CommandFailure, exitCodes, type Output, printJson } from '../output.js';

interface HealthOptions extends ConfigOptions {
  readonly url?: string;
  readonly ready?: true;
}

/** A process whose event loop is blocked accepts connections, and answers none. */
const longestMs = 5_000;

const healthy = z.object({ status: z.literal('ok') });

export function healthCommand(output: Output): Command {
  return configCommand(
    'health',
    'Ask whether the router responds; with --ready, whether it also accepts events. Needs no token.',
  )
    .option('--url <url>', "the router's URL; default: the address in the configuration")
    .option('--ready', 'fail, too, where the router refuses events: its store cannot commit, or it is stopping')
    .addHelpText(
      'after',
      `
Examples:
  switchhook health
  switchhook health --ready --url http://127.0.0.1:8080

Exit codes: 0 it is so, 1 it is not, or there is no reply within ${durationText(longestMs)}. Restart a router that fails this; do not restart
one that only fails it with --ready: it still answers calls, and recovers by itself.`,
    )
    .action(async (options: HealthOptions) => {
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
    });
}
