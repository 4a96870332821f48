/** Has another process take over from a router. */
import { type Clock, type Log, refuse } from '@switchhook/sdk';
import type { RestartReport } from '../api/reload-responses.js';

/** Resolves when the other process listens. Refuses as `NOT_REPLACEABLE`, or as `RESTART_FAILED` where it did not get ready. */
export async function restart(
  replace: (() => Promise<void>) | undefined,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<RestartReport> {
  if (replace === undefined)
    throw refuse(
      'NOT_REPLACEABLE',
      'this router has no supervisor that starts another one: it runs without --replaceable',
    );
  const fromMs = clock.elapsed();
  log.info('router.restarting');
  try {
    await replace();
  } catch (error) {
    log.error('router.restart-failed', { error });
    throw error instanceof Error ? refuse('RESTART_FAILED', error.message, { cause: error }) : error;
  }
  const readyMs = Math.round(clock.elapsed() - fromMs);
  log.info('router.replaced', { readyMs });
  return { readyMs };
}
