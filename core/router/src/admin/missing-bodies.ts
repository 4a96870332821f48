/** What is not kept: events, and bodies of events that retention has removed. */
import { type DeliveryRecord, durationText, type EventRecord, refuse, type Store } from '@switchhook/sdk';
import { hasBody } from '../routing/event-record.js';
import type { RetentionPolicy } from '../routing/retention-policy.js';
import { gatheredEvents } from './gathered.js';

/** Of the event of a delivery, and of those that it has gathered, the first one without a body; null where all have theirs. */
export async function eventWithoutBody(store: Store, delivery: DeliveryRecord): Promise<EventRecord | null> {
  const event = await store.event(delivery.eventId);
  if (event === null || !hasBody(event)) return event;
  const { events = [] } = (await gatheredEvents(store, delivery)) ?? {};
  return events.find((one) => !hasBody(one)) ?? null;
}

/** The refusal of what is not there: an id may be misspelt, or older than what is kept. */
export function notKept(what: string, { eventsMs, parts }: RetentionPolicy): Error {
  const longestMs = Math.max(eventsMs, ...parts.map((part) => part.eventsMs));
  return refuse(
    'NOT_KEPT',
    `there is no ${what}; events are kept for ${durationText(longestMs)} at most, and switchhook events lists them, by --since, --subject or --number`,
  );
}
