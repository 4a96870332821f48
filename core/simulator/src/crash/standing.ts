/** How the routers of a crash test stand, by their API. */
import { withTimeout } from '@switchhook/sdk/internal';
import { z } from 'zod';
import type { PostParts } from './signed-post.js';

/** What is read of a status. */
const status = z.object({
  destinations: z.array(
    z.object({ destination: z.string(), holds: z.array(z.object({ kind: z.string(), since: z.string() })) }),
  ),
});

/** A router that runs answers within this time. */
const replyMs = 10_000;

/** Since when the circuit breaker of a destination is open in a router, in milliseconds since the epoch; null where it is closed. */
export async function openSince(
  url: string,
  destination: string,
  { network, clock }: Pick<PostParts, 'network' | 'clock'>,
): Promise<number | null> {
  const { destinations } = await withTimeout(clock, replyMs, async (signal) =>
    status.parse(await (await network.fetch(`${url}/api/status`, { signal })).json()),
  );
  const holds = destinations.find((one) => one.destination === destination)?.holds ?? [];
  const open = holds.find(({ kind }) => kind === 'breaker-open');
  return open === undefined ? null : Date.parse(open.since);
}
