/** Response schemas of the API about erasures, and how an erasure is written in them. */
import { z } from 'zod';
import type { Erasure, ErasureRecord } from '../admin/erasures.js';
import { eventJson } from './mapping.js';
import { count, cursor, event, iso, isoOrNull, list, named, time } from './responses.js';

const hash = z.string().nullable().meta({
  description: 'SHA-256 of `salt:value` in hex; null where it was not named. A phone number is in E.164.',
});
const found = z.enum(['party', 'mentioned', 'named', 'conversation', 'derived']);

const shape = {
  id: z.string(),
  state: z.enum(['running', 'done', 'failed', 'stopped']).meta({
    description: 'stopped, or running without an end: the router ended meanwhile. Erase again.',
  }),
  startedAt: time,
  endedAt: time.nullable(),
  by: z.string().meta({ description: 'Who erased.' }),
  filter: z.object({ number: hash, subject: hash, agent: hash, since: time.nullable(), until: time.nullable() }),
  salt: z.string(),
  events: list(z.object({ type: z.string(), count })).meta({ description: 'Erased events, by type.' }),
  foundBy: z.partialRecord(found, count).meta({
    description:
      'party: the number is that of the other person. mentioned: it is in the body. named: the conversation or agent was named. conversation: of a conversation found by the number. derived: made by the router or a destination because of one of these.',
  }),
  deliveries: list(z.object({ destination: z.string(), state: z.string(), count })).meta({
    description: 'Their deliveries; those that waited are cancelled.',
  }),
  removed: z.record(z.string(), count).meta({
    description:
      'Removed from memory and lists. calls: answers kept for repeated requests. facts: what resolvers found. refused: refused requests. duplicates, incomplete: entries of these lists. unrecorded: calls that waited for the store.',
  }),
  oldestAt: time.nullable().meta({ description: 'When the oldest of the events was received.' }),
  newestAt: time.nullable(),
  sentCount: count.meta({ description: 'Deliveries that were sent, or may have been.' }),
  destinations: list(
    z.object({
      destination: z.string(),
      deliveries: count.meta({ description: 'Sent to it, or attempted.' }),
      able: z.boolean().meta({ description: 'Whether the router can erase there.' }),
      records: count.meta({ description: 'Records that were removed there.' }),
      failure: z.string().nullable().meta({ description: 'Why some may be left there; null where none is.' }),
    }),
  ),
  left: z
    .string()
    .nullable()
    .meta({ description: 'What the files of the store may still contain; null where nothing.' }),
  reason: z.string().nullable().meta({ description: 'Why it failed.' }),
};

export const erasureRecord = z.object(shape).register(named, { id: 'ErasureRecord' });
export type ErasureRow = z.output<typeof erasureRecord>;
export const erasureList = z
  .object({ erasures: list(erasureRecord).meta({ description: 'Newest first; not dry runs.' }), cursor })
  .register(named, { id: 'ErasureList' });

export const erasure = z
  .object({
    ...shape,
    dryRun: z.boolean(),
    number: z.string().nullable().meta({
      description: 'The number as it was read, in the reply to the request only; null otherwise.',
    }),
    sent: list(
      z.object({
        destination: z.string(),
        event: z.string(),
        delivery: z.string().meta({ description: 'The idempotency key that the destination was given.' }),
        at: time.nullable().meta({ description: 'When it arrived, or was tried last; null while it is tried.' }),
        arrived: z.boolean().meta({ description: 'False where no attempt had a success; one may have arrived.' }),
      }),
    ).meta({ description: 'What was sent, at most ten thousand deliveries: to be erased there, too.' }),
    examples: list(event.extend({ by: found })).meta({ description: 'Some of the events, in a dry run.' }),
  })
  .register(named, { id: 'Erasure' });
export type ErasureDetails = z.output<typeof erasure>;

/** A record as the API returns it. */
export function erasureRecordJson({ startedAtMs, endedAtMs, filter, oldestMs, newestMs, ...record }: ErasureRecord) {
  const { sinceMs, untilMs, ...hashes } = filter;
  return {
    ...record,
    ...{ startedAt: iso(startedAtMs), endedAt: isoOrNull(endedAtMs) },
    filter: { ...hashes, since: isoOrNull(sinceMs), until: isoOrNull(untilMs) },
    ...{ oldestAt: isoOrNull(oldestMs), newestAt: isoOrNull(newestMs) },
    events: [...record.events],
  };
}

/** An erasure of this run of the router. */
export function erasureJson({ sent, examples, ...erasure }: Erasure, number: string | null = null) {
  const { dryRun, ...record } = erasure;
  return {
    ...erasureRecordJson(record),
    ...{ dryRun, number },
    sent: sent.map(({ destination, eventId, deliveryId, atMs, arrived }) => {
      return { destination, event: eventId, delivery: deliveryId, at: isoOrNull(atMs), arrived };
    }),
    examples: examples.map(({ event: one, by }) => ({ ...eventJson(one), by })),
  };
}
