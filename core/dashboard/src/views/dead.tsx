/** Dead deliveries in groups that failed alike, and what to do with all of them. */
import { api } from '../model/api.js';
import { linkTo, type Place } from '../model/location.js';
import type { DeadGroups, Delivery, Status } from '../model/replies.js';
import { count, ends, excerpt } from '../model/wording.js';
import { BulkActions, BulkHistory, noAttempt, useBulk } from '../parts/bulk.js';
import { type Field, Filters } from '../parts/filters.js';
import { useKnown } from '../parts/known.js';
import { Foot, Older, type Pages } from '../parts/listing.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { type Resource, useResource } from '../parts/resource.js';
import { EventLink } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';
import { DeliveryTable, deliveryFields } from './deliveries.js';

const reasons: NonNullable<Field['choices']> = [
  ['rejected', 'rejected: will not succeed'],
  ['exhausted', 'exhausted: all attempts failed'],
  ['discarded', 'discarded by an operator'],
];
/** Deliveries that are loaded at once, of each reason. */
const perPage = 100;

export function Dead({ place, status }: ViewProps) {
  const rows = status.data.value?.destinations ?? [];
  const all = allDead(status.data.value);
  const fields = [
    ...deliveryFields(
      rows.map(({ destination }) => destination),
      useKnown(),
      'Died since',
    ),
    { name: 'reason', label: 'Reason', choices: reasons },
  ];
  return (
    <>
      <h1>Dead deliveries</h1>
      <p class="lead">
        {all === 0 && 'No delivery is dead. '}
        {all !== null && all > 0 && `${count(all, 'delivery is', 'deliveries are')} dead. `}A dead delivery is not tried
        again by itself: fix the cause, then replay it, or discard it. Of a{' '}
        <a href={linkTo(['refused'])}>refused request</a> there is no event and no delivery.
      </p>
      <Filters path={['dead']} fields={fields} />
      <List key={JSON.stringify(place.query)} query={place.query} />
      <BulkHistory />
    </>
  );
}

/** Without the discarded ones; null until it is known, or where the store does not answer. */
function allDead(status: Status | null): number | null {
  if (status === null) return null;
  return status.destinations.reduce<number | null>(
    (sum, { dead }) => (sum === null || dead === null ? null : sum + dead),
    0,
  );
}

interface DeadPage extends Pages<Delivery> {
  /** Where each reason's list goes on. */
  readonly cursors: Readonly<Record<string, string | null>>;
}

/** Discarded ones only where they are asked for, therefore one list for each reason. */
async function load(query: Place['query'], before: DeadPage | null, signal: AbortSignal): Promise<DeadPage> {
  const wanted = query.reason === undefined ? ['rejected', 'exhausted'] : [query.reason];
  const open = wanted.filter((reason) => before?.cursors[reason] !== null);
  const replies = await Promise.all(
    open.map(async (reason) => {
      const cursor = before?.cursors[reason] ?? undefined;
      const asked = { ...query, state: 'dead', reason, cursor, limit: String(perPage) };
      const reply = await api<{ readonly deliveries: readonly Delivery[]; readonly cursor: string | null }>(
        'deliveries',
        { query: asked, signal },
      );
      return { reason, ...reply };
    }),
  );
  const items = [...(before?.items ?? []), ...replies.flatMap(({ deliveries }) => deliveries)];
  const cursors = { ...before?.cursors, ...Object.fromEntries(replies.map(({ reason, cursor }) => [reason, cursor])) };
  const cursor = Object.values(cursors).find((one) => one !== null) ?? null;
  const sorted = items.sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  return { items: sorted, cursors, cursor, number: (before?.number ?? 0) + 1 };
}

/** How soon the list and the groups are loaded again; a list with further pages is not. */
const [listMs, groupsMs] = [5_000, 10_000];

function List({ query }: { readonly query: Place['query'] }) {
  const first: Resource<DeadPage> = useResource(
    `dead ${JSON.stringify(query)}`,
    // As far as it was shown.
    async (signal) => {
      const wanted = first.data.peek()?.number ?? 1;
      let page = await load(query, null, signal);
      while (page.number < wanted && page.cursor !== null) page = await load(query, page, signal);
      return page;
    },
    ({ number }) => (number > 1 ? null : listMs),
  );
  const groups = useResource(
    `dead groups ${JSON.stringify(query)}`,
    (signal) => api<DeadGroups>('dead', { query, signal }),
    () => groupsMs,
  );
  const more = (): Promise<null> => first.grow((page, signal) => load(query, page, signal));
  const reload = (): void => {
    first.reload();
    groups.reload();
  };
  const { ask, dialog } = useBulk(reload);
  return (
    <>
      <Loaded of={first}>
        {(page) => (
          <>
            <div class="toolbar">
              <button type="button" onClick={reload}>
                Load again
              </button>
              {page.items.length > 0 && <BulkActions filter={{ ...query, state: 'dead' }} ask={ask} />}
            </div>
            {page.items.length === 0 ? (
              <>
                <Nothing filtered={Object.keys(query).length > 0} />
                <Older page={page} more={more} />
              </>
            ) : (
              <>
                <section aria-labelledby="groups">
                  <h2 id="groups">What they failed with</h2>
                  <Loaded of={groups}>{(found) => <Groups found={found} query={query} ask={ask} />}</Loaded>
                </section>
                <h2>Deliveries</h2>
                <DeliveryTable deliveries={page.items} changed={reload} />
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

interface GroupsProps {
  readonly found: DeadGroups;
  readonly query: Place['query'];
  readonly ask: ReturnType<typeof useBulk>['ask'];
}

function Groups({ found: { groups, more }, query, ask }: GroupsProps) {
  return (
    <>
      {more && (
        <p class="dim">
          Only the newest {groups.reduce((sum, { deliveries }) => sum + deliveries, 0).toLocaleString('en')} are counted
          here. The buttons count all that failed alike, before they change any.
        </p>
      )}
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">Destination</th>
            <th scope="col">Failure</th>
            <th scope="col">Deliveries</th>
            <th scope="col">Example</th>
            <th scope="col">All that failed alike</th>
          </tr>
        </thead>
        <tbody>
          {groups.map(({ destination, reason, failure, deliveries, latest }) => (
            <tr key={`${destination} ${reason} ${failure}`}>
              <th scope="row">
                <a href={linkTo(['dead'], { ...query, destination, reason })}>{destination}</a>{' '}
                <span class="dim">{reason}</span>
              </th>
              <td data-label="Failure">
                {failure === null ? (
                  ends(noAttempt)
                ) : (
                  <a href={linkTo(['dead'], { ...query, failure })}>{ends(excerpt(failure, 200))}</a>
                )}
              </td>
              <td data-label="Deliveries" class="number">
                {deliveries.toLocaleString('en')}
              </td>
              <td data-label="Example">
                <EventLink id={latest.replace(/\.\d+$/, '')}>event</EventLink>
              </td>
              <td data-label="All that failed alike">
                <BulkActions
                  filter={{ ...query, state: 'dead', destination, reason, failure }}
                  ask={ask}
                  {...(!more && { matching: deliveries })}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function Nothing({ filtered }: { readonly filtered: boolean }) {
  if (filtered)
    return (
      <Empty title="No dead delivery matches these filters.">
        <p>
          <a href={linkTo(['dead'])}>Show all dead deliveries</a>
        </p>
      </Empty>
    );
  return (
    <Empty title="Nothing is dead.">
      <p>
        Deliveries that fail are tried again by themselves, and appear here when all their attempts have failed or the
        other side has rejected them. <a href={linkTo([])}>Overview</a>
      </p>
    </Empty>
  );
}
