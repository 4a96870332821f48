/** One row per destination, the worst first, with the reason and what fixes it. */
import { useRef } from 'preact/hooks';
import { failingShare, percent, rateText } from '../model/history.js';
import type { History } from '../model/history-replies.js';
import { linkTo } from '../model/location.js';
import type { DestinationStatus } from '../model/replies.js';
import { duration } from '../model/wording.js';
import { Sparkline } from './chart.js';
import { Controls } from './controls.js';
import { Empty } from './loaded.js';
import { Badge } from './text.js';

interface DestinationsProps {
  /** Of the last hour, by the minute; null until it is loaded. */
  readonly history: History | null;
  readonly rows: readonly DestinationStatus[];
  /** Something was changed: the status is to be read again. */
  readonly changed: () => void;
}

const words = { bad: 'trouble', warn: 'attention', busy: 'at work', well: 'well' } as const;

export function Destinations({ rows: worstFirst, history, changed }: DestinationsProps) {
  const { table, rows } = useHeldOrder(worstFirst);
  if (rows.length === 0)
    return (
      <Empty title="No destination is configured.">
        <p>
          Add one to <code>destinations</code> of the configuration, and a route that leads to it.{' '}
          <code>switchhook plugins</code> lists what can be used.
        </p>
      </Empty>
    );
  return (
    <table class="rows" ref={table}>
      <thead>
        <tr>
          <th scope="col">Destination</th>
          <th scope="col">State</th>
          <th scope="col">Delivered</th>
          <th scope="col">Failed, 10&nbsp;min</th>
          <th scope="col">Waiting</th>
          <th scope="col">Oldest</th>
          <th scope="col">Dead</th>
          <th scope="col">Actions</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.destination}>
            <th scope="row">
              <a data-row="" href={linkTo(['deliveries'], { destination: row.destination })}>
                {row.destination}
              </a>{' '}
              <span class="dim whole">{row.use}</span>
            </th>
            <td data-label="State">
              <Badge level={row.trouble.level}>{words[row.trouble.level]}</Badge>{' '}
              {row.rateLimited && <Badge level="busy">rate limited</Badge>} {row.trouble.what}
            </td>
            <Course row={row} history={history} />
            <Amount
              label="Waiting"
              value={sum(row.waiting, row.running)}
              link={linkTo(['deliveries'], { destination: row.destination, state: 'waiting' })}
            />
            <td data-label="Oldest" class="number">
              {row.oldestSeconds === null ? <span class="dim">–</span> : duration(row.oldestSeconds * 1_000)}
            </td>
            <Amount label="Dead" value={row.dead} link={linkTo(['dead'], { destination: row.destination })} />
            <td data-label="Actions">
              {row.configured && <Controls kind="destination" name={row.destination} row={row} changed={changed} />}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** While the pointer or the focus is in the table, its rows stay where they are: a click would be for another row. */
function useHeldOrder(worstFirst: readonly DestinationStatus[]) {
  const table = useRef<HTMLTableElement | null>(null);
  const order = useRef<readonly string[]>([]);
  const placeOf = ({ destination }: DestinationStatus): number => {
    const place = order.current.indexOf(destination);
    return place === -1 ? worstFirst.length : place;
  };
  const isInUse = table.current?.matches(':hover, :focus-within') ?? false;
  const rows = isInUse ? worstFirst.toSorted((a, b) => placeOf(a) - placeOf(b)) : worstFirst;
  order.current = rows.map(({ destination }) => destination);
  return { table, rows };
}

/** Of the last hour and of the last minutes. */
function Course({ row, history }: { readonly row: DestinationStatus; readonly history: History | null }) {
  const { destination: name, trouble } = row;
  const of = history?.destinations.find(({ destination }) => destination === name);
  const share = of === undefined ? null : failingShare(of);
  return (
    <>
      <td data-label="Delivered" class="number">
        {of === undefined || history === null ? (
          <span class="dim">–</span>
        ) : (
          <>
            <Sparkline numbers={of.delivered} label={`Delivered in each minute of the last hour to ${name}`} />{' '}
            {rateText(of.delivered, history)}
          </>
        )}
      </td>
      <td data-label="Failed, 10&nbsp;min" class="number">
        <span
          class={share && trouble.level !== 'well' ? 'wrong' : 'dim'}
          title="Share of the attempts of the last ten minutes that failed"
        >
          {share === null ? '–' : percent(share)}
        </span>
      </td>
    </>
  );
}

function sum(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one + other;
}

function Amount({
  label,
  value,
  link,
}: {
  readonly label: string;
  readonly value: number | null;
  readonly link: string;
}) {
  return (
    <td data-label={label} class="number">
      {value === null ? (
        'unknown'
      ) : value === 0 ? (
        <span class="dim">0</span>
      ) : (
        <a href={link}>{value.toLocaleString('en')}</a>
      )}
    </td>
  );
}
