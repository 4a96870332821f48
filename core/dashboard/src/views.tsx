/** Which view belongs to which place. */
import type { ComponentType } from 'preact';
import type { Place } from './model/location.js';
import type { ViewProps } from './parts/view-props.js';
import { Dead } from './views/dead.js';
import { Deliveries } from './views/deliveries.js';
import { Event } from './views/event.js';
import { Events } from './views/events.js';
import { Missing } from './views/missing.js';
import { Overview } from './views/overview.js';

/** A view. */
export interface View {
  /** First segment of its path. */
  readonly path: string;
  /** Whether something follows the first segment. */
  readonly one: boolean;
  /** Its entry in the navigation; null = none. */
  readonly menu: string | null;
  /** The entry that is marked while it is shown. */
  readonly under: string;
  title(path: readonly string[]): string;
  readonly Show: ComponentType<ViewProps>;
}

const list = (path: string, menu: string, Show: View['Show']): View => ({
  path,
  one: false,
  menu,
  under: path,
  title: () => menu,
  Show,
});
const one = (path: string, under: string, what: string, Show: View['Show']): View => {
  return { path, one: true, menu: null, under, title: ([, id = '']) => `${what} ${id}`, Show };
};

/** In the order of the navigation. */
export const views: readonly View[] = [
  list('', 'Overview', Overview),
  list('events', 'Events', Events),
  one('events', 'events', 'Event', Event),
  list('deliveries', 'Deliveries', Deliveries),
  list('dead', 'Dead', Dead),
];

const missing: View = { path: '', one: false, menu: null, under: 'none', title: () => 'No such page', Show: Missing };

/** The view of a place. */
export function viewOf({ path: [first = '', ...rest] }: Place): View {
  return views.find(({ path, one }) => path === first && (one ? rest.length === 1 : rest.length === 0)) ?? missing;
}
