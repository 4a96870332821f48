/** One row per destination, the worst first, with the reason and what fixes it. */

import { linkTo } from '../model/location.js';
import type { DestinationStatus } from '../model/replies.js';
import { duration } from '../model/wording.js';
import { Controls } from './controls.js';
import { Empty } from './loaded.js';
import { Badge } from './text.js';

interface DestinationsProps {
  readonly rows: readonly DestinationStatus[];
  /** Something was changed: the status is to be read again. */
  readonly changed: () => void;
}

const words = { bad: 'trouble', warn: 'attention', busy: 'at work', well: 'well' } as const;

export function Destinations({ rows, changed }: DestinationsProps) {
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
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Destination</th>
          <th scope="col">State</th>
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
              <span class="dim">{row.use}</span>
            </th>
            <td data-label="State">
              <Badge level={row.trouble.level}>{words[row.trouble.level]}</Badge> {row.trouble.what}
            </td>
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
