/** Which events a router lists: to hold them against what it has acknowledged. */
import { eventList } from '../api/reply.js';
import { systemClock } from '../runtime/clock.js';
import type { Listing } from '../simulation/judge.js';
import { pause } from '../simulation/pace.js';
import type { RouterClient } from './api-client.js';
import { CommandFailure } from './failure.js';

/** How long what was acknowledged may take to be listed. Calls are recorded beside their replies. */
const listingMs = 3_000;
const againMs = 200;
/** The clocks of two machines differ. */
const marginMs = 60_000;
const pageSize = 1_000;

/** Asks the API which events there are, until all are there or the time is up. */
export async function listedEvents(
  api: RouterClient,
  wanted: ReadonlySet<string>,
  startedAtMs: number,
): Promise<Listing> {
  const untilMs = systemClock.elapsed() + listingMs;
  try {
    for (;;) {
      const ids = await listedSince(api, systemClock.elapsed() - startedAtMs + marginMs);
      if (systemClock.elapsed() > untilMs || [...wanted].every((id) => ids.has(id))) return { kind: 'listed', ids };
      await pause(againMs, systemClock, new AbortController().signal);
    }
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    return { kind: 'unknown', reason: error.message.split('\n')[0] ?? '' };
  }
}

async function listedSince(api: RouterClient, agoMs: number): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  const query = { since: `${Math.ceil(agoMs)}ms`, limit: String(pageSize) };
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await api.get('/api/events', eventList, { ...query, cursor });
    for (const { id } of page.events) ids.add(id);
    cursor = page.cursor;
  }
  return ids;
}
