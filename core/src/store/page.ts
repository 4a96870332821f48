/** Pages of a list that is newest first, and the cursors between them. */
import type { Page } from '../contract/store.js';
import { refuse } from '../refusal.js';

/** Where something stands in a list: by its time, then by its order of arrival. */
interface Place {
  readonly atMs: number;
  readonly order: number;
}

/** Sorts rows newest first and cuts the page that a query asks for. */
export function pageOf<R, T>(
  rows: readonly R[],
  placeOf: (row: R) => Place,
  itemOf: (row: R) => T,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string },
): Page<T> {
  const start = cursor === undefined ? null : placeAt(cursor);
  const placed = rows.map((row) => ({ row, place: placeOf(row) })).toSorted((a, b) => newestFirst(a.place, b.place));
  const rest = start === null ? placed : placed.filter(({ place }) => newestFirst(start, place) < 0);
  const page = rest.slice(0, limit);
  const last = rest.length > limit ? page.at(-1) : undefined;
  const next = last === undefined ? null : `${last.place.atMs}_${last.place.order}`;
  return { items: page.map(({ row }) => itemOf(row)), cursor: next };
}

function newestFirst(a: Place, b: Place): number {
  return b.atMs - a.atMs || b.order - a.order;
}

function placeAt(cursor: string): Place {
  const [atMs, order] = cursor.split('_').map(Number);
  if (atMs === undefined || order === undefined || !Number.isFinite(atMs + order))
    throw refuse('MALFORMED', 'the cursor is not one of this list');
  return { atMs, order };
}
