/**
 * The format of a backup: gzip, and in it lines of JSON. The first line is the header, the last one has a SHA-256 of all lines
 * before it; between them are texts, keys of removed events, and events with their deliveries, in this order. Times are
 * milliseconds since the epoch, except in the header. docs/operating/backup.md describes it for other programs.
 */
import { isUtf8 } from 'node:buffer';
import { deliveryId, type StoredEvent, type StoredKey, type StoredText } from '@switchhook/sdk';
import { z } from 'zod';

/** Raised by a change that an earlier version would read wrongly. */
export const newestFormat = 1;

const count = z.int().min(0);
const ms = z.number();
const text = z.string().nullable();

const counts = z.object({ events: count, deliveries: count, attempts: count, texts: count, keys: count });
export type Counts = z.output<typeof counts>;

/** What is the same in every format: without it, a file is no backup. */
export const marker = z.object({ switchhook: z.literal('backup'), format: z.int().min(1), router: z.string() });

export const header = marker.extend({
  /** Type of the store. */
  store: z.string(),
  takenAt: z.iso.datetime(),
  /** When its first and its last event were received. */
  oldestAt: z.iso.datetime().nullable(),
  newestAt: z.iso.datetime().nullable(),
  counts,
});
export type Header = z.output<typeof header>;

const attempt = z.object({
  number: count,
  startedAtMs: ms,
  durationMs: ms,
  outcome: z.enum(['delivered', 'rejected', 'unavailable', 'skipped']),
  reason: text,
  response: text,
});

/** Strict: a damaged name of a field that may be missing would otherwise be passed over. */
const delivery = z.strictObject({
  route: z.string(),
  destination: z.string(),
  transforms: z.array(z.string()),
  state: z.enum(['waiting', 'running', 'delivered', 'dead', 'skipped', 'gathered']),
  reason: z.enum(['rejected', 'exhausted', 'discarded']).nullable(),
  attempts: count,
  dueMs: ms.nullable(),
  createdAtMs: ms,
  settledAtMs: ms.nullable(),
  gathered: z.object({ by: z.string(), events: count, ends: z.boolean() }).nullable().default(null),
  history: z.array(attempt),
});

const event = z.object({
  id: z.string(),
  key: z.string(),
  source: z.string(),
  type: z.string(),
  subject: text,
  agent: text,
  party: text,
  occurredAtMs: ms,
  receivedAtMs: ms,
  trace: text,
  verified: text.optional(),
  /** Its bytes as text; those that are no UTF-8 are in `base64`. */
  body: z.string().optional(),
  base64: z.base64().optional(),
});

/** A line between the header and the end. */
const content = z.union([
  z.object({ event, deliveries: z.array(delivery) }),
  z.object({ text: z.object({ key: z.string(), value: z.string(), expiresAtMs: ms.nullable() }) }),
  z.object({ key: z.object({ digest: z.string(), eventId: z.string(), dayMs: ms, untilMs: ms.nullable() }) }),
]);

export const end = z.object({ end: z.object({ sha256: z.string() }) });

/** What a line holds. */
export type Content =
  | { readonly kind: 'event'; readonly event: StoredEvent }
  | { readonly kind: 'text'; readonly text: StoredText }
  | { readonly kind: 'key'; readonly key: StoredKey };

/** A line of a backup, without its line break. */
export function lineOfEvent({ event: kept, deliveries }: StoredEvent): string {
  const { id, key, source, type, subject, agent, party, occurredAtMs, receivedAtMs, body } = kept;
  const { trace = null, verified } = kept;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const content = isUtf8(bytes) ? { body: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
  const proof = verified == null ? {} : { verified };
  const facts = {
    id,
    key,
    source,
    type,
    subject,
    agent,
    party,
    occurredAtMs,
    receivedAtMs,
    trace,
    ...proof,
    ...content,
  };
  return JSON.stringify({
    event: facts satisfies z.output<typeof event>,
    deliveries: deliveries.map(({ record, attempts }) => {
      const { route, destination, transforms, state, reason, dueMs, createdAtMs, settledAtMs, gathered } = record;
      const place = { route, destination, transforms: [...transforms], state, reason, attempts: record.attempts };
      const times = { dueMs, createdAtMs, settledAtMs, ...(gathered && { gathered }) };
      return { ...place, ...times, history: [...attempts] } satisfies z.input<typeof delivery>;
    }),
  });
}

/** The content of a line. Throws where it is none. */
export function contentOf(line: string): Content {
  const read = content.parse(JSON.parse(line));
  if ('text' in read) return { kind: 'text', text: read.text };
  if ('key' in read) return { kind: 'key', key: read.key };
  const { body, base64, verified, ...record } = read.event;
  const proof = verified == null ? {} : { verified };
  const bytes = base64 === undefined ? Buffer.from(body ?? '', 'utf8') : Buffer.from(base64, 'base64');
  const deliveries = read.deliveries.map(({ history, gathered, ...made }, index) => ({
    record: {
      ...made,
      id: deliveryId(record.id, index),
      eventId: record.id,
      type: record.type,
      subject: record.subject,
      failure: history.at(-1)?.reason ?? null,
      ...(gathered && { gathered }),
    },
    attempts: history,
  }));
  return { kind: 'event', event: { event: { ...record, ...proof, body: bytes }, deliveries } };
}
