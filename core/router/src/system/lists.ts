/** Pages of lists: all pages of a list of the store, and pages of what has no index, in memory and in texts of the store, the latest first. */
import { type EventQuery, type Page, parseJson, refuse, type Store } from '@switchhook/sdk';
import { didYouMean } from '@switchhook/sdk/internal';

/** Part of a list. */
export interface Part {
  readonly limit: number;
  /** Of the page before. */
  readonly cursor?: string | undefined;
}

/** A cursor that sorts by time or another number, then by id. */
export function timeKey(ms: number, id: string): string {
  return `${String(ms).padStart(15, '0')}-${id}`;
}

/** The time in such a cursor. Refused as `MALFORMED` where it is none. */
export function timeIn(cursor: string): number {
  const [, digits] = /^(\d{15})-/.exec(cursor) ?? [];
  return digits === undefined ? noCursor() : Number(digits);
}

/** A page of what is in memory; the highest key comes first. Keys, which are the cursors, are ids or those of `timeKey`. */
export function pageOf<T>(items: Iterable<T>, keyOf: (item: T) => string, { limit, cursor }: Part): Page<T> {
  if (cursor !== undefined && !isId(cursor)) timeIn(cursor);
  const found = [...items]
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => cursor === undefined || key < cursor)
    .sort((a, b) => (a.key < b.key ? 1 : -1));
  const shown = found.slice(0, limit);
  return { items: shown.map(({ item }) => item), cursor: found.length > limit ? (shown.at(-1)?.key ?? null) : null };
}

/** Keys that a store returns for a prefix at once. */
const mostKeys = 1_000;
const readAtOnce = 50;

/**
 * A page of the JSON texts whose keys are this prefix and an id (UUIDv7); the latest id comes first, and ids are the cursors. Only texts of
 * the page are read, and those before it that do not fit. The type is that of what was written under these keys.
 */
export async function textsOf<T>(
  store: Store,
  prefix: string,
  { limit, cursor = '~' }: Part,
  fits: (value: T) => boolean = () => true,
): Promise<Page<T>> {
  if (cursor !== '~' && !isId(cursor)) noCursor();
  const ids: string[] = [];
  for await (const keys of keysOf(store, prefix)) ids.push(...keys.map((key) => key.slice(prefix.length)));
  const left = ids.filter((id) => id < cursor).sort((a, b) => (a < b ? 1 : -1));
  const found: { readonly id: string; readonly value: T }[] = [];
  for (let read = 0; read < left.length && found.length <= limit; read += readAtOnce) {
    const some = left.slice(read, read + readAtOnce);
    const texts = await Promise.all(some.map(async (id) => [id, await store.state?.(prefix + id)] as const));
    for (const [id, text] of texts) {
      if (text == null) continue;
      const value = parseJson(text) as T;
      if (fits(value)) found.push({ id, value });
    }
  }
  const shown = found.slice(0, limit);
  return { items: shown.map(({ value }) => value), cursor: found.length > limit ? (shown.at(-1)?.id ?? null) : null };
}

/** All keys with this prefix, page by page: a store returns a limited number of a prefix, in any order. */
async function* keysOf(store: Store, prefix: string): AsyncGenerator<readonly string[]> {
  const keys = (await store.stateKeys?.(prefix, mostKeys)) ?? [];
  if (keys.length < mostKeys) yield keys;
  else for (const next of '0123456789abcdef-') yield* keysOf(store, prefix + next);
}

function isId(text: string): boolean {
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(text);
}

function noCursor(): never {
  throw refuse('MALFORMED', 'the cursor is not one of this list: pass the one of the last reply unchanged');
}

/** All pages of a list of the store, one after another. */
export async function* pagesOf<T>(
  limit: number,
  read: (part: { readonly limit: number; readonly cursor?: string }) => Promise<Page<T>>,
): AsyncGenerator<Page<T>> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page: Page<T> = await read(cursor === undefined ? { limit } : { limit, cursor });
    yield page;
    cursor = page.cursor;
  }
}

/** Refuses as `STORE_CANNOT_FILTER` a query with a condition that the store would ignore. */
export function checkConditions({ eventConditions = [] }: Store, query: EventQuery): void {
  const texts = { state: 'the state of their deliveries', ids: 'what came again' };
  for (const name of ['state', 'ids'] as const)
    if (query[name] !== undefined && !eventConditions.includes(name))
      throw refuse('STORE_CANNOT_FILTER', `it finds no events by ${texts[name]}: its eventConditions lack "${name}"`);
}

/** Of a configuration with few rows of a kind, all are named. */
const mostNamed = 5;

/** The refusal of a name that is not configured, with the name that is probably meant, or with all where they are few. */
export function noSuchRow(kind: string, name: string, known: readonly string[]): Error {
  const all = known.length === 0 ? 'there is none' : `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
  const meant = didYouMean(name, known) || (known.length <= mostNamed ? `; ${all}` : '');
  return refuse('NO_SUCH_ROW', `no ${kind} "${name}" is configured${meant}`);
}
