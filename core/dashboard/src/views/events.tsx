/** The events, newest first, by conditions that stay in the URL. */
import { type ListedEvent, withOutcomes } from '../model/deliveries.js';
import { linkTo, type Place } from '../model/location.js';
import type { RouterEvent } from '../model/replies.js';
import type { EventSearch } from '../model/search.js';
import { count, ends, stateChoices } from '../model/wording.js';
import { type Field, Filters } from '../parts/filters.js';
import { useKnown } from '../parts/known.js';
import { Foot, Older, olderOnes, usePages } from '../parts/listing.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { EventLink, OutcomeBadge, SubjectLink, Time } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';

/** An event may come at any moment, and what became of one changes. */
const soonMs = 5_000;

/** Looks at each event, which is not repeated without a click. */
const isSearch = ({ text, where, secret, unevaluated }: Place['query']) =>
  [text, where, secret, unevaluated].some((one) => one !== undefined);

export function Events({ place }: ViewProps) {
  const known = useKnown();
  const fields: readonly Field[] = [
    { name: 'source', label: 'Source', known: known.sources },
    { name: 'type', label: 'Type', known: known.types },
    { name: 'subject', label: 'Call or conversation', hint: 'its id' },
    { name: 'agent', label: 'Agent', hint: 'its id' },
    { name: 'party', label: 'Phone number', hint: '+12345678912' },
    { name: 'since', label: 'Since', hint: '2h or 2026-01-31' },
    { name: 'until', label: 'Until', hint: '1h or 2026-01-31' },
    { name: 'state', label: 'A delivery is', choices: stateChoices },
    { name: 'unrouted', label: 'Routes', choices: [['true', 'matched none']] },
    { name: 'duplicate', label: 'Repeated', choices: [['true', 'came again']] },
    { name: 'secret', label: 'Secret', hint: 'its position, e.g. 2' },
    { name: 'text', label: 'Text in data', hint: 'upper or lower case' },
    { name: 'where', label: 'Condition', hint: 'event.data.cost > 5' },
    { name: 'unevaluated', label: 'Not evaluated by', hint: 'a route', known: known.routes },
  ];
  const { first, more } = usePages(
    'events',
    place.query,
    ({ events }: { readonly events: readonly RouterEvent[] }, signal) => withOutcomes(events, signal),
    () => (isSearch(place.query) ? null : soonMs),
  );
  const wrong = first.failure.value?.wrong ?? {};
  const isShownAtField = fields.some(({ name }) => wrong[name] !== undefined);
  return (
    <>
      <h1>Events</h1>
      <Filters path={['events']} fields={fields} wrong={wrong} />
      {!isShownAtField && <EventList filtered={Object.keys(place.query).length > 0} first={first} more={more} />}
    </>
  );
}

interface ListProps extends ReturnType<typeof usePages<ListedEvent>> {
  readonly filtered: boolean;
}

function EventList({ filtered, first, more }: ListProps) {
  return (
    <Loaded of={first}>
      {(page) =>
        page.items.length === 0 ? (
          <>
            <None filtered={filtered} />
            <LookedAt search={page.search} />
            <Older page={page} more={more} />
          </>
        ) : (
          <>
            <p class="toolbar">
              <button type="button" onClick={first.reload}>
                Load again
              </button>
              <a class="button" href={linkTo(['duplicates'])}>
                Events that came again
              </a>
            </p>
            <LookedAt search={page.search} />
            <EventTable events={page.items} />
            <Foot
              page={page}
              more={more}
              what={page.items.length === 1 ? 'event' : 'events'}
              {...(page.search && { button: olderOnes })}
            />
          </>
        )
      }
    </Loaded>
  );
}

/** What a search has looked at. */
function LookedAt({ search }: { readonly search: EventSearch | undefined }) {
  if (search === undefined) return null;
  const { examined, examinedSince, withoutData, failed, failure } = search;
  return (
    <p role="status">
      Looked at {count(examined, 'event', 'events')}
      {examinedSince !== null && (
        <>
          ; the oldest was received <Time iso={examinedSince} />
        </>
      )}
      . {withoutData > 0 && `Retention has removed the data of ${count(withoutData, 'event', 'events')} of these. `}
      {failed > 0 &&
        ends(`The condition could not be evaluated for ${count(failed, 'event', 'events')}, e.g. ${failure ?? ''}`)}
    </p>
  );
}

/** Events as rows. */
function EventTable({ events }: { readonly events: readonly ListedEvent[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Type</th>
          <th scope="col">Received</th>
          <th scope="col">Deliveries</th>
          <th scope="col">Source</th>
          <th scope="col">Call or conversation</th>
          <th scope="col">Agent</th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <tr key={event.id}>
            <th scope="row">
              <EventLink id={event.id} row>
                {event.type}
              </EventLink>
            </th>
            <td data-label="Received">
              <Time iso={event.receivedAt} />
            </td>
            <td data-label="Deliveries">
              <OutcomeBadge of={event.outcome} />
            </td>
            <td data-label="Source">{event.source}</td>
            <td data-label="Call or conversation">
              <SubjectLink subject={event.subject} />
            </td>
            <td data-label="Agent">{event.agent ?? <span class="dim">none</span>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function None({ filtered }: { readonly filtered: boolean }) {
  if (filtered)
    return (
      <Empty title="No event matches these filters.">
        <p>
          <a href={linkTo(['events'])}>Show all events</a>
        </p>
      </Empty>
    );
  return (
    <Empty title="No event yet.">
      <p>
        <a href={linkTo(['try'])}>Try a sample and send it</a>, or enter the address of a source at your platform: the
        overview lists the sources. In a terminal, <code>switchhook samples</code> lists what can be sent.
      </p>
    </Empty>
  );
}
