/** Where events come from, and what was refused. */
import { api } from '../model/api.js';
import type { Component } from '../model/configuration-replies.js';
import { linkTo } from '../model/location.js';
import { ownersText, refusedQuery } from '../model/refused.js';
import type { PullStatus, SourceStatus } from '../model/replies.js';
import { count, ends } from '../model/wording.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { Badge, ErrorCode, Time } from '../parts/text.js';

interface SourcesProps {
  readonly pulls: readonly PullStatus[];
  readonly traffic: readonly SourceStatus[];
  readonly startedAt: string;
}

/** The router may have been reloaded. */
const everyMs = 10_000;

export function Sources({ pulls, traffic, startedAt }: SourcesProps) {
  const components = useResource(
    'components',
    (signal) => api<{ readonly components: readonly Component[] }>('components', { signal }),
    () => everyMs,
  );
  return (
    <section aria-labelledby="sources">
      <h2 id="sources">Sources</h2>
      <Loaded of={components}>
        {(value) => {
          const sources = value.components.filter(({ kind }) => kind === 'source');
          if (sources.length === 0)
            return <Empty title="No source is configured: add one to sources of the configuration." />;
          return (
            <table class="rows">
              <thead>
                <tr>
                  <th scope="col">Source</th>
                  <th scope="col">State</th>
                  <th scope="col">Received</th>
                  <th scope="col">Refused</th>
                  <th scope="col">What it is</th>
                </tr>
              </thead>
              <tbody>
                {sources.map(({ name, use, description, receivesAt }) => (
                  <tr key={name}>
                    <th scope="row">
                      <a data-row="" href={linkTo(['events'], { source: name })}>
                        {name}
                      </a>{' '}
                      <span class="dim whole">{use}</span>
                    </th>
                    <td data-label="State">
                      <SourceState pull={pulls.find(({ source }) => source === name)} receivesAt={receivesAt} />
                    </td>
                    <Traffic row={traffic.find(({ source }) => source === name)} />
                    <td data-label="What it is">{description}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          );
        }}
      </Loaded>
      <p class="dim">
        Requests that were received and refused, and the secrets that verified them, since the router started{' '}
        <Time iso={startedAt} />.
      </p>
      <p>
        <Unknown row={traffic.find(({ source }) => source === '')} />{' '}
        <a href={linkTo(['refused'])}>All refused requests</a>
      </p>
    </section>
  );
}

/** Since the router started; the reason is the most frequent one of the last hour. */
function Traffic({ row }: { readonly row: SourceStatus | undefined }) {
  const { received = 0, refused = 0, lastRefusedAt = null, refusal = null } = row ?? {};
  return (
    <>
      <td data-label="Received">
        {received} <Secrets source={row?.source ?? ''} uses={row?.secrets ?? []} />
      </td>
      <td data-label="Refused">
        {refused === 0 ? <span class="dim">none</span> : <RefusedLink source={row?.source ?? ''} requests={refused} />}{' '}
        {refusal !== null && (
          <>
            {refusal.agent !== null && `${refusal.agent}: `}
            {ends(refusal.reason)} <ErrorCode code={refusal.code} />{' '}
            {refusal.secret !== null && ownersText(refusal.secret)}
          </>
        )}{' '}
        {lastRefusedAt !== null && <Time iso={lastRefusedAt} />}
      </td>
    </>
  );
}

/** Of a source with several secrets: in how many requests each of them was since the router started, and when last. */
function Secrets({ source, uses }: { readonly source: string; readonly uses: SourceStatus['secrets'] }) {
  const lists = [...new Set(uses.map(({ of }) => of).filter((of) => of > 1))];
  if (lists.length === 0) return null;
  return (
    <ul class="plain-list dim">
      {lists.flatMap((of) =>
        Array.from({ length: of }, (_, index) => {
          const position = index + 1;
          const use = uses.find(({ of: length, secret: at }) => length === of && at === position);
          return (
            <li key={`${position} ${of}`}>
              <a href={linkTo(['events'], { source, secret: String(position) })}>
                secret {position} of {of}
              </a>
              : {use === undefined ? 'not used' : `${count(use.requests, 'request', 'requests')}, last `}
              {use !== undefined && <Time iso={use.lastAt} />}
            </li>
          );
        }),
      )}
    </ul>
  );
}

function RefusedLink({ source, requests }: { readonly source: string; readonly requests: number }) {
  const label = `${count(requests, 'refused request', 'refused requests')} of ${source}`;
  return (
    <Badge level="warn">
      <a href={linkTo(['refused'], refusedQuery(source))} aria-label={label}>
        {requests.toLocaleString('en')}
      </a>
    </Badge>
  );
}

function Unknown({ row }: { readonly row: SourceStatus | undefined }) {
  if (row === undefined || row.refused === 0) return null;
  const requests = count(row.refused, 'request', 'requests');
  return (
    <>
      <a href={linkTo(['refused'], refusedQuery(''))}>{requests}</a> to paths without a source{' '}
      {row.refused === 1 ? 'was' : 'were'} refused. {row.lastRefusedAt !== null && <Time iso={row.lastRefusedAt} />}
    </>
  );
}

interface SourceStateProps {
  readonly pull: PullStatus | undefined;
  readonly receivesAt: string | null;
}

function SourceState({ pull, receivesAt }: SourceStateProps) {
  if (pull === undefined) {
    if (receivesAt === null) return <span class="dim">takes no requests</span>;
    return (
      <>
        receives at <code>{receivesAt}</code>
        {receivesAt.endsWith('***') && <span class="dim"> (*** is its token)</span>}
      </>
    );
  }
  if (pull.state === 'running') return <Badge level="well">pulls</Badge>;
  if (pull.state === 'standby') return <Badge level="off">standby</Badge>;
  return (
    <>
      <Badge level="bad">fails</Badge> {ends(pull.lastFailure?.reason ?? 'the reason is unknown')}{' '}
      <Time iso={pull.since} />
    </>
  );
}
