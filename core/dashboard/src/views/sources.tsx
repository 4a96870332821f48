/** Where events come from. */
import { api } from '../model/api.js';
import { linkTo } from '../model/location.js';
import type { Component, PullStatus } from '../model/replies.js';
import { ends } from '../model/wording.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { Badge, Time } from '../parts/text.js';

export function Sources({ pulls }: { readonly pulls: readonly PullStatus[] }) {
  const components = useResource('components', (signal) =>
    api<{ readonly components: readonly Component[] }>('components', { signal }),
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
                  <th scope="col">What it is</th>
                </tr>
              </thead>
              <tbody>
                {sources.map(({ name, use, description }) => (
                  <tr key={name}>
                    <th scope="row">
                      <a data-row="" href={linkTo(['events'], { source: name })}>
                        {name}
                      </a>{' '}
                      <span class="dim">{use}</span>
                    </th>
                    <td data-label="State">
                      <SourceState pull={pulls.find(({ source }) => source === name)} name={name} />
                    </td>
                    <td data-label="What it is">{description}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          );
        }}
      </Loaded>
    </section>
  );
}

function SourceState({ pull, name }: { readonly pull: PullStatus | undefined; readonly name: string }) {
  if (pull === undefined)
    return (
      <>
        receives at <code>/hooks/{name}</code>
      </>
    );
  if (pull.state === 'running') return <Badge level="well">pulls</Badge>;
  if (pull.state === 'standby') return <Badge level="off">standby</Badge>;
  return (
    <>
      <Badge level="bad">fails</Badge> {ends(pull.lastFailure?.reason ?? 'the reason is unknown')}{' '}
      <Time iso={pull.since} />
    </>
  );
}
