/** Reads a snapshot of a store to its end, page by page. */
import type { Page, Snapshot, StoredEvent, StoredKey, StoredText } from '@switchhook/sdk';

/** Items of a page: a store also ends it after a few megabytes. */
const pageSize = 500;

/** Pages of events with their deliveries, in the order in which they were kept. */
export function eventPages(snapshot: Snapshot): AsyncGenerator<readonly StoredEvent[]> {
  return pagesOf((after) => snapshot.events(after, pageSize));
}

export function textPages(snapshot: Snapshot): AsyncGenerator<readonly StoredText[]> {
  return pagesOf((after) => snapshot.texts(after, pageSize));
}

export function keyPages(snapshot: Snapshot): AsyncGenerator<readonly StoredKey[]> {
  return pagesOf((after) => snapshot.keys(after, pageSize));
}

async function* pagesOf<T>(read: (after: string | null) => Promise<Page<T>>): AsyncGenerator<readonly T[]> {
  for (let after: string | null = null; ; ) {
    const { items, cursor }: Page<T> = await read(after);
    if (items.length > 0) yield items;
    if (cursor === null) return;
    after = cursor;
  }
}
