/** Keeps what another store kept as it is. The worker runs it inside its transaction. */
import type { StoredEvent, StoredOthers } from '@switchhook/sdk';
import type { BacklogCounters } from './backlog-counters.js';
import type { Gatherings } from './gatherings.js';
import { deliveriesPerEvent, textOf } from './records.js';
import type { Removals } from './removals.js';
import type { writeStatements } from './sql.js';
import { countedAs, stateCodes } from './state-codes.js';
import type { SubjectOrder } from './subject-order.js';

/** What writes.ts lends. */
interface Parts {
  readonly sql: ReturnType<typeof writeStatements>;
  readonly counters: BacklogCounters;
  readonly order: SubjectOrder;
  readonly removals: Removals;
  readonly gatherings: Gatherings;
  /**
   * Keeps an event without deliveries, and returns its number; null where another event has its source and key, `erased` where
   * it was erased here.
   */
  append(event: StoredEvent['event']): number | 'erased' | null;
}

export function restoreOthers(
  { sql, removals }: Pick<Parts, 'sql' | 'removals'>,
  { texts = [], keys = [] }: StoredOthers,
): void {
  for (const { key, value, expiresAtMs } of texts) sql.setState.run(key, value, expiresAtMs);
  for (const { digest, eventId, untilMs, dayMs } of keys)
    if (untilMs === null) removals.notePruned(digest, eventId, dayMs);
    else removals.noteErased(digest, eventId, untilMs);
}

export function restoreEvent(
  { sql, counters, order, removals, gatherings, append }: Parts,
  { event, deliveries }: StoredEvent,
): void {
  const seq = sql.eventById.get(event.id)?.seq ?? append(event);
  if (seq === 'erased') return;
  if (seq === null) throw new Error(`another event has the source and key of event ${event.id}`);
  const first = seq * deliveriesPerEvent;
  removals.clear(seq, true);
  if (event.body.length === 0) removals.dropBody(seq);
  if (deliveries.length > 0) sql.markRouted.run(seq);
  for (const [index, { record, attempts }] of deliveries.entries()) {
    const { route, destination, transforms, state, reason, dueMs, createdAtMs, settledAtMs } = record;
    const tries = Math.max(record.attemptsInAll ?? record.attempts, attempts.at(-1)?.number ?? 0);
    const line = settledAtMs === null ? order.orderedSubject(destination, event.subject) : null;
    sql.restoreDelivery.run(
      ...([first + index, route, destination, textOf(transforms), stateCodes[state], reason] as const),
      ...([record.attempts, tries, tries, dueMs, line, createdAtMs, settledAtMs] as const),
    );
    if (record.gathered && event.subject !== null) {
      const { by, ends } = record.gathered;
      gatherings.keep({ id: first + index, route, destination, subject: event.subject }, by === record.id, ends);
    }
    counters.move(destination, null, countedAs(stateCodes[state], reason));
    order.advance(destination, line);
    for (const { number, startedAtMs, durationMs, outcome, reason: why, response } of attempts)
      sql.addAttempt.run(first + index, number, startedAtMs, durationMs, outcome, why, response);
  }
}
