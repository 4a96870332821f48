/** Pages of a list: the next one is loaded on request and added below. */
import { api } from '../model/api.js';
import { type EventSearch, together } from '../model/search.js';
import { Action } from './actions.js';
import { type Resource, useResource } from './resource.js';

/** A list that grows. */
export interface Pages<T> {
  readonly items: readonly T[];
  readonly cursor: string | null;
  /** What a search in data has looked at for all of them. */
  readonly search?: EventSearch | undefined;
  /** How many pages these are. From two on, the list is not loaded again by itself; where an operator asks for it, all of them are. */
  readonly number: number;
}

/** Loads the first page of a list, and `more` adds the next one. */
export function usePages<T>(
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  itemsOf: (reply: never, signal: AbortSignal) => readonly T[] | Promise<readonly T[]>,
  again: (items: readonly T[]) => number | null = () => null,
): { readonly first: Resource<Pages<T>>; readonly more: (page: Pages<T>) => Promise<null> } {
  const load = async (cursor: string | undefined, signal: AbortSignal): Promise<Pages<T>> => {
    const reply = await api<Pick<Pages<T>, 'cursor' | 'search'>>(path, {
      // The address may have a cursor, which is that of the first page.
      query: cursor === undefined ? query : { ...query, cursor },
      signal,
    });
    // The caller knows which list it is of.
    return { items: await itemsOf(reply as never, signal), cursor: reply.cursor, search: reply.search, number: 1 };
  };
  const withNext = async (page: Pages<T>, signal: AbortSignal): Promise<Pages<T>> => {
    if (page.cursor === null) return page;
    const next = await load(page.cursor, signal);
    return {
      items: [...page.items, ...next.items],
      cursor: next.cursor,
      search: together(page.search, next.search),
      number: page.number + 1,
    };
  };
  const first: Resource<Pages<T>> = useResource(
    `${path} ${JSON.stringify(query)}`,
    // As far as it was shown.
    async (signal) => {
      const wanted = first.data.peek()?.number ?? 1;
      let page = await load(undefined, signal);
      while (page.number < wanted && page.cursor !== null) page = await withNext(page, signal);
      return page;
    },
    ({ items, number }) => (number > 1 ? null : again(items)),
  );
  const more = (): Promise<null> => first.grow(withNext);
  return { first, more };
}

/** Below a list without an item: a page may be empty before the end where each item must be looked at. */
export function Older<T>({
  page,
  more,
}: {
  readonly page: Pages<T>;
  readonly more: (page: Pages<T>) => Promise<null>;
}) {
  if (page.cursor === null) return null;
  return (
    <p>
      <Action run={() => more(page)}>{olderOnes}</Action>
    </p>
  );
}

export const olderOnes = 'Look at older ones';

/** The foot of a list: how many are shown, and the button for more. */
export function Foot<T>({
  page,
  more,
  what,
  button = 'Show more',
}: {
  readonly page: Pages<T>;
  readonly more: (page: Pages<T>) => Promise<null>;
  readonly what: string;
  readonly button?: string;
}) {
  return (
    <p class="foot">
      {page.items.length.toLocaleString('en')} {what} shown{page.cursor === null ? ', no more.' : '.'}{' '}
      {page.cursor !== null && <Action run={() => more(page)}>{button}</Action>}
    </p>
  );
}
