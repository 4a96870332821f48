/** Events whose body retention has removed. */
import type { Store } from '@switchhook/sdk';
import { hasBody } from '../routing/event-record.js';

/** How many of these events, those of one page, have no body any more. */
export async function countWithoutBody(store: Pick<Store, 'event'>, ids: readonly string[]): Promise<number> {
  const found = await Promise.all(ids.map((id) => store.event(id)));
  return found.filter((event) => event !== null && !hasBody(event)).length;
}
