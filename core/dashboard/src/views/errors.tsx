/** What error codes mean: all of them, or one. */

import { api } from '../model/api.js';
import type { ErrorCode } from '../model/configuration-replies.js';
import { linkTo } from '../model/location.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { Inline } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';

export function Errors({ place }: ViewProps) {
  const [, code] = place.path;
  const errors = useResource('errors', (signal) =>
    api<{ readonly errors: readonly ErrorCode[] }>('errors', { signal }),
  );
  return (
    <>
      <h1>{code === undefined ? 'Error codes' : `Error code ${code}`}</h1>
      <p class="lead">
        What each code means, and what to do. <code>switchhook errors</code> lists the same; the page{' '}
        <code>docs/errors.md</code> of the repository has a section about each.
      </p>
      <Loaded of={errors}>
        {({ errors: all }) => {
          const found = code === undefined ? all : all.filter((one) => one.code === code);
          return found.length === 0 ? (
            <Empty title={`The router has no code ${code}.`}>
              <p>A router of another version may have it.</p>
              <p>
                <a href={linkTo(['errors'])}>Show all codes</a>
              </p>
            </Empty>
          ) : (
            <>
              <CodeTable errors={found} />
              {code !== undefined && (
                <p>
                  <a href={linkTo(['errors'])}>Show all codes</a>
                </p>
              )}
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function CodeTable({ errors }: { readonly errors: readonly ErrorCode[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Code</th>
          <th scope="col">Status</th>
          <th scope="col">Meaning</th>
          <th scope="col">What to do</th>
        </tr>
      </thead>
      <tbody>
        {errors.map(({ code, status, meaning, advice }) => (
          <tr key={code}>
            <th scope="row">
              <a data-row="" href={linkTo(['errors', code])}>
                <code>{code}</code>
              </a>
            </th>
            <td data-label="Status" class="number">
              {status ?? <span class="dim">–</span>}
            </td>
            <td data-label="Meaning">
              <Inline text={meaning} />
            </td>
            <td data-label="What to do">
              <Inline text={advice} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
