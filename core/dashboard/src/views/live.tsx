/** What arrives and what is delivered, as it happens. */
import { Fragment } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { api } from '../model/api.js';
import { countSince, type Entry, type FeedState, happenedAt, LiveFeed } from '../model/live.js';
import { linkTo, type Place } from '../model/location.js';
import type { ChangePage } from '../model/replies.js';
import { count, duration, ends, excerpt, startOf } from '../model/wording.js';
import { type Field, Filters } from '../parts/filters.js';
import { useKnown } from '../parts/known.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { Badge, ErrorCode, EventLink, levelOfOutcome, Moment, SubjectLink } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';

export function Live({ place, status }: ViewProps) {
  const known = useKnown();
  const value = status.data.value;
  // Of several with one store, any may have replied.
  const startedMs = value !== null && value.routers.length === 0 ? Date.parse(startOf(value)) : null;
  const destinations = value?.destinations.map(({ destination }) => destination) ?? [];
  const fields: readonly Field[] = [
    { name: 'source', label: 'Source', known: known.sources },
    { name: 'type', label: 'Type', known: known.types },
    { name: 'subject', label: 'Call or conversation', hint: 'its id' },
    { name: 'agent', label: 'Agent', hint: 'its id' },
    { name: 'party', label: 'Phone number', hint: '+12345678912' },
    { name: 'destination', label: 'Attempts of', known: destinations },
  ];
  return (
    <>
      <h1>Live</h1>
      <Filters path={['live']} fields={fields} />
      <Followed key={JSON.stringify(place.query)} query={place.query} startedMs={startedMs} />
    </>
  );
}

interface FollowedProps {
  readonly query: Place['query'];
  /** When the router started, where it is the only one. */
  readonly startedMs: number | null;
}

/** The first request gets the cursor of this moment, or the reason why there is nothing to follow. */
function Followed({ query, startedMs }: FollowedProps) {
  const start = useResource(`changes ${JSON.stringify(query)}`, (signal) =>
    api<ChangePage>('changes', { query, signal }),
  );
  return (
    <Loaded of={start}>
      {({ cursor }) => <Feed key={cursor} query={query} cursor={cursor} startedMs={startedMs} />}
    </Loaded>
  );
}

const words: Readonly<Record<FeedState, readonly [level: 'well' | 'busy' | 'warn', text: string]>> = {
  connecting: ['busy', 'connecting'],
  open: ['well', 'live'],
  lost: ['warn', 'the router does not answer; connecting again'],
  refused: ['warn', 'refused; trying again'],
  paused: ['warn', 'paused'],
};

function Feed({ query, cursor, startedMs }: FollowedProps & { readonly cursor: string }) {
  const feed = useMemo(() => new LiveFeed(query, cursor), []);
  useEffect(() => feed.start(), [feed]);
  const [level, text] = words[feed.state.value];
  const refusal = feed.refusal.value;
  const isPaused = feed.state.value === 'paused';
  return (
    <>
      <div class="toolbar" role="status">
        <Badge level={level}>{text}</Badge>
        {refusal !== null && refusal.code !== null && (
          <span>
            {ends(refusal.message)} <ErrorCode code={refusal.code} />
          </span>
        )}
        <button type="button" onClick={() => (isPaused ? feed.resume() : feed.pause())}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
        {feed.hidden.value > 0 && (
          <span class="dim">{count(feed.hidden.value, 'change', 'changes')} came too fast to be shown.</span>
        )}
      </div>
      {feed.entries.value.length === 0 ? (
        <Empty
          title={`${Object.keys(query).length > 0 ? 'Nothing that matches the filter has happened' : 'No event and no delivery'} since this page was opened.`}
        >
          <p>
            Events and attempts appear here by themselves, <a href={linkTo(['refused'])}>refused requests</a> and
            requests that came again do not. Send one of the bodies that <code>switchhook samples</code> lists, or use{' '}
            <a href={linkTo(['try'])}>Try</a>.
          </p>
        </Empty>
      ) : (
        <EntryTable entries={feed.entries.value} startedMs={startedMs} />
      )}
    </>
  );
}

interface TableProps extends Pick<FollowedProps, 'startedMs'> {
  readonly entries: readonly Entry[];
}

function EntryTable({ entries, startedMs }: TableProps) {
  const changes = entries.map(({ change }) => change);
  const newer = startedMs === null ? null : countSince(startedMs, changes);
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">When</th>
          <th scope="col">Event</th>
          <th scope="col">Call or conversation</th>
        </tr>
      </thead>
      <tbody>
        {entries.map(({ number, change }, index) => (
          <Fragment key={number}>
            {index === newer && startedMs !== null && <Restart startedMs={startedMs} />}
            <tr class={newer !== null && index >= newer ? 'before' : ''}>
              <td>
                <What change={change} />
              </td>
              <td data-label="When">
                <Moment iso={happenedAt(change)} />
              </td>
              <td data-label="Event">
                <EventLink id={change.event.id} row>
                  {change.event.type}
                </EventLink>
              </td>
              <td data-label="Call or conversation">
                <SubjectLink subject={change.event.subject} />
              </td>
            </tr>
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

function Restart({ startedMs }: { readonly startedMs: number }) {
  return (
    <tr>
      <td colSpan={4}>
        <Badge level="warn">The router was started again at {new Date(startedMs).toLocaleTimeString('sv')}.</Badge> What
        is below happened before: with another store, its events are not there any more.
      </td>
    </tr>
  );
}

function What({ change }: Pick<Entry, 'change'>) {
  if (change.kind === 'event') return <>received by {change.event.source}</>;
  const { delivery, attempt } = change;
  return (
    <>
      <Badge level={levelOfOutcome[attempt.outcome]}>{attempt.outcome}</Badge> {delivery.destination}, attempt{' '}
      {attempt.number} in {duration(attempt.durationMs)}
      {attempt.reason !== null && `: ${ends(excerpt(attempt.reason))}`}
    </>
  );
}
