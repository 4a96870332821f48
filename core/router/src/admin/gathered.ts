/** The events that a delivery has gathered: for those who look at it, instead of making it. */
import type { ClaimedDelivery, DeliveryRecord, EventRecord, Store } from '@switchhook/sdk';
import pMap from 'p-map';
import { pagesOf } from '../system/lists.js';

/** Events of a subject that are looked at together, without their bodies. */
const pageSize = 1_000;
/** Of one event. */
const mostDeliveries = 1_000;
/** Each is a query: the store has others to answer, too. */
const atOnce = { concurrency: 8 };

/** As a claim of the delivery returns them; null where it gathers none, or its event is not kept. */
export async function gatheredEvents(
  store: Store,
  { id, route, destination, subject, gathered }: DeliveryRecord,
): Promise<Pick<ClaimedDelivery, 'event' | 'events'> | null> {
  if (gathered?.by !== id || subject === null) return null;
  const partOf = async ({ id: eventId }: EventRecord) => {
    const own = await store.deliveries({ eventId, route, destination, limit: mostDeliveries });
    return own.items.flatMap((one) => (one.gathered?.by === id ? [{ eventId, ends: one.gathered.ends }] : []));
  };
  const found: { readonly eventId: string; readonly ends: boolean }[] = [];
  // A conversation may be far longer than what was gathered of it.
  for await (const { items } of pagesOf(pageSize, (part) => store.events({ subject, bodies: false, ...part }))) {
    found.push(...(await pMap(items, partOf, atOnce)).flat());
    if (found.length >= gathered.events) break;
  }
  const loaded = async ({ eventId, ends }: (typeof found)[number]) => {
    const event = await store.event(eventId);
    return event === null ? [] : [{ event, ends }];
  };
  const all = (await pMap(found.toReversed(), loaded, atOnce)).flat();
  const main = all.find(({ ends }) => ends) ?? all.at(-1);
  return main === undefined ? null : { event: main.event, events: all.map(({ event }) => event) };
}

/** The deliveries that take these events along: for one that is gathered, that which has gathered it. Each once; `seen` has those of before. */
export async function carriersOf(
  store: Store,
  deliveries: readonly DeliveryRecord[],
  seen: Set<string>,
): Promise<readonly DeliveryRecord[]> {
  const found = deliveries.map(async (one) => {
    if (one.state !== 'gathered') return one;
    return one.gathered == null ? null : store.delivery(one.gathered.by);
  });
  return (await Promise.all(found)).filter((one): one is DeliveryRecord => {
    if (one === null || seen.has(one.id)) return false;
    if (one.gathered != null) seen.add(one.id);
    return true;
  });
}
