/** Deliveries in any state, by conditions, and what to do with all that match. */

import { isOpen } from '../model/deliveries.js';
import { linkTo } from '../model/location.js';
import type { Delivery } from '../model/replies.js';
import { attemptsText, ends, excerpt, stateChoices } from '../model/wording.js';
import { BulkActions, BulkHistory, useBulk } from '../parts/bulk.js';
import { DeliveryActions, useDeliveryQuestion } from '../parts/delivery-actions.js';
import { type Field, Filters } from '../parts/filters.js';
import { useKeptFocus } from '../parts/kept-focus.js';
import { type Known, useKnown } from '../parts/known.js';
import { Foot, Older, usePages } from '../parts/listing.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { EventLink, State, SubjectLink, Time } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';

/** Conditions that the list and a change of all that match have in common. `settled`: what the time of their end is called. */
export function deliveryFields(destinations: readonly string[], { routes }: Known, settled: string): readonly Field[] {
  return [
    { name: 'destination', label: 'Destination', known: destinations },
    { name: 'route', label: 'Route', known: routes },
    { name: 'event', label: 'Event', hint: 'its id' },
    { name: 'failure', label: 'Last failure', hint: 'as the list shows it' },
    { name: 'since', label: 'Since', hint: '2h or 2026-01-31' },
    { name: 'until', label: 'Until', hint: '1h or 2026-01-31' },
    { name: 'settledSince', label: settled, hint: '2h or 2026-01-31' },
  ];
}

export function Deliveries({ place, status }: ViewProps) {
  const names = status.data.value?.destinations.map(({ destination }) => destination) ?? [];
  const fields = [
    ...deliveryFields(names, useKnown(), 'Settled since'),
    { name: 'state', label: 'State', choices: stateChoices },
  ];
  return (
    <>
      <h1>Deliveries</h1>
      <Filters path={['deliveries']} fields={fields} />
      <List key={JSON.stringify(place.query)} query={place.query} />
      <BulkHistory />
    </>
  );
}

/** While one of them is under way. */
const soonMs = 2_000;

function List({ query }: { readonly query: Readonly<Record<string, string>> }) {
  const { first, more } = usePages(
    'deliveries',
    query,
    ({ deliveries }: { readonly deliveries: readonly Delivery[] }) => deliveries,
    (items) => (items.some(isOpen) ? soonMs : null),
  );
  const { ask, dialog } = useBulk(first.reload);
  return (
    <>
      <Loaded of={first}>
        {(page) => (
          <>
            <div class="toolbar">
              <button type="button" onClick={first.reload}>
                Load again
              </button>
              {page.items.length > 0 && <BulkActions filter={query} ask={ask} />}
            </div>
            {page.items.length === 0 ? (
              <>
                <Empty title="No delivery matches.">
                  <p>
                    A delivery is made for each event that matches a route: <a href={linkTo(['events'])}>the events</a>,{' '}
                    <a href={linkTo(['deliveries'])}>all deliveries</a>.
                  </p>
                </Empty>
                <Older page={page} more={more} />
              </>
            ) : (
              <>
                <DeliveryTable deliveries={page.items} changed={first.reload} />
                <Foot page={page} more={more} what={page.items.length === 1 ? 'delivery' : 'deliveries'} />
              </>
            )}
          </>
        )}
      </Loaded>
      {dialog}
    </>
  );
}

interface TableProps {
  readonly deliveries: readonly Delivery[];
  readonly changed: () => void;
}

/** Deliveries as rows. */
export function DeliveryTable({ deliveries, changed }: TableProps) {
  const list = useKeptFocus<HTMLTableElement>();
  const { ask, dialog } = useDeliveryQuestion(changed);
  return (
    <>
      <table class="rows" ref={list}>
        <thead>
          <tr>
            <th scope="col">Event</th>
            <th scope="col">Call or conversation</th>
            <th scope="col">Destination</th>
            <th scope="col">State</th>
            <th scope="col">Last failure</th>
            <th scope="col">Attempts</th>
            <th scope="col">Made</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {deliveries.map((delivery) => (
            <tr key={delivery.id}>
              <th scope="row">
                <EventLink id={delivery.event} row>
                  {delivery.type}
                </EventLink>
              </th>
              <td data-label="Call or conversation">
                <SubjectLink subject={delivery.subject} />
              </td>
              <td data-label="Destination">
                {delivery.destination} <span class="dim">by {delivery.route}</span>
              </td>
              <td data-label="State">
                <State of={delivery} />
              </td>
              <td data-label="Last failure">
                {delivery.failure === null ? <span class="dim">none</span> : ends(excerpt(delivery.failure))}
              </td>
              <td data-label="Attempts" class="number">
                {attemptsText(delivery)}
              </td>
              <td data-label="Made">
                <Time iso={delivery.createdAt} />
              </td>
              <td data-label="Actions">
                <DeliveryActions delivery={delivery} ask={ask} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {dialog}
    </>
  );
}
