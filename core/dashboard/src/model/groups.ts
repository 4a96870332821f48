/** Dead deliveries in groups: by destination, reason and what the last attempt failed with. */
import type { Delivery } from './replies.js';
import { excerpt } from './wording.js';

/** Deliveries that failed alike. */
export interface Group {
  readonly destination: string;
  readonly reason: NonNullable<Delivery['reason']>;
  /** Numbers and ids replaced by `…`, so that failures that differ only in them are one group. */
  readonly failure: string;
  readonly deliveries: readonly Delivery[];
}

/** The groups, largest first. */
export function groupsOf(deliveries: readonly Delivery[]): readonly Group[] {
  const groups = new Map<string, Delivery[]>();
  for (const delivery of deliveries) {
    const key = JSON.stringify([delivery.destination, delivery.reason, patternOf(delivery.failure)]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [delivery]);
    else group.push(delivery);
  }
  return [...groups.values()]
    .flatMap((members): readonly Group[] => {
      const [first] = members;
      if (first === undefined) return [];
      const { destination, reason, failure } = first;
      return [{ destination, reason: reason ?? 'rejected', failure: patternOf(failure), deliveries: members }];
    })
    .sort((a, b) => b.deliveries.length - a.deliveries.length);
}

/** What failures have in common: ids and long numbers differ, statuses do not. */
export function patternOf(failure: string | null): string {
  if (failure === null) return 'no failure is recorded';
  const common = failure.replace(/\b(?=[\w-]*\d)[\w-]{6,}\b/g, '…').replace(/\d{4,}/g, '…');
  return excerpt(common, 200);
}
