/** The end of a router: what runs is finished, within a time. */
import type { Clock, Log } from '@switchhook/sdk';
import { Sleep, withTimeout } from '@switchhook/sdk/internal';
import type { ListeningServer } from '../http/server.js';
import type { Pipeline } from '../pipeline.js';
import { systemClock } from '../system/clock.js';

/** How long `close` waits, in milliseconds. */
export interface ClosingTimes {
  /** For requests and attempts; default and at most `server.grace`. */
  readonly graceMs?: number;
  /** For attempts; default `graceMs`. */
  readonly attemptsMs?: number;
}

/** How a router is closed. */
export interface Closing extends ClosingTimes {
  /** Where another process takes over: called once, when the store can be opened by another process. With it, the store is closed before the other components. */
  readonly storeReleased?: () => void;
}

/** Proxies send over a connection until they learn that it is closed: what is on its way by then arrives in less. */
export const usualLingerMs = 500;

interface Parts {
  readonly pipeline: Pipeline;
  /** What answers requests that never end by themselves, or only after seconds. */
  readonly lasting: readonly { close(): void }[];
  readonly server: ListeningServer | null;
  readonly clock: Clock;
  readonly log: Log;
}

type Times = Required<ClosingTimes> & { readonly lingerMs: number };

/** Whatever does not end in time is claimed again by the next start. */
export async function drain(parts: Parts, times: Times): Promise<void> {
  try {
    await withTimeout(parts.clock, times.graceMs, () => ended(parts, times));
  } catch (error) {
    parts.log.warn('router.grace-over', { error });
    parts.server?.cut();
    parts.pipeline.abandon();
  }
}

async function ended({ pipeline, lasting, server, clock }: Parts, times: Times): Promise<void> {
  for (const each of lasting) each.close();
  // By the clock of the network, also where another one has been put in its place.
  const [idle, attempts] = [new Sleep(systemClock), new Sleep(clock)];
  const attemptsOver = times.attemptsMs < times.graceMs ? attempts.for(times.attemptsMs) : undefined;
  const closed = server?.close(idle.for(Math.min(times.lingerMs, times.graceMs / 2))).finally(() => idle.end());
  await Promise.all([closed, pipeline.close(attemptsOver)]);
  // The last requests may have left something to record.
  await pipeline.close(attemptsOver);
  attempts.end();
  if (attemptsOver !== undefined) pipeline.abandon();
}
