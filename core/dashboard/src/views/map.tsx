/** How events come to destinations, and calls to answers, with counts and coloured by trouble. */
import { api } from '../model/api.js';
import type { Answer, Component } from '../model/configuration-replies.js';
import { type Box, boxHeight, boxWidth, type Line, layoutOf } from '../model/layout.js';
import { type Configured, callsBand, eventsBand, type MapBand, type MapNode } from '../model/map.js';
import type { Level, Route } from '../model/replies.js';
import { ends } from '../model/wording.js';
import { useHistory } from '../parts/history.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { Badge } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';

/** The router may have been reloaded. */
const everyMs = 10_000;
/** Where the drawing does not fit. */
const isNarrow = () => globalThis.matchMedia?.('(width < 45rem)').matches === true;

export function RouteMap({ status }: ViewProps) {
  const known = status.data.value;
  const history = useHistory('1h').data.value;
  const configured = useResource(
    'map',
    async (signal): Promise<Configured> => {
      const [{ components }, { routes }, { answers }] = await Promise.all([
        api<{ readonly components: readonly Component[] }>('components', { signal }),
        api<{ readonly routes: readonly Route[] }>('routes', { signal }),
        api<{ readonly answers: readonly Answer[] }>('answers', { signal }),
      ]);
      return { components, routes, answers };
    },
    () => everyMs,
  );
  return (
    <>
      <h1>Map</h1>
      <p class="lead">
        Events, calls, look-ups, and what was refused or failed are counted over the last hour; what waits and what is
        dead, now. A box leads to the list of its events, deliveries or calls; where some are dead, to these.
      </p>
      <Legend />
      <Loaded of={configured}>
        {(value) => (
          <>
            <section aria-labelledby="map-events">
              <h2 id="map-events">Events: sources, routes, destinations</h2>
              {value.routes.length === 0 ? (
                <Empty title="No route is configured: events are kept and go nowhere.">
                  <p>
                    Add one to <code>routes</code> of the configuration, then reload.
                  </p>
                </Empty>
              ) : (
                <Band band={eventsBand(value, { status: known, history })} label="Sources, routes and destinations" />
              )}
            </section>
            <section aria-labelledby="map-calls">
              <h2 id="map-calls">Calls: sources, answers, resolvers</h2>
              {value.answers.length === 0 ? (
                <Empty title="No answer is configured: calls get the least that their platform accepts.">
                  <p>
                    Add one to <code>answers</code> of the configuration if a platform asks this router about calls.
                  </p>
                </Empty>
              ) : (
                <Band
                  band={callsBand(value, { status: known, history })}
                  label="Sources of calls, answers and resolvers"
                />
              )}
            </section>
          </>
        )}
      </Loaded>
    </>
  );
}

const meanings: readonly (readonly [Level | 'off', string])[] = [
  ['bad', 'fails'],
  ['warn', 'needs attention'],
  ['busy', 'at work'],
  ['well', 'well'],
  ['off', 'nothing happened'],
];
const words = Object.fromEntries(meanings);

function Legend() {
  return (
    <ul class="map-legend" aria-label="Colours">
      {meanings.map(([level, text]) => (
        <li key={level}>
          <Badge level={level}>{text}</Badge>
        </li>
      ))}
    </ul>
  );
}

function Band({ band, label }: { readonly band: MapBand; readonly label: string }) {
  const { left, middle, right, links } = band;
  const names = (nodes: readonly MapNode[]) => nodes.map(({ name }) => name);
  const { boxes, lines, width, height } = layoutOf(names(left), links, names(right));
  const columns = [left, middle, right] as const;
  return (
    <>
      <nav class="map" aria-label={label}>
        <svg viewBox={`-4 -4 ${width + 8} ${height + 8}`} width={width + 8} height={height + 8}>
          <title>{label}</title>
          {lines.map((line) => (
            <path key={`${line.from.name} ${line.to.column} ${line.to.name}`} class="line" d={curveOf(line)} />
          ))}
          {boxes.map((box) => {
            const node = columns[box.column].find(({ name }) => name === box.name);
            return node && <Node key={`${box.column} ${box.name}`} box={box} node={node} />;
          })}
        </svg>
      </nav>
      <details open={isNarrow()}>
        <summary>The same as a list</summary>
        <List band={band} />
      </details>
    </>
  );
}

function Node({ box: { x, y }, node }: { readonly box: Box; readonly node: MapNode }) {
  const { kind, name, link, level, figures, trouble } = node;
  const [state, more] = [words[level], trouble === null ? '' : `. ${ends(trouble)}`];
  return (
    <a data-row="" href={link}>
      <title>{`${kind} ${name}: ${figures}, ${state}${more}`}</title>
      <g class={`node ${level}`} transform={`translate(${x} ${y})`}>
        <rect width={boxWidth} height={boxHeight} rx="7" />
        <text x="12" y="19" class="name">
          {shortened(name)}
        </text>
        <text x="12" y="36" class="small">
          {figures}
        </text>
        {/* For who does not see the colours. */}
        {(level === 'bad' || level === 'warn') && (
          <text x={boxWidth - 18} y="19" class="name">
            {level === 'bad' ? '×' : '!'}
          </text>
        )}
      </g>
    </a>
  );
}

/** What the drawing shows, for who does not see it. */
function List({ band: { left, middle, right, links } }: { readonly band: MapBand }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Kind</th>
          <th scope="col">State</th>
          <th scope="col">From</th>
          <th scope="col">To</th>
        </tr>
      </thead>
      <tbody>
        {[...left, ...middle, ...right].map((node) => {
          const { kind, name, link, level, figures, trouble } = node;
          const own = middle.includes(node) ? links.find((one) => one.name === name) : undefined;
          const before = own?.from ?? (right.includes(node) ? namesOf(links, ({ to }) => to.includes(name)) : []);
          const after = own?.to ?? (left.includes(node) ? namesOf(links, ({ from }) => from.includes(name)) : []);
          return (
            <tr key={`${kind} ${name}`}>
              <th scope="row">
                <a href={link}>{name}</a>
              </th>
              <td data-label="Kind">{kind}</td>
              <td data-label="State">
                <Badge level={level}>{words[level]}</Badge> {figures}
                {trouble !== null && `. ${ends(trouble)}`}
              </td>
              <td data-label="From">{before.length === 0 ? <span class="dim">–</span> : before.join(', ')}</td>
              <td data-label="To">{after.length === 0 ? <span class="dim">–</span> : after.join(', ')}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function namesOf(links: MapBand['links'], fits: (link: MapBand['links'][number]) => boolean): readonly string[] {
  return links.filter(fits).map(({ name }) => name);
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
