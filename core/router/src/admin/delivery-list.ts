/** The list of deliveries: by the conditions of the store, and by what the last attempt failed with, which no store has an index of. */
import type { DeliveryQuery, DeliveryRecord, Page, Store } from '@switchhook/sdk';
import { failedAs } from './dead-groups.js';

/** Only deliveries whose last attempt failed so, or as another of the same group. */
export interface Failed {
  readonly failure?: string;
}

/** A page of the deliveries that match, newest first. */
export function listedDeliveries(
  store: Store,
  { failure, ...query }: DeliveryQuery & Failed,
): Promise<Page<DeliveryRecord>> {
  const asked = madeBefore(query);
  return failure === undefined ? store.deliveries(asked) : deliveriesFailedAs(store, failure, asked);
}

/** Read at once, and for one page of a list: no store has an index of failures. */
const [listedAtOnce, mostListed] = [500, 10_000];

/**
 * A page of the deliveries that failed as `failure` says, newest first. It may have fewer than `limit`, or none, before the end: so many
 * deliveries are read for it.
 */
async function deliveriesFailedAs(store: Store, failure: string, query: DeliveryQuery): Promise<Page<DeliveryRecord>> {
  const items: DeliveryRecord[] = [];
  let { cursor = null }: { readonly cursor?: string | null } = query;
  let read = 0;
  const pageOf = (limit: number) => store.deliveries({ ...query, limit, ...(cursor !== null && { cursor }) });
  do {
    const page = await pageOf(listedAtOnce);
    const fitting = page.items.filter((one) => failedAs(one, failure));
    const shown = fitting.slice(0, query.limit - items.length);
    items.push(...shown);
    const last = shown.at(-1);
    // A page ends where its cursor is: the one after the last that is shown is that of a shorter page.
    const isCut = last !== undefined && shown.length < fitting.length;
    cursor = isCut ? (await pageOf(page.items.indexOf(last) + 1)).cursor : page.cursor;
    read += listedAtOnce;
  } while (cursor !== null && items.length < query.limit && read < mostListed);
  return { items, cursor };
}

/** Clocks of routers that share a store may differ by less. */
const clocksDifferMs = 60_000;

/** What was settled by a time was made before: a list begins there, instead of with the latest delivery. */
function madeBefore(query: DeliveryQuery): DeliveryQuery {
  const { untilMs = Number.POSITIVE_INFINITY, settledUntilMs } = query;
  if (settledUntilMs === undefined) return query;
  return { ...query, untilMs: Math.min(untilMs, settledUntilMs + clocksDifferMs) };
}
