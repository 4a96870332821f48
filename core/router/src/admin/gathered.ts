/** The events that a delivery has gathered: for those who look at it, instead of making it. */
import type { ClaimedDelivery, DeliveryRecord, EventRecord, Store } from '@switchhook/sdk';
import pMap from 'p-map';

/** Of one subject, more are not looked at. */
const mostEvents = 1_000;

/** As a claim of the delivery returns them; null where it gathers none, or its event is not kept. */
export async function gatheredEvents(
  store: Store,
  { id, route, destination, subject, gathered }: DeliveryRecord,
): Promise<Pick<ClaimedDelivery, 'event' | 'events'> | null> {
  if (gathered?.by !== id || subject === null) return null;
  const { items } = await store.events({ subject, limit: mostEvents });
  const partOf = async (event: EventRecord) => {
    const own = await store.deliveries({ eventId: event.id, route, destination, limit: mostEvents });
    return own.items.flatMap((one) => (one.gathered?.by === id ? [{ event, ends: one.gathered.ends }] : []));
  };
  // Each is a query: the store has others to answer, too.
  const all = (await pMap(items.toReversed(), partOf, { concurrency: 8 })).flat();
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
