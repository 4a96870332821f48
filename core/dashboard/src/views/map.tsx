/** Sources, routes and destinations as they are connected, coloured by trouble. */
import { api } from '../model/api.js';
import { type Box, boxHeight, boxWidth, type Layout, type Line, layoutOf } from '../model/layout.js';
import { linkTo } from '../model/location.js';
import type { Component, DestinationStatus, Level, Route } from '../model/replies.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import type { ViewProps } from '../parts/view-props.js';

export function RouteMap({ status }: ViewProps) {
  const layout = useResource('map', async (signal): Promise<Layout> => {
    const [{ components }, { routes }] = await Promise.all([
      api<{ readonly components: readonly Component[] }>('components', { signal }),
      api<{ readonly routes: readonly Route[] }>('routes', { signal }),
    ]);
    const named = (kind: Component['kind']) => components.filter((one) => one.kind === kind).map(({ name }) => name);
    return layoutOf(named('source'), routes, named('destination'));
  });
  const rows = status.data.value?.destinations ?? [];
  return (
    <>
      <h1>Map</h1>
      <p class="lead">
        Which source leads through which route to which destination. A box leads to its events or deliveries.
      </p>
      <Loaded of={layout}>
        {(value) =>
          value.lines.length === 0 ? (
            <Empty title="No route is configured: add one to routes of the configuration." />
          ) : (
            <Drawing layout={value} rows={rows} />
          )
        }
      </Loaded>
    </>
  );
}

function Drawing({ layout, rows }: { readonly layout: Layout; readonly rows: readonly DestinationStatus[] }) {
  const { boxes, lines, width, height } = layout;
  return (
    <nav class="map" aria-label="Sources, routes and destinations">
      <svg viewBox={`-4 -4 ${width + 8} ${height + 8}`} width={width} height={height}>
        <title>Sources, routes and destinations</title>
        {lines.map((line) => (
          <path key={`${line.from.name} ${line.to.column} ${line.to.name}`} class="line" d={curveOf(line)} />
        ))}
        {boxes.map((box) => (
          <Node
            key={`${box.column} ${box.name}`}
            box={box}
            row={box.column === 2 ? rows.find((row) => row.destination === box.name) : undefined}
          />
        ))}
      </svg>
    </nav>
  );
}

const kinds = ['Source', 'Route', 'Destination'] as const;

function Node({
  box: { column, name, x, y },
  row,
}: {
  readonly box: Box;
  readonly row: DestinationStatus | undefined;
}) {
  const query = [{ source: name }, { route: name }, { destination: name }][column];
  const trouble = row?.trouble ?? null;
  const level: Level | 'off' = trouble?.level ?? 'off';
  const figures = row === undefined ? kinds[column] : `${row.waiting ?? '?'} waiting, ${row.dead ?? '?'} dead`;
  return (
    <a data-row="" href={linkTo([column === 0 ? 'events' : 'deliveries'], query)}>
      <title>{trouble === null ? name : `${name}: ${trouble.what}`}</title>
      <g class={`node ${level}`} transform={`translate(${x} ${y})`}>
        <rect width={boxWidth} height={boxHeight} rx="7" />
        <text x="12" y="19" class="name">
          {shortened(name)}
        </text>
        <text x="12" y="36" class="small">
          {figures}
        </text>
      </g>
    </a>
  );
}

function curveOf({ from, to }: Line): string {
  const [x1, y1, x2, y2] = [from.x + boxWidth, from.y + boxHeight / 2, to.x, to.y + boxHeight / 2];
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

/** What fits into a box; its title has all of it. */
function shortened(name: string): string {
  return name.length > 26 ? `${name.slice(0, 25)}…` : name;
}
