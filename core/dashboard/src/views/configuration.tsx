/** What is configured and runs: components and routes. */
import { api } from '../model/api.js';
import { linkTo } from '../model/location.js';
import type { Component, Route } from '../model/replies.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';

interface Configured {
  readonly components: readonly Component[];
  readonly routes: readonly Route[];
}

const kinds: readonly (readonly [Component['kind'], string])[] = [
  ['source', 'Sources'],
  ['destination', 'Destinations'],
  ['resolver', 'Resolvers'],
  ['transform', 'Transforms'],
  ['store', 'Store'],
];

export function Configuration() {
  const configured = useResource('configured', async (signal): Promise<Configured> => {
    const [{ components }, { routes }] = await Promise.all([
      api<Pick<Configured, 'components'>>('components', { signal }),
      api<Pick<Configured, 'routes'>>('routes', { signal }),
    ]);
    return { components, routes };
  });
  return (
    <>
      <h1>Configuration</h1>
      <p class="lead">
        What the router runs with. It is read from the file at the start. <code>switchhook check</code> lists every
        mistake of a changed file.
      </p>
      <Loaded of={configured}>
        {({ components, routes }) => (
          <>
            <section aria-labelledby="routes">
              <h2 id="routes">Routes, in the order of the file</h2>
              {routes.length === 0 ? (
                <Empty title="No route is configured: events are kept and go nowhere." />
              ) : (
                <RouteTable routes={routes} />
              )}
            </section>
            {kinds.map(([kind, title]) => {
              const found = components.filter((component) => component.kind === kind);
              return found.length > 0 && <ComponentTable key={kind} title={title} components={found} />;
            })}
          </>
        )}
      </Loaded>
    </>
  );
}

function RouteTable({ routes }: { readonly routes: readonly Route[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Route</th>
          <th scope="col">From</th>
          <th scope="col">On</th>
          <th scope="col">Where</th>
          <th scope="col">Through</th>
          <th scope="col">To</th>
        </tr>
      </thead>
      <tbody>
        {routes.map(({ name, from, on, where, to, transforms }) => (
          <tr key={name}>
            <th scope="row">
              <a data-row="" href={linkTo(['deliveries'], { route: name })}>
                {name}
              </a>
            </th>
            <td data-label="From">{from.join(', ')}</td>
            <td data-label="On">{on.length === 0 ? <span class="dim">all types</span> : on.join(', ')}</td>
            <td data-label="Where">{where === null ? <span class="dim">always</span> : <code>{where}</code>}</td>
            <td data-label="Through">
              {transforms.length === 0 ? <span class="dim">none</span> : transforms.join(', ')}
            </td>
            <td data-label="To">{to.join(', ')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function ComponentTable({ title, components }: { readonly title: string; readonly components: readonly Component[] }) {
  const id = `components-${components[0]?.kind}`;
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Type</th>
            <th scope="col">What it is</th>
          </tr>
        </thead>
        <tbody>
          {components.map(({ name, use, description }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td data-label="Type">{use}</td>
              <td data-label="What it is">{description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
