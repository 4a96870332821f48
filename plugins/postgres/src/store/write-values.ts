/** The parameters of the statements that change the store. */
import type { Entry, EventRecord, NewDelivery, Settled } from '@switchhook/sdk';
import { lineOf, partsOf, stateCodes, storable, textOf, whole } from './rows.js';

/** `claim`: of the deliveries that are handed over in memory. */
export function appendValues(
  entries: readonly Entry[],
  digests: readonly string[],
  nowMs: number,
  claim: number,
): readonly unknown[] {
  const deliveries = entries.flatMap(({ event, deliveries: made }, index) =>
    made.map((delivery, idx) => ({ n: index + 1, idx, line: lineOf(event.subject), delivery })),
  );
  const [destinations, routes, transforms, states, due] = deliveryValues(deliveries.map(({ delivery }) => delivery));
  return [
    ...[entries.map(({ event }) => event.id), digests],
    ...eventValues(entries.map(({ event, deliveries: made }) => ({ event, isRouted: made.length > 0 }))),
    ...[nowMs, deliveries.map(({ n }) => n), deliveries.map(({ idx }) => idx), destinations, routes, transforms],
    ...[deliveries.map(({ line }) => line), states, due, claim, verifiedValues(entries)],
  ];
}

/** Columns of new events: source, key, type, subject, agent, party, trace, times, routed, and the places of their bodies in the last value. */
export function eventValues(
  rows: readonly { readonly event: EventRecord; readonly isRouted: boolean }[],
): readonly unknown[] {
  const events = rows.map(({ event }) => event);
  const texts = (field: 'source' | 'key' | 'type' | 'subject' | 'agent' | 'party' | 'trace') =>
    events.map((one) => storable(one[field] ?? null));
  const sizes = events.map(({ body }) => body.byteLength);
  let start = 1;
  const starts = sizes.map((size) => {
    start += size;
    return start - size;
  });
  return [
    ...[texts('source'), texts('key'), texts('type'), texts('subject'), texts('agent'), texts('party'), texts('trace')],
    events.map(({ occurredAtMs }) => whole(occurredAtMs)),
    events.map(({ receivedAtMs }) => whole(receivedAtMs)),
    rows.map(({ isRouted }) => isRouted),
    ...[starts, sizes, Buffer.concat(events.map(({ body }) => body))],
  ];
}

/** A further column of new events: what has verified them. */
export function verifiedValues(entries: readonly { readonly event: EventRecord }[]): readonly (string | null)[] {
  return entries.map(({ event }) => storable(event.verified ?? null));
}

/** Columns of new deliveries: destination, route, transforms, state, due_at. */
export function deliveryValues(deliveries: readonly NewDelivery[]) {
  return [
    deliveries.map(({ destination }) => destination),
    deliveries.map(({ route }) => route),
    deliveries.map(({ transforms }) => textOf(transforms)),
    deliveries.map(({ state }) => stateCodes[state]),
    deliveries.map(({ dueMs }) => whole(dueMs)),
  ] as const;
}

export function settleValues(settled: readonly Settled[], nowMs: number): readonly unknown[] {
  // The first settlement of a lease counts; one statement would apply any of them.
  const rows = new Map<string, readonly unknown[]>();
  for (const { deliveryId: id, lease, settlement, attempt } of settled) {
    const parts = partsOf(id);
    if (parts === null || rows.has(`${id} ${lease}`)) continue;
    const isWaiting = settlement.state === 'waiting';
    rows.set(`${id} ${lease}`, [
      ...[parts.eventId, parts.index, lease, stateCodes[settlement.state]],
      settlement.state === 'dead' ? settlement.reason : null,
      isWaiting ? whole(settlement.untilMs) : null,
      isWaiting && !settlement.counted ? 1 : 0,
      ...[attempt === null ? null : whole(attempt.startedAtMs), attempt?.durationMs ?? null, attempt?.outcome ?? null],
      ...[storable(attempt?.reason ?? null), storable(attempt?.response ?? null)],
    ]);
  }
  const columns = Array.from({ length: 12 }, (_, column) => [...rows.values()].map((row) => row[column]));
  return [...columns, nowMs];
}
