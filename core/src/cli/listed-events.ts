/** Which events and look-ups a router lists: to hold them against what it has acknowledged. */
import { callList } from '../api/call.js';
import { eventList } from '../api/reply.js';
import { systemClock } from '../runtime/clock.js';
import type { CallLookup, Listing } from '../simulation/judge.js';
import { pause } from '../simulation/pace.js';
import type { RouterClient } from './api-client.js';
import { CommandFailure } from './failure.js';

/** How long what was acknowledged may take to be listed. Calls are recorded beside their replies. */
const listingMs = 3_000;
const againMs = 200;
/** The clocks of two machines differ. */
const marginMs = 60_000;
const pageSize = 1_000;

/** Asks the API which events there are, until all are there or the time is up; then how the calls among them were answered, the newest thousand. */
export async function listedEvents(
  api: RouterClient,
  wanted: ReadonlySet<string>,
  startedAtMs: number,
): Promise<Listing> {
  const untilMs = systemClock.elapsed() + listingMs;
  try {
    for (;;) {
      const since = `${Math.ceil(systemClock.elapsed() - startedAtMs + marginMs)}ms`;
      const ids = await listedSince(api, since);
      if (systemClock.elapsed() > untilMs || [...wanted].every((id) => ids.has(id)))
        return { kind: 'listed', ids, lookups: await lookupsSince(api, since) };
      await pause(againMs, systemClock, new AbortController().signal);
    }
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    return { kind: 'unknown', reason: error.message.split('\n')[0] ?? '' };
  }
}

async function listedSince(api: RouterClient, since: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  const query = { since, limit: String(pageSize) };
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await api.get('/api/events', eventList, { ...query, cursor });
    for (const { id } of page.events) ids.add(id);
    cursor = page.cursor;
  }
  return ids;
}

async function lookupsSince(api: RouterClient, since: string): Promise<readonly CallLookup[]> {
  const { calls } = await api.get('/api/calls', callList, { since, limit: String(pageSize) });
  return calls.flatMap(({ id: event, answer }) =>
    answer.lookups.map(({ resolver, outcome }) => ({ event, resolver, outcome })),
  );
}
