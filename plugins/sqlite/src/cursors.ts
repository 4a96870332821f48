/** Pages of lists, and the cursors of lists and changes. */
import { type Page, refuse } from '@switchhook/sdk';
import type { ChangesPlace, Segment } from './protocol.js';
import type { Place } from './sql.js';

/** Fills a page from segments of a list. */
export async function pageOf<T>(
  query: { readonly limit: number; readonly untilMs?: number; readonly cursor?: string },
  read: (start: Place, limit: number) => Promise<Segment<T>>,
): Promise<Page<T>> {
  const items: T[] = [];
  let next: Place | null = startOf(query);
  while (next !== null && items.length < query.limit) {
    const segment: Segment<T> = await read(next, query.limit - items.length);
    items.push(...segment.items);
    next = segment.next;
  }
  return { items, cursor: cursorOf(next) };
}

/** One segment as a page. */
export async function segmentPage<T>(
  query: { readonly untilMs?: number; readonly cursor?: string },
  read: (start: Place) => Promise<Segment<T>>,
): Promise<Page<T>> {
  const { items, next } = await read(startOf(query));
  return { items, cursor: cursorOf(next) };
}

function cursorOf(next: Place | null): string | null {
  return next === null ? null : `${next.atMs}_${next.order}`;
}

function startOf({ untilMs, cursor }: { readonly untilMs?: number; readonly cursor?: string }): Place {
  const until = { atMs: untilMs ?? Number.MAX_SAFE_INTEGER, order: -1 };
  if (cursor === undefined) return until;
  const [atMs, order] = cursor.split('_').map(Number);
  if (!Number.isSafeInteger(atMs) || !Number.isSafeInteger(order) || atMs === undefined || order === undefined)
    throw refuse('MALFORMED', 'the cursor is not one of this list: pass the one of the last reply unchanged');
  return atMs < until.atMs ? { atMs, order } : until;
}

/** The place of a cursor of `changes`; null without one. */
export function changesPlaceOf(cursor: string | null): ChangesPlace | null {
  if (cursor === null) return null;
  const [, seq, change] = /^(\d{1,16})_(\d{1,16})$/.exec(cursor) ?? [];
  if (seq === undefined || change === undefined)
    throw refuse('MALFORMED', 'the cursor is not one of the changes: pass the one of the last reply unchanged');
  return { seq: Number(seq), change: Number(change) };
}
