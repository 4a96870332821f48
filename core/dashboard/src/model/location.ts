/** Where in the page the operator is: kept in the URL's fragment, so that each view can be bookmarked under any mount. */
import { signal } from '@preact/signals';

/** A view and what it shows. */
export interface Place {
  /** Segments of the path, decoded: `['events', '01…']`. */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

/** Reads a fragment such as `#/events?type=call_ended`. What is malformed is read as it is written. */
export function placeOf(fragment: string): Place {
  const [path = '', query = ''] = fragment.replace(/^#?\/?/, '').split(/\?(.*)/s);
  return {
    path: path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decoded),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

/** The fragment of a place, for links. Empty conditions are left out. */
export function linkTo(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  const search = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
}

/** The conditions of a query that have no field of a form: they stay when the form is applied. */
export function withoutFields(query: Place['query'], fields: readonly { readonly name: string }[]): Place['query'] {
  const named = new Set(fields.map(({ name }) => name));
  return Object.fromEntries(Object.entries(query).filter(([name]) => !named.has(name)));
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // A percent sign of a link that was made by hand.
    return segment;
  }
}

/** The present place. */
export const place = signal<Place>(placeOf(globalThis.location?.hash ?? ''));

globalThis.addEventListener?.('hashchange', () => {
  place.value = placeOf(location.hash);
});

/** Goes to a place, with an entry in the browser's history. */
export function goTo(link: string): void {
  location.hash = link;
}
