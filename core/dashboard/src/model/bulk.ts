/** Replays and discards of all that match. */
import { ApiFailure, api } from './api.js';
import { pause } from './clock.js';
import type { Delivery, Replay } from './replies.js';

type Conditions = Readonly<Record<string, string>>;

/** The body of a replay for the conditions of a list. */
export function replayBodyOf(filter: Conditions): { readonly filter: Conditions; readonly all?: true } {
  return Object.keys(filter).length === 0 ? { filter, all: true } : { filter };
}

/** How soon its progress is read again. */
const progressMs = 500;

/** Starts a replay and follows it to its end; what the signal aborts is the following, not the replay. */
export async function replayAll(body: object, signal: AbortSignal, show: (replay: Replay) => void): Promise<Replay> {
  let replay = await api<Replay>('replay', { method: 'POST', body, signal });
  show(replay);
  while (replay.state === 'running') {
    await pause(progressMs);
    replay = await api<Replay>(`replays/${encodeURIComponent(replay.id)}`, { signal });
    show(replay);
  }
  if (replay.state === 'failed' || replay.state === 'stopped')
    throw new ApiFailure(
      `The replay has ${replay.state === 'failed' ? 'failed' : 'stopped'}: ${replay.reason ?? 'the router was closed'}`,
      'REPLAY',
    );
  return replay;
}

export interface DiscardProgress {
  readonly discarded: number;
  /** They were replayed, delivered or started meanwhile. */
  readonly skipped: number;
}

const perPage = 200;

/** Discards page by page, until nothing matches any more or the signal aborts. */
export async function discardAll(
  filter: Conditions,
  signal: AbortSignal,
  show: (progress: DiscardProgress) => void,
): Promise<DiscardProgress> {
  let [discarded, skipped] = [0, 0];
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const query = { ...filter, limit: String(perPage), cursor };
    const page = await api<{ readonly deliveries: readonly Delivery[]; readonly cursor: string | null }>('deliveries', {
      query,
      signal,
    });
    for (const { id, reason } of page.deliveries) {
      if (reason === 'discarded') continue;
      if (await isDiscarded(id, signal)) discarded += 1;
      else skipped += 1;
      show({ discarded, skipped });
    }
    cursor = page.cursor;
  }
  return { discarded, skipped };
}

async function isDiscarded(id: string, signal: AbortSignal): Promise<boolean> {
  try {
    await api(`deliveries/${encodeURIComponent(id)}/discard`, { method: 'POST', signal });
    return true;
  } catch (error) {
    if (error instanceof ApiFailure && ['WRONG_STATE', 'NOT_KEPT'].includes(error.code ?? '')) return false;
    throw error;
  }
}
