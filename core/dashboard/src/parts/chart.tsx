/** Series over time: a line of text high, or with axes, a legend and the same numbers as a table. */
import { useState } from 'preact/hooks';
import { pathOf } from '../model/history.js';

/** Numbers by the step, with their name and what they are drawn as. */
export interface Series {
  readonly name: string;
  readonly numbers: readonly (number | null)[];
  readonly tone: 'busy' | 'well' | 'warn' | 'bad';
}

interface ChartProps {
  readonly title: string;
  /** When each step begins. */
  readonly times: readonly string[];
  readonly series: readonly Series[];
  readonly unit: (number: number) => string;
}

const spark = { width: 120, height: 20 };
const box = { width: 600, height: 120 };

/** The course of one series. */
export function Sparkline({ numbers, label }: { readonly numbers: readonly number[]; readonly label: string }) {
  const top = Math.max(1, ...numbers);
  return (
    <svg
      class="spark"
      viewBox={`0 -1 ${spark.width} ${spark.height + 2}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path d={pathOf(numbers, { ...spark, top })} />
    </svg>
  );
}

export function Chart({ title, times, series, unit }: ChartProps) {
  const top = Math.max(0, ...series.flatMap(({ numbers }) => numbers.map((number) => number ?? 0)));
  const label = series.map(({ name, numbers }) => `${name}: at most ${mostOf(numbers, unit)}`).join('; ');
  const step = box.width / Math.max(1, times.length - 1);
  const shownTimes = [times[0], times[Math.round((times.length - 1) / 2)], times.at(-1)];
  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong>
        <ul class="legend">
          {series.map(({ name, tone }) => (
            <li key={name}>
              <svg class={`line ${tone}`} viewBox="0 0 24 8" aria-hidden="true">
                <path d="M1 4h22" />
              </svg>
              {name}
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot">
        <span class="dim most">{unit(top)}</span>
        <svg
          viewBox={`0 -2 ${box.width} ${box.height + 4}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${title}. ${label}`}
        >
          {series.map(({ name, tone, numbers }) => (
            <path key={name} class={tone} d={pathOf(numbers, { ...box, top })} />
          ))}
          {times.map((time, index) => (
            <rect key={time} x={(index - 0.5) * step} y={0} width={step} height={box.height}>
              <title>{`${clock(time)}\n${series.map(({ name, numbers }) => `${name}: ${shown(numbers[index], unit)}`).join('\n')}`}</title>
            </rect>
          ))}
        </svg>
        <div class="times dim">
          {shownTimes.map((time, index) => (
            <span key={index}>{time === undefined ? '' : clock(time)}</span>
          ))}
        </div>
      </div>
      <Numbers title={title} times={times} series={series} unit={unit} />
    </figure>
  );
}

/** The rows are made when they are looked at. */
function Numbers({ title, times, series, unit }: ChartProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary aria-label={`${title} as a table`}>As a table</summary>
      {isOpen && (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">From</th>
              {series.map(({ name }) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {times.map((time, index) => (
              <tr key={time}>
                <th scope="row">{clock(time)}</th>
                {series.map(({ name, numbers }) => (
                  <td key={name} data-label={name} class="number">
                    {shown(numbers[index], unit)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </details>
  );
}

function mostOf(numbers: readonly (number | null)[], unit: (number: number) => string): string {
  return unit(Math.max(0, ...numbers.map((number) => number ?? 0)));
}

function shown(number: number | null | undefined, unit: (number: number) => string): string {
  return (number ?? null) === null ? '–' : unit(number ?? 0);
}

/** `31 Jan, 09:30`, by the browser's clock. */
function clock(iso: string): string {
  return new Date(iso).toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
}
