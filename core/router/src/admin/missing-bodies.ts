/** Events whose body retention has removed. */
import type { Store } from '@switchhook/sdk';
import pMap from 'p-map';
import { hasBody } from '../routing/event-record.js';

/** How many of these events have no body any more. */
export async function countWithoutBody(store: Pick<Store, 'event'>, ids: readonly string[]): Promise<number> {
  const found = await pMap(ids, (id) => store.event(id), { concurrency: 20 });
  return found.filter((event) => event !== null && !hasBody(event)).length;
}
