/** Dead deliveries by destination and failure: what there is to repair, before one looks at single deliveries. */
import type { DeliveryQuery, DeliveryRecord, Store } from '@switchhook/sdk';
import { pagesOf } from '../system/lists.js';

/** Which dead deliveries to group. All given conditions must hold. */
export type DeadQuery = Omit<DeliveryQuery, 'state' | 'limit' | 'cursor'>;

/** Dead deliveries of one destination with the same failure. */
export interface DeadGroup {
  readonly destination: string;
  readonly reason: NonNullable<DeliveryRecord['reason']>;
  /** What the last attempts failed with, without numbers and ids that differ; null where none came back. */
  readonly failure: string | null;
  readonly count: number;
  /** When the first and the last of them died. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Id of the one that died last. */
  readonly latest: string;
}

/** Groups, and whether there are more dead deliveries than were read. */
export interface DeadGroups {
  /** The largest first. */
  readonly groups: readonly DeadGroup[];
  readonly more: boolean;
}

const pageSize = 2_000;
/** Dead deliveries that are read for one list. */
const mostRead = 10_000;

/** Groups what is dead, up to 10,000 deliveries, the newest first; what was discarded only where the query asks for it. */
export async function deadGroups(store: Store, query: DeadQuery): Promise<DeadGroups> {
  const groups = new Map<string, DeadGroup>();
  let read = 0;
  for await (const page of pagesOf(pageSize, (part) => store.deliveries({ ...query, state: 'dead', ...part }))) {
    for (const delivery of page.items)
      if (delivery.reason !== 'discarded' || query.reason === 'discarded') add(groups, delivery);
    read += pageSize;
    if (page.cursor !== null && read >= mostRead) return { groups: sorted(groups), more: true };
  }
  return { groups: sorted(groups), more: false };
}

function add(groups: Map<string, DeadGroup>, delivery: DeliveryRecord): void {
  const { id, destination, reason, settledAtMs, createdAtMs } = delivery;
  if (reason === null) return;
  const failure = sharedFailure(delivery);
  const atMs = settledAtMs ?? createdAtMs;
  const key = JSON.stringify([destination, reason, failure]);
  const known = groups.get(key) ?? { destination, reason, failure, count: 0, firstMs: atMs, lastMs: atMs, latest: id };
  groups.set(key, {
    ...known,
    count: known.count + 1,
    firstMs: Math.min(known.firstMs, atMs),
    lastMs: Math.max(known.lastMs, atMs),
    latest: atMs >= known.lastMs ? id : known.latest,
  });
}

/**
 * What the last attempt failed with, as those that failed alike have it; null where none came back. Ids, e.g. `call_…`, and long numbers
 * differ from one failure to the next; a status does not.
 */
export function sharedFailure({ failure }: Pick<DeliveryRecord, 'failure'>): string | null {
  return failure === null ? null : failure.replace(/\b(?:(?=[\w-]*\d)[\w-]{16,}|\d{4,})\b/g, '…');
}

function sorted(groups: ReadonlyMap<string, DeadGroup>): readonly DeadGroup[] {
  return [...groups.values()].sort((a, b) => b.count - a.count || b.lastMs - a.lastMs);
}
