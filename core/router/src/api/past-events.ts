/** Events that were kept, as the API returns them and fixtures have them, for a comparison. */
import type { JsonObject } from '@switchhook/sdk';
import { z } from 'zod';
import type { PastAnswer } from '../admin/answer-comparison.js';
import type { PastDelivery, PastEvent } from '../admin/comparison.js';
import { recordOf } from '../routing/event-record.js';
import { callAnswer } from './call-responses.js';
import { delivery, event, list } from './responses.js';

/** A delivery of a fixture: a line of `deliveries --json` or of an export. */
export const keptDelivery = delivery.pick({ event: true, route: true, destination: true });

/** An event of a fixture. Its deliveries are missing where they are not known; its data are null where the event was removed meanwhile. */
export const keptEvent = event.extend({
  data: z.record(z.string(), z.unknown()).nullable(),
  deliveries: list(delivery.pick({ route: true, destination: true })).optional(),
});

/** An event with its data, as a comparison takes it. `deliveries`: null = not known. */
export function pastEventOf(
  kept: z.output<typeof event> & { readonly data: Readonly<Record<string, unknown>> },
  deliveries: readonly PastDelivery[] | null,
): PastEvent {
  const { id, key, type, source, subject, agent, occurredAt, receivedAt } = kept;
  // The API has parsed it.
  const data = kept.data as JsonObject;
  const draft = { key, type, subject, agent, party: null, occurredAtMs: Date.parse(occurredAt), data };
  return { record: recordOf(draft, source, Date.parse(receivedAt), id), deliveries, answer: pastAnswerOf(data) };
}

/** Null where the event is no call, or of a time when answers were kept otherwise. */
function pastAnswerOf({ answer }: JsonObject): PastAnswer | null {
  const { data } = callAnswer.safeParse(answer);
  if (data === undefined) return null;
  const origins = [...Object.values(data.origins), ...(data.override_agent_origin ? [data.override_agent_origin] : [])];
  return {
    name: data.name,
    variables: data.variables,
    overrideAgent: data.override_agent,
    reasons: origins.flatMap(({ reason }) => reason ?? []),
    lookups: data.lookups.map(({ start_ms: startMs, ...lookup }) => ({ startMs, ...lookup })),
    late: data.sent?.outcome === 'late',
  };
}
