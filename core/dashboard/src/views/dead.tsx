/** Dead deliveries in groups that failed alike, and what to do with all of them. */
import { api } from '../model/api.js';
import { linkTo, type Place } from '../model/location.js';
import type { DeadGroups, Delivery } from '../model/replies.js';
import { count, ends, excerpt } from '../model/wording.js';
import { BulkActions, BulkHistory } from '../parts/bulk.js';
import { type Field, Filters } from '../parts/filters.js';
import { Foot, type Pages } from '../parts/listing.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
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
  const all = rows.reduce((sum, { dead }) => sum + (dead ?? 0), 0);
  const fields = [
    ...deliveryFields(
      rows.map(({ destination }) => destination),
      'Died since',
    ),
    { name: 'reason', label: 'Reason', choices: reasons },
  ];
  return (
    <>
      <h1>Dead deliveries</h1>
      <p class="lead">
        {all === 0 ? 'No delivery is dead.' : `${count(all, 'delivery is', 'deliveries are')} dead.`} A dead delivery is
        not tried again by itself: fix the cause, then replay it, or discard it.
      </p>
      <Filters path={['dead']} fields={fields} />
      <List key={JSON.stringify(place.query)} query={place.query} all={all} />
      <BulkHistory />
    </>
  );
}

interface DeadPage extends Pages<Delivery> {
  /** Where each reason's list goes on. */
  readonly cursors: Readonly<Record<string, string | null>>;
}

/** Discarded ones only where they are asked for, therefore one list for each reason. */
async function load(query: Place['query'], before: DeadPage | null, signal?: AbortSignal): Promise<DeadPage> {
  const wanted = query.reason === undefined ? ['rejected', 'exhausted'] : [query.reason];
  const open = wanted.filter((reason) => before?.cursors[reason] !== null);
  const replies = await Promise.all(
    open.map(async (reason) => {
      const cursor = before?.cursors[reason] ?? undefined;
      const asked = { ...query, state: 'dead', reason, cursor, limit: String(perPage) };
      const reply = await api<{ readonly deliveries: readonly Delivery[]; readonly cursor: string | null }>(
        'deliveries',
        { query: asked, ...(signal && { signal }) },
      );
      return { reason, ...reply };
    }),
  );
  const items = [...(before?.items ?? []), ...replies.flatMap(({ deliveries }) => deliveries)];
  const cursors = { ...before?.cursors, ...Object.fromEntries(replies.map(({ reason, cursor }) => [reason, cursor])) };
  const cursor = Object.values(cursors).find((one) => one !== null) ?? null;
  return { items: items.sort((a, b) => b.createdAt.localeCompare(a.createdAt)), cursors, cursor };
}

function List({ query, all }: { readonly query: Place['query']; readonly all: number }) {
  const first = useResource(`dead ${JSON.stringify(query)}`, (signal) => load(query, null, signal));
  const groups = useResource(`dead groups ${JSON.stringify(query)}`, (signal) =>
    api<DeadGroups>('dead', { query, signal }),
  );
  const more = (): Promise<null> => first.grow((page, signal) => load(query, page, signal));
  const reload = (): void => {
    first.reload();
    groups.reload();
  };
  const filter = { ...query, state: 'dead' };
  return (
    <Loaded of={first}>
      {(page) =>
        page.items.length === 0 ? (
          <Nothing filtered={Object.keys(query).length > 0} all={all} />
        ) : (
          <>
            <div class="toolbar">
              <button type="button" onClick={reload}>
                Load again
              </button>
              <BulkActions filter={filter} changed={reload} />
            </div>
            <section aria-labelledby="groups">
              <h2 id="groups">What they failed with</h2>
              <Loaded of={groups}>{(found) => <Groups found={found} query={query} changed={reload} />}</Loaded>
            </section>
            <h2>Deliveries</h2>
            <DeliveryTable deliveries={page.items} changed={reload} />
            <Foot page={page} more={more} what={page.items.length === 1 ? 'delivery' : 'deliveries'} />
          </>
        )
      }
    </Loaded>
  );
}

interface GroupsProps {
  readonly found: DeadGroups;
  readonly query: Place['query'];
  readonly changed: () => void;
}

function Groups({ found: { groups, more }, query, changed }: GroupsProps) {
  return (
    <>
      {more && <p class="dim">Only the newest 10,000 are counted. The buttons act on all that match.</p>}
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">Destination</th>
            <th scope="col">Failure</th>
            <th scope="col">Deliveries</th>
            <th scope="col">Example</th>
            <th scope="col">All of this destination and reason</th>
          </tr>
        </thead>
        <tbody>
          {groups.map(({ destination, reason, failure, deliveries, latest }) => (
            <tr key={`${destination} ${reason} ${failure}`}>
              <th scope="row">
                <a href={linkTo(['dead'], { ...query, destination, reason })}>{destination}</a>{' '}
                <span class="dim">{reason}</span>
              </th>
              <td data-label="Failure">{ends(excerpt(failure ?? 'no attempt came back', 200))}</td>
              <td data-label="Deliveries" class="number">
                {deliveries.toLocaleString('en')}
              </td>
              <td data-label="Example">
                <EventLink id={latest.replace(/\.\d+$/, '')}>event</EventLink>
              </td>
              <td data-label="All of this destination and reason">
                <BulkActions filter={{ ...query, state: 'dead', destination, reason }} changed={changed} short />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function Nothing({ filtered, all }: { readonly filtered: boolean; readonly all: number }) {
  if (filtered && all > 0)
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
