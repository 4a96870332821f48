/** What today's routes want of an event that was routed before. Pure. */
import type { DeliveryQuery, DeliveryRecord, EventRecord, NewDelivery } from '../contract/store.js';
import { eventOf } from './events.js';
import { concerns, type Route, verdictOf } from './routes.js';

/** A delivery that today's routes want. */
export type Wanted = Pick<NewDelivery, 'route' | 'destination' | 'transforms'> & { readonly eventId: string };

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
    .flatMap(({ name: route, to, transforms }) =>
      to
        .filter((destination) => (only.destination ?? destination) === destination && !isMade(route, destination))
        .map((destination) => ({ eventId: record.id, route, destination, transforms })),
    );
}
