/** Events on their way between their two forms: as a source drafts them, as the store keeps them, as others see them. */
import type { Event, EventDraft } from '../contract/event.js';
import type { JsonObject } from '../contract/json.js';
import type { EventRecord } from '../contract/store.js';
import { newEventId } from '../ids.js';

/** Parsed once per record, however many deliveries share it. */
const parsed = new WeakMap<EventRecord, Event>();

/** Gives a draft its id and its bytes. */
export function recordOf(
  draft: EventDraft,
  source: string,
  receivedAtMs: number,
  id: string = newEventId(),
): EventRecord {
  const record: EventRecord = {
    id,
    key: draft.key,
    source,
    type: draft.type,
    subject: draft.subject,
    agent: draft.agent,
    party: draft.party ?? null,
    occurredAtMs: timeOf(draft) ?? receivedAtMs,
    receivedAtMs,
    body: draft.body ?? new TextEncoder().encode(JSON.stringify(draft.data)),
  };
  parsed.set(record, eventWith(record, draft.data));
  return record;
}

/** A time that a date can hold; a sender's nonsense is no time. */
function timeOf({ occurredAtMs }: EventDraft): number | null {
  return occurredAtMs !== null && Math.abs(occurredAtMs) <= 8.64e15 ? occurredAtMs : null;
}

/** The event as routes, expressions and destinations see it. */
export function eventOf(record: EventRecord): Event {
  const known = parsed.get(record);
  if (known !== undefined) return known;
  const event = eventWith(record, JSON.parse(new TextDecoder().decode(record.body)) as JsonObject);
  parsed.set(record, event);
  return event;
}

function eventWith(record: EventRecord, data: JsonObject): Event {
  return {
    id: record.id,
    key: record.key,
    source: record.source,
    type: record.type,
    subject: record.subject,
    agent: record.agent,
    occurredAt: new Date(record.occurredAtMs).toISOString(),
    receivedAt: new Date(record.receivedAtMs).toISOString(),
    data,
  };
}
