/** The history of the router, read again while it is shown. */
import { api } from '../model/api.js';
import { type Period, periods } from '../model/history.js';
import type { History } from '../model/history-replies.js';
import { type Resource, useResource } from './resource.js';

/** The present minute changes; of longer steps, little does. */
const [everyMs, everyOfLongMs] = [5_000, 30_000];

export function useHistory(since: Period): Resource<History> {
  return useResource(
    `history ${since}`,
    (signal) => api<History>('history', { query: { since, step: periods[since] }, signal }),
    () => (since === '1h' ? everyMs : everyOfLongMs),
  );
}
