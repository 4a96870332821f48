/** Which events go where. Pure and in memory: it runs before the commit. */
import type { DeliveryQuery, DeliveryRecord, Event, EventRecord, Expression, NewDelivery } from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import { eventOf } from './event-record.js';

/** A row of configuration: which events go to which destinations. */
export interface Route {
  readonly name: string;
  /** Names of sources. */
  readonly from: readonly string[];
  /** Event types; `*` stands for any number of characters. */
  readonly on: readonly string[];
  /** Over `event`; null = every event. */
  readonly where: Expression | null;
  /** Names of destinations. */
  readonly to: readonly string[];
  /** Names of transforms, in order. */
  readonly transforms: readonly string[];
  /** Null or missing: each event is delivered by itself, at once. */
  readonly wait?: Wait | null;
}

/** How long a route gathers the events of a subject, to deliver them together. */
export interface Wait {
  /** Types of events, as in `on`; the first event of one of them ends the wait. */
  readonly for: readonly string[];
  /** From the first event on. */
  readonly withinMs: number;
}

/** The result of a route for an event. `failed` = its `where` could not be evaluated, which does not match. */
export type Verdict =
  | { readonly kind: 'matched' }
  | { readonly kind: 'unmatched' }
  | { readonly kind: 'failed'; readonly reason: string };

/** More source and type pairs than this are looked up each time: a sender may invent types without end. */
const indexLimit = 10_000;

/** All routes, indexed by source and type. */
export class Routes {
  readonly #routes: readonly Route[];
  readonly #index = new Map<string, readonly Route[]>();
  readonly #onFailure: (route: Route, reason: string) => void;

  /** `onFailure` is called for each `where` that could not be evaluated. */
  constructor(routes: readonly Route[], onFailure: (route: Route, reason: string) => void) {
    this.#routes = routes;
    this.#onFailure = onFailure;
  }

  /** The routes that match, in the order of the file. */
  match(event: Event): readonly Route[] {
    return this.#candidates(event).filter((route) => {
      const verdict = verdictOf(route, event);
      if (verdict.kind === 'failed') this.#onFailure(route, verdict.reason);
      return verdict.kind === 'matched';
    });
  }

  #candidates(event: Event): readonly Route[] {
    const key = `${event.source}\0${event.type}`;
    const known = this.#index.get(key);
    if (known !== undefined) return known;
    const candidates = this.#routes.filter((route) => concerns(route, event));
    if (this.#index.size < indexLimit) this.#index.set(key, candidates);
    return candidates;
  }
}

/** Whether a route is about this source and type. */
export function concerns(route: Route, event: Pick<Event, 'source' | 'type'>): boolean {
  return route.from.includes(event.source) && route.on.some((pattern) => typeMatches(pattern, event.type));
}

/** The result of a condition, such as a route's `where`, for an event. */
export function verdictOf(route: Pick<Route, 'where'>, event: Event): Verdict {
  if (route.where === null) return { kind: 'matched' };
  try {
    const value = route.where.evaluate({ event });
    if (typeof value === 'boolean') return { kind: value ? 'matched' : 'unmatched' };
    return { kind: 'failed', reason: `where gave ${value === null ? 'null' : typeof value}, not true or false` };
  } catch (error) {
    return { kind: 'failed', reason: errorMessage(error) };
  }
}

/** Whether a type fits what a route has in `on`. */
export function typeMatches(pattern: string, type: string): boolean {
  if (!pattern.includes('*')) return pattern === type;
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop() ?? '';
  if (type.length < first.length + last.length || !type.startsWith(first) || !type.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = type.indexOf(part, at);
    if (found < 0 || found + part.length > type.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}

/** How an event without a subject is delivered, and every event of a route that does not wait: `waitMs` is 0. */
export function gatheringOf(
  { name, wait }: Route,
  { type, subject }: Pick<Event, 'type' | 'subject'>,
): Pick<NewDelivery, 'gather'> & { readonly waitMs: number } {
  if (wait == null || subject === null) return { waitMs: 0 };
  const ends = wait.for.some((pattern) => typeMatches(pattern, type));
  const late = `too late: the delivery of route ${name} with the other events of this subject had begun, was discarded, or had 1,000 events or 16 MB of data`;
  return { waitMs: ends ? 0 : wait.withinMs, gather: { ends, late } };
}

/** For how long an event may have to wait before its delivery to a destination can begin. */
export function longestWaitMs(routes: readonly Route[], destination: string): number {
  return Math.max(0, ...routes.map(({ to, wait }) => (to.includes(destination) ? (wait?.withinMs ?? 0) : 0)));
}

/** A delivery that today's routes want. */
export type Wanted = Pick<NewDelivery, 'route' | 'destination' | 'transforms' | 'gather'> & {
  readonly eventId: string;
  readonly waitMs: number;
};

/** The deliveries that the routes want and the event does not have; `only` those of a route, or for a destination. */
export function missingDeliveries(
  record: EventRecord,
  existing: readonly DeliveryRecord[],
  routes: readonly Route[],
  only: Pick<DeliveryQuery, 'route' | 'destination'>,
): readonly Wanted[] {
  const event = eventOf(record);
  // What an old route sent already must not be sent again because the route has another name now.
  const stands = (name: string) => routes.some((route) => route.name === name);
  const isMade = (route: string, destination: string) =>
    existing.some((one) => one.destination === destination && (one.route === route || !stands(one.route)));
  return routes
    .filter((route) => (only.route ?? route.name) === route.name)
    .filter((route) => concerns(route, event) && verdictOf(route, event).kind === 'matched')
    .flatMap((one) =>
      one.to
        .filter((destination) => (only.destination ?? destination) === destination && !isMade(one.name, destination))
        .map((destination) => {
          const { name: route, transforms } = one;
          return { eventId: record.id, route, destination, transforms, ...gatheringOf(one, event) };
        }),
    );
}
