/** Lists of events as the API returns them, and what a search in their data has looked at. */
import { z } from 'zod';
import { count, cursor, event, list, named, time } from './responses.js';

const eventSearch = z
  .object({
    examined: count.meta({ description: 'How many events it has looked at.' }),
    examinedSince: time
      .nullable()
      .meta({ description: 'When the oldest of them was received; null where there was none.' }),
    isComplete: z.boolean().meta({
      description:
        'False where it ended before it had looked at `last` events: `limit` matched, or 5 seconds were over. Pass the cursor to continue.',
    }),
    withoutData: count.meta({
      description:
        'For how many of them retention has removed the data: they do not match `text`, `where` and `unevaluated`.',
    }),
    failed: count.meta({ description: 'For how many of them the condition could not be evaluated.' }),
    failure: z
      .string()
      .nullable()
      .meta({ description: 'Why not, for the newest of these; null where there was none.' }),
  })
  .register(named, { id: 'EventSearch' });
export type EventSearch = z.output<typeof eventSearch>;

export const eventList = z
  .object({
    events: list(event),
    cursor: cursor.meta({ description: 'For the next page, or for older events to look at; null at the end.' }),
    search: eventSearch
      .optional()
      .meta({ description: 'With `text`, `where`, `secret` or `unevaluated`: what was looked at.' }),
  })
  .register(named, { id: 'EventList' });
