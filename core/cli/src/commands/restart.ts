/** `switchhook restart`: has a new process take over from the running router. */
import { restartReport } from '@switchhook/core/api';
import { systemClock } from '@switchhook/core/client';
import { durationText, z } from '@switchhook/sdk';
import { Sleep } from '@switchhook/sdk/internal';
import { type RouterClient, type RouterOptions, withRouter } from '../api-client.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { printJson } from '../print.js';

/** Longer than the earlier router needs to finish what it has begun. */
const takeOverMs = 60_000;
const pauseMs = 100;

/** What is needed of the status: the earlier router may be of another version. */
const status = z.object({
  version: z.string(),
  uptimeSeconds: z.number(),
  store: z.object({ canCommit: z.boolean(), reason: z.string().nullable() }),
});

export async function runRestart(output: Output, options: RouterOptions): Promise<void> {
  return withRouter(options, output, async (router) => {
    const before = await router.get('/api/status', status);
    const fromMs = systemClock.elapsed();
    const { readyMs } = await router.post('/api/restart', restartReport, {});
    const { version } = await started(router, fromMs);
    const report = {
      earlierVersion: before.version,
      version,
      readyMs,
      tookMs: Math.round(systemClock.elapsed() - fromMs),
    };
    if (options.json) printJson(output, report);
    else {
      const change =
        version === before.version ? `version ${version}` : `version ${version} (before: ${before.version})`;
      const ready = `ready after ${durationText(readyMs)}, took over after ${durationText(report.tookMs)}`;
      output.line(`${styled(output, 'green', 'ok')} a new process answers: ${change}, ${ready}`);
    }
  });
}

/** The status of the new process, which is younger than the question for it, when it has the store. */
async function started(router: RouterClient, fromMs: number) {
  const sleep = new Sleep(systemClock);
  for (;;) {
    const now = await router.get('/api/status', status).catch((error: Error) => {
      const hint =
        'If server.host, server.port or server.admin.token has changed, pass the new ones with --url and --token.';
      throw new CommandFailure(exitCodes.failed, `a new process has taken over, but: ${error.message}\n${hint}`);
    });
    const tookMs = systemClock.elapsed() - fromMs;
    const isNew = now.uptimeSeconds * 1_000 < tookMs;
    if (isNew && now.store.canCommit) return now;
    if (tookMs > takeOverMs) {
      const why = isNew
        ? `the store of the new process cannot commit: ${now.store.reason}`
        : 'the earlier process still answers';
      throw new CommandFailure(exitCodes.failed, `${why}, ${durationText(takeOverMs)} after the restart`);
    }
    await sleep.for(pauseMs);
  }
}
