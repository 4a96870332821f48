/** What an operator looks at all day: what is worst, and what fixes it. */
import { bytesText, percent } from '../model/history.js';
import { linkTo } from '../model/location.js';
import { refusedQuery } from '../model/refused.js';
import type { ResolverStatus, Status } from '../model/replies.js';
import { count, duration, ends, startOf, utcText } from '../model/wording.js';
import { Controls } from '../parts/controls.js';
import { Destinations } from '../parts/destinations.js';
import { useHistory } from '../parts/history.js';
import { Loaded } from '../parts/loaded.js';
import type { Resource } from '../parts/resource.js';
import { Badge, Fact, Time } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';
import { CallFigures } from './call-figures.js';
import { Routers } from './routers.js';
import { Sources } from './sources.js';

const fewTroubles = 3;

export function Overview({ status }: ViewProps) {
  return (
    <>
      <h1>Overview</h1>
      <Loaded of={status}>{(value) => <Everything value={value} status={status} />}</Loaded>
    </>
  );
}

function Everything({ value, status }: { readonly value: Status; readonly status: Resource<Status> }) {
  const history = useHistory('1h');
  const { level, what, advice, about } = value.summary;
  return (
    <>
      <div class={`headline ${level}`}>
        <p>
          <Badge level={level}>{level === 'well' ? 'Well' : level === 'bad' ? 'Trouble' : 'Attention'}</Badge>{' '}
          <strong>{what}</strong>
        </p>
        {advice !== '' && (
          <p>
            {advice} <ProblemLink about={about} destinations={value.destinations} />
          </p>
        )}
        {value.troubles.length > 1 && <Others troubles={value.troubles.slice(1)} destinations={value.destinations} />}
      </div>
      <section aria-labelledby="destinations">
        <h2 id="destinations">Destinations</h2>
        <Destinations rows={value.destinations} history={history.data.value} changed={status.reload} />
      </section>
      {value.resolvers.length > 0 && (
        <section aria-labelledby="resolvers">
          <h2 id="resolvers">Resolvers</h2>
          <Resolvers rows={value.resolvers} changed={status.reload} />
        </section>
      )}
      <CallFigures history={history} />
      <Sources pulls={value.pulls} traffic={value.sources} startedAt={startOf(value)} />
      {value.routers.length > 0 && <Routers rows={value.routers} />}
      <section aria-labelledby="router">
        <h2 id="router">Store and router</h2>
        <Router value={value} />
      </section>
    </>
  );
}

/** What else fails or waits: all of it where it is short. */
function Others({ troubles, destinations }: Pick<Status, 'troubles' | 'destinations'>) {
  return (
    <details open={troubles.length <= fewTroubles}>
      <summary>{count(troubles.length, 'further problem', 'further problems')}</summary>
      <ul>
        {troubles.map(({ level, what, advice, about }) => (
          <li key={what}>
            <Badge level={level}>{level === 'bad' ? 'Trouble' : 'Attention'}</Badge> {what}{' '}
            <span class="dim">{advice}</span> <ProblemLink about={about} destinations={destinations} />
          </li>
        ))}
      </ul>
    </details>
  );
}

interface ProblemLinkProps extends Pick<Status, 'destinations'> {
  readonly about: Status['summary']['about'];
}

/** To what a problem is about: refused requests, calls without an answer, or deliveries that wait or are dead. */
function ProblemLink({ about, destinations }: ProblemLinkProps) {
  if (about === undefined) return null;
  const { kind, name } = about;
  if (kind === 'source') return <a href={linkTo(['refused'], refusedQuery(name))}>Refused requests of {name}</a>;
  if (kind === 'calls')
    return (
      <a href={linkTo(['calls'], { source: name, step: 'unanswered', since: '1h' })}>Calls that no answer matched</a>
    );
  if (kind === 'route')
    return <a href={linkTo(['events'], { unevaluated: name, since: '1h' })}>Events that {name} could not evaluate</a>;
  const row = kind === 'destination' ? destinations.find(({ destination }) => destination === name) : undefined;
  const waiting = (row?.waiting ?? 0) > 0;
  const dead = (row?.dead ?? 0) > 0;
  return (
    <>
      {waiting && (
        <a href={linkTo(['deliveries'], { destination: name, state: 'waiting' })}>Waiting deliveries of {name}</a>
      )}
      {waiting && dead && ', '}
      {dead && (
        <a href={linkTo(['dead'], { destination: name })}>{`${waiting ? 'dead' : 'Dead'} deliveries of ${name}`}</a>
      )}
    </>
  );
}

function Resolvers({ rows, changed }: { readonly rows: readonly ResolverStatus[]; readonly changed: () => void }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Resolver</th>
          <th scope="col">State</th>
          <th scope="col">Last failure</th>
          <th scope="col">Actions</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const [hold] = row.holds;
          return (
            <tr key={row.resolver}>
              <th scope="row">
                {row.resolver} <span class="dim whole">{row.use}</span>
              </th>
              <td data-label="State">
                {hold === undefined ? (
                  <Badge level="well">answers</Badge>
                ) : (
                  <>
                    <Badge level={hold.kind === 'paused' ? 'warn' : 'bad'}>
                      {hold.kind === 'paused' ? 'paused' : 'fails, is tried again'}
                    </Badge>{' '}
                    {hold.kind === 'paused' && hold.reason}
                  </>
                )}
              </td>
              <td data-label="Last failure">
                {row.lastFailure === null ? (
                  <span class="dim">none</span>
                ) : (
                  <>
                    {ends(row.lastFailure.reason)} <Time iso={row.lastFailure.at} />
                  </>
                )}
              </td>
              <td data-label="Actions">
                <Controls kind="resolver" name={row.resolver} row={row} changed={changed} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Router({ value }: { readonly value: Status }) {
  const { store, process, version, node, uptimeSeconds } = value;
  const { commitMs, bytes, freeBytes, pruned } = store;
  const since = startOf(value);
  return (
    <dl class="facts">
      <Fact name="Store">
        {store.use === '' ? 'in memory' : store.use}{' '}
        {store.canCommit ? (
          <Badge level="well">commits</Badge>
        ) : (
          <Badge level="bad">cannot commit: {store.reason}</Badge>
        )}
      </Fact>
      {commitMs !== null && <Fact name="A commit takes">{duration(commitMs)}</Fact>}
      {bytes !== null && (
        <Fact name="Size of the store">
          {bytesText(bytes)}
          {freeBytes !== null && `, ${bytesText(freeBytes)} free`}
        </Fact>
      )}
      {pruned !== null && (
        <Fact name="Old events">
          {pruned.removed === 0 ? 'none to remove' : `${pruned.removed.toLocaleString('en')} removed`}
          {pruned.bodies > 0 && `, the bodies of ${pruned.bodies.toLocaleString('en')} more`}{' '}
          <span class="dim">
            <Time iso={pruned.at} />
          </span>
        </Fact>
      )}
      <Fact name="Memory">{bytesText(process.memoryBytes)}</Fact>
      <Fact name="Event loop">{percent(process.busyShare)} busy</Fact>
      <Fact name="Version">
        {version} on Node {node}
      </Fact>
      <Fact name="Running for">
        <time dateTime={since} title={utcText(since)}>
          {duration(uptimeSeconds * 1_000)}
        </time>
      </Fact>
    </dl>
  );
}
