/** Which view belongs to which place. */
import type { ComponentType } from 'preact';
import type { Place } from './model/location.js';
import type { ViewProps } from './parts/view-props.js';
import { Call } from './views/call.js';
import { Calls } from './views/calls.js';
import { Configuration } from './views/configuration.js';
import { Conversation } from './views/conversation.js';
import { Dead } from './views/dead.js';
import { Deliveries } from './views/deliveries.js';
import { Duplicates } from './views/duplicates.js';
import { Errors } from './views/errors.js';
import { Event } from './views/event.js';
import { Events } from './views/events.js';
import { History } from './views/history.js';
import { Live } from './views/live.js';
import { RouteMap } from './views/map.js';
import { Missing } from './views/missing.js';
import { Overview } from './views/overview.js';
import { Refused } from './views/refused.js';
import { Trial } from './views/trial.js';

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
  {
    path: 'duplicates',
    one: false,
    menu: null,
    under: 'events',
    title: () => 'Events that came again',
    Show: Duplicates,
  },
  one('conversations', 'events', 'Conversation', Conversation),
  list('calls', 'Calls', Calls),
  one('calls', 'calls', 'Call', Call),
  list('deliveries', 'Deliveries', Deliveries),
  list('dead', 'Dead', Dead),
  { path: 'refused', one: false, menu: null, under: 'dead', title: () => 'Refused requests', Show: Refused },
  list('live', 'Live', Live),
  list('history', 'History', History),
  list('map', 'Map', RouteMap),
  list('try', 'Try', Trial),
  list('configuration', 'Configuration', Configuration),
  { path: 'errors', one: false, menu: null, under: 'configuration', title: () => 'Error codes', Show: Errors },
  one('errors', 'configuration', 'Error code', Errors),
];

const missing: View = { path: '', one: false, menu: null, under: 'none', title: () => 'No such page', Show: Missing };

/** The view of a place. */
export function viewOf({ path: [first = '', ...rest] }: Place): View {
  return views.find(({ path, one }) => path === first && (one ? rest.length === 1 : rest.length === 0)) ?? missing;
}
