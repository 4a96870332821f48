/** Events whose body retention has removed. */
import type { DeliveryRecord, EventRecord, Store } from '@switchhook/sdk';
import { hasBody } from '../routing/event-record.js';
import { gatheredEvents } from './gathered.js';

/** Of the event of a delivery, and of those that it has gathered, the first one without a body; null where all have theirs. */
export async function eventWithoutBody(store: Store, delivery: DeliveryRecord): Promise<EventRecord | null> {
  const event = await store.event(delivery.eventId);
  if (event === null || !hasBody(event)) return event;
  const { events = [] } = (await gatheredEvents(store, delivery)) ?? {};
  return events.find((one) => !hasBody(one)) ?? null;
}
