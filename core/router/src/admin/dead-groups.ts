/** Dead deliveries by destination and failure: what there is to repair, before one looks at single deliveries. */
import type { DeadGroup, DeliveryQuery, DeliveryRecord, Store } from '@switchhook/sdk';
import { pagesOf } from '../system/lists.js';

/** Which dead deliveries to group. All given conditions must hold. */
export type DeadQuery = Omit<DeliveryQuery, 'state' | 'limit' | 'cursor'>;

/** Groups, and whether there are more dead deliveries than were read. */
export interface DeadGroups {
  /** The largest first. What the last attempts failed with is without numbers and ids that differ. */
  readonly groups: readonly DeadGroup[];
  readonly more: boolean;
}

const pageSize = 2_000;
/** Dead deliveries that are read for one list, where the store does not count them. */
const mostRead = 10_000;
/** That a store counts at once, and for one list: 100 ms with SQLite, 200 ms with PostgreSQL; 100,000 would take 200 and 600 ms. */
const [countedAtOnce, mostCounted] = [5_000, 50_000];

/** Groups what is dead, the newest first, up to 50,000 deliveries, or 10,000 where the store does not count them; what was discarded only where the query asks for it. */
export async function deadGroups(store: Store, query: DeadQuery): Promise<DeadGroups> {
  const groups = new Map<string, DeadGroup>();
  const { eventId, ...others } = query;
  if (store.deadGroups !== undefined && eventId === undefined) {
    const { deadGroups: counted } = store;
    let sum = 0;
    for await (const page of pagesOf(countedAtOnce, (part) => counted.call(store, { ...others, ...part }))) {
      for (const group of page.items) {
        add(groups, { ...group, failure: sharedFailure(group) });
        sum += group.count;
      }
      if (page.cursor !== null && sum >= mostCounted) return { groups: sorted(groups), more: true };
    }
    return { groups: sorted(groups), more: false };
  }
  let read = 0;
  for await (const page of pagesOf(pageSize, (part) => store.deliveries({ ...query, state: 'dead', ...part }))) {
    for (const delivery of page.items)
      if (delivery.reason !== 'discarded' || query.reason === 'discarded') addOne(groups, delivery);
    read += pageSize;
    if (page.cursor !== null && read >= mostRead) return { groups: sorted(groups), more: true };
  }
  return { groups: sorted(groups), more: false };
}

function addOne(groups: Map<string, DeadGroup>, delivery: DeliveryRecord): void {
  const { id, destination, reason, settledAtMs, createdAtMs } = delivery;
  if (reason === null) return;
  const atMs = settledAtMs ?? createdAtMs;
  const failure = sharedFailure(delivery);
  add(groups, { destination, reason, failure, count: 1, firstMs: atMs, lastMs: atMs, latest: id });
}

function add(groups: Map<string, DeadGroup>, part: DeadGroup): void {
  const { destination, reason, failure, count, firstMs, lastMs, latest } = part;
  const key = JSON.stringify([destination, reason, failure]);
  const known = groups.get(key);
  groups.set(
    key,
    known === undefined
      ? part
      : {
          ...known,
          count: known.count + count,
          firstMs: Math.min(known.firstMs, firstMs),
          lastMs: Math.max(known.lastMs, lastMs),
          latest: lastMs > known.lastMs ? latest : known.latest,
        },
  );
}

/**
 * What the last attempt failed with, as those that failed alike have it; null where none came back. Ids, e.g. `call_…`, and long numbers
 * differ from one failure to the next; a status does not. A full stop and space around it do not count either: lists for people end each
 * text with one.
 */
export function sharedFailure({ failure }: Pick<DeliveryRecord, 'failure'>): string | null {
  if (failure === null) return null;
  const text = failure.trimStart().replace(/(?<![\s.])[\s.]+$/, '');
  return text.replace(/\b(?:(?=[\w-]*\d)[\w-]{16,}|\d{4,})\b/g, '…');
}

/** Whether a delivery failed as a text says: that of its group, or of one delivery of it. Null: no attempt came back. */
export function failedAs(delivery: Pick<DeliveryRecord, 'failure'>, failure: string | null): boolean {
  return sharedFailure(delivery) === sharedFailure({ failure });
}

function sorted(groups: ReadonlyMap<string, DeadGroup>): readonly DeadGroup[] {
  return [...groups.values()].sort((a, b) => b.count - a.count || b.lastMs - a.lastMs);
}
