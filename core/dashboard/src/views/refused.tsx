/** Requests to sources that were refused: counted by their reason, and one by one. */
import { api } from '../model/api.js';
import { linkTo, type Place } from '../model/location.js';
import { originText, type RefusalGroup, type RefusedRequest, secretText } from '../model/refused.js';
import { ends } from '../model/wording.js';
import { Filters } from '../parts/filters.js';
import { Foot, usePages } from '../parts/listing.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { Badge, ErrorCode, Time } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';

/** How soon the list and the groups are loaded again; a list with further pages is not. */
const [listMs, groupsMs] = [5_000, 10_000];

export function Refused({ place: { query }, status }: ViewProps) {
  const { first, more } = usePages(
    'refused',
    query,
    ({ requests }: { readonly requests: readonly RefusedRequest[] }) => requests,
    () => listMs,
  );
  // Groups have no pages.
  const { limit: _, ...counted } = query;
  const groups = useResource(
    `refused groups ${JSON.stringify(counted)}`,
    (signal) => api<{ readonly groups: readonly RefusalGroup[] }>('refused/groups', { query: counted, signal }),
    () => groupsMs,
  );
  const found = groups.data.value?.groups ?? [];
  const fields = [
    { name: 'source', label: 'Source', known: given((status.data.value?.sources ?? []).map(({ source }) => source)) },
    { name: 'agent', label: 'Agent', hint: 'its id', known: given(found.map(({ agent }) => agent)) },
    { name: 'code', label: 'Reason', hint: 'e.g. UNVERIFIED', known: given(found.map(({ code }) => code)) },
    { name: 'since', label: 'Since', hint: '2h or 2026-01-31' },
    { name: 'until', label: 'Until', hint: '1h or 2026-01-31' },
  ];
  const wrong = first.failure.value?.wrong ?? {};
  const isShownAtField = fields.some(({ name }) => wrong[name] !== undefined);
  const reload = (): void => {
    first.reload();
    groups.reload();
  };
  return (
    <>
      <h1>Refused requests</h1>
      <p class="lead">
        Requests that this router has refused since it started: no event came of them, and the sender may not repeat
        them. It counts all, and lists the latest 1,000 one by one.
      </p>
      <Filters path={['refused']} fields={fields} wrong={wrong} />
      {!isShownAtField && (
        <Loaded of={first}>
          {(page) => (
            <>
              <div class="toolbar">
                <button type="button" onClick={reload}>
                  Load again
                </button>
              </div>
              <Loaded of={groups}>
                {(value) =>
                  value.groups.length > 0 ? (
                    <Groups groups={value.groups} query={query} />
                  ) : (
                    page.items.length === 0 && <Nothing filtered={Object.keys(query).length > 0} />
                  )
                }
              </Loaded>
              {page.items.length > 0 && (
                <section aria-labelledby="requests">
                  <h2 id="requests">Requests</h2>
                  <RequestTable requests={page.items} />
                  <Foot page={page} more={more} what={page.items.length === 1 ? 'request' : 'requests'} />
                </section>
              )}
              {page.items.length === 0 && found.length > 0 && (
                <p class="dim">None of these requests is among the latest 1,000, which are listed one by one.</p>
              )}
            </>
          )}
        </Loaded>
      )}
    </>
  );
}

/** Each text once. */
function given(texts: readonly (string | null)[]): readonly string[] {
  return [...new Set(texts)].filter((text): text is string => text !== null && text !== '');
}

interface GroupsProps {
  readonly groups: readonly RefusalGroup[];
  readonly query: Place['query'];
}

function Groups({ groups, query }: GroupsProps) {
  return (
    <section aria-labelledby="groups">
      <h2 id="groups">Why they were refused</h2>
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">Source and agent</th>
            <th scope="col">Reason</th>
            <th scope="col">Secret</th>
            <th scope="col">Requests</th>
            <th scope="col">Last</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => {
            const { source, agent, code, reason, advice, requests, firstAt, lastAt } = group;
            const of = { ...query, ...(source !== '' && { source }), ...(agent !== null && { agent }), code };
            return (
              <tr key={`${source} ${agent} ${code} ${reason}`}>
                <th scope="row">
                  <a data-row="" href={linkTo(['refused'], of)}>
                    {source === '' ? 'no such source' : source}
                  </a>{' '}
                  <span class="dim">{agent}</span>
                </th>
                <td data-label="Reason">
                  {ends(reason)} <ErrorCode code={code} /> <span class="dim">{advice}</span>
                </td>
                <td data-label="Secret">{secretText(group) || <span class="dim">not the reason</span>}</td>
                <td data-label="Requests" class="number">
                  <Badge level="warn">{requests.toLocaleString('en')}</Badge>
                </td>
                <td data-label="Last">
                  <Time iso={lastAt} />
                  {firstAt !== lastAt && (
                    <span class="dim">
                      , first <Time iso={firstAt} />
                    </span>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function RequestTable({ requests }: { readonly requests: readonly RefusedRequest[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Refused</th>
          <th scope="col">Source and agent</th>
          <th scope="col">Reason</th>
          <th scope="col">Request</th>
        </tr>
      </thead>
      <tbody>
        {requests.map((request) => {
          const { id, at, source, agent, code, reason, captured } = request;
          return (
            <tr key={id}>
              <th scope="row">
                <Time iso={at} />
              </th>
              <td data-label="Source and agent">
                {source} <span class="dim">{source === '' ? 'no such source' : agent}</span>
              </td>
              <td data-label="Reason">
                {ends(reason)} <ErrorCode code={code} /> {secretText(request)}
              </td>
              <td data-label="Request">
                {originText(request)}
                {captured && (
                  <>
                    . Kept whole: <code>switchhook refused {id} --save request.http</code>
                  </>
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Nothing({ filtered }: { readonly filtered: boolean }) {
  if (filtered)
    return (
      <Empty title="No refused request matches these filters.">
        <Before />
        <p>
          <a href={linkTo(['refused'])}>Show all refused requests</a>
        </p>
      </Empty>
    );
  return (
    <Empty title="No request was refused since the router started.">
      <Before />
    </Empty>
  );
}

function Before() {
  return (
    <p>
      A router keeps what it has refused in its memory: a restart ends the list. The{' '}
      <a href={linkTo(['history'])}>history</a> has the numbers of before.
    </p>
  );
}
