/** The three states of everything that is loaded: loading, failed, there. */

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { linkTo, place } from '../model/location.js';
import { ends } from '../model/wording.js';
import type { Resource } from './resource.js';
import { ErrorCode, Time } from './text.js';

/** How many pieces of data are shown: none where a view has not been loaded yet. */
export const shown = signal(0);

/** Shows a resource as soon as it is there, and keeps showing it, as old, while it cannot be loaded again. */
export function Loaded<T>({ of, children }: { readonly of: Resource<T>; children(value: T): ComponentChildren }) {
  const [value, failure, since] = [of.data.value, of.failure.value, of.failedSinceMs.value];
  const isShown = value !== null;
  useEffect(() => {
    if (!isShown) return;
    shown.value += 1;
    return () => {
      shown.value -= 1;
    };
  }, [isShown]);
  if (value === null && failure === null)
    return (
      <p class="loading" role="status">
        Loading…
      </p>
    );
  return (
    <>
      {failure !== null && failure.code !== null && (
        <FailureNote text={failure.message} code={failure.code} retry={of.reload} isOfRequest={failure.isOfRequest}>
          {value !== null && since !== null && (
            <>
              {' '}
              What follows may be old: it could not be loaded again, first <Time iso={new Date(since).toISOString()} />.
            </>
          )}
        </FailureNote>
      )}
      {failure !== null && failure.code === null && value === null && (
        <FailureNote text="The router does not answer. This view appears as soon as it does." retry={of.reload} />
      )}
      {value !== null && <div class={failure === null ? '' : 'outdated'}>{children(value)}</div>}
    </>
  );
}

/** A failure with what to do: another try fails as well where the filter of the address is refused. */
export function FailureNote({
  text,
  code,
  retry,
  isOfRequest = false,
  children,
}: {
  readonly text: string;
  readonly code?: string;
  readonly retry?: () => void;
  readonly isOfRequest?: boolean;
  readonly children?: ComponentChildren;
}) {
  // Others are of the page, or of a proxy.
  const isOfApi = code !== undefined && code !== 'PAGE' && !code.startsWith('HTTP_');
  const { path, query } = place.value;
  const isOfFilter = isOfRequest && Object.keys(query).length > 0;
  return (
    <div class="note bad" role="alert">
      <p>
        {ends(text)} {isOfApi && <ErrorCode code={code} />}
        {children}
      </p>
      {isOfFilter && <a href={linkTo(path)}>Clear the filter</a>}
      {retry !== undefined && !isOfFilter && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Nothing is there: why, and what to do next. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="title">{title}</p>
      {children}
    </div>
  );
}

/** The page of what is not kept. */
export function NoSuch({ what, id }: { readonly what: 'call' | 'conversation' | 'event'; readonly id: string }) {
  const list = what === 'call' ? 'calls' : 'events';
  return (
    <>
      <h1>No such {what}</h1>
      <Empty title={`There is no ${what} ${id}.`}>
        <p>
          Retention may have removed it, or the address is wrong: <a href={linkTo([list])}>the {list}</a>.
        </p>
      </Empty>
    </>
  );
}
