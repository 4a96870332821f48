/** The three states of everything that is loaded: loading, failed, there. */

import type { ComponentChildren } from 'preact';
import { unreachableSinceMs } from '../model/api.js';
import { ends } from '../model/wording.js';
import type { Resource } from './resource.js';
import { ErrorCode } from './text.js';

/** Shows a resource as soon as it is there, and keeps showing it while the router does not answer. */
export function Loaded<T>({ of, children }: { readonly of: Resource<T>; children(value: T): ComponentChildren }) {
  const [value, failure] = [of.data.value, of.failure.value];
  if (value === null && failure === null)
    return (
      <p class="loading" role="status">
        Loading…
      </p>
    );
  return (
    <>
      {failure !== null && failure.code !== null && (
        <FailureNote text={failure.message} code={failure.code} retry={of.reload} />
      )}
      {failure !== null && failure.code === null && value === null && (
        <FailureNote text="The router does not answer. This view appears as soon as it does." retry={of.reload} />
      )}
      {value !== null && <div class={unreachableSinceMs.value === null ? '' : 'outdated'}>{children(value)}</div>}
    </>
  );
}

/** A failure with what to do. */
export function FailureNote({
  text,
  code,
  retry,
}: {
  readonly text: string;
  readonly code?: string;
  readonly retry?: () => void;
}) {
  // Others are of the page, or of a proxy.
  const isOfApi = code !== undefined && code !== 'PAGE' && !code.startsWith('HTTP_');
  return (
    <div class="note bad" role="alert">
      <p>
        {ends(text)} {isOfApi && <ErrorCode code={code} />}
      </p>
      {retry !== undefined && (
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
