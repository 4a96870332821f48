/** The calls that were answered, newest first. */
import { useState } from 'preact/hooks';
import { api } from '../model/api.js';
import { stepTexts } from '../model/calls.js';
import { linkTo, type Place } from '../model/location.js';
import type { Call, Step } from '../model/replies.js';
import { duration } from '../model/wording.js';
import { type Field, Filters } from '../parts/filters.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { Badge, Time } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';

const fields: readonly Field[] = [
  { name: 'number', label: 'Phone number', hint: '+12345678912' },
  { name: 'source', label: 'Source' },
  { name: 'since', label: 'Since', hint: '2h or 2026-01-31' },
  { name: 'until', label: 'Until', hint: '1h or 2026-01-31' },
];
/** How many are asked for, at first and after each “Show more”. */
const limits = [50, 200, 1_000] as const;

export function Calls({ place }: ViewProps) {
  return (
    <>
      <h1>Calls</h1>
      <Filters path={['calls']} fields={fields} />
      <CallList key={JSON.stringify(place.query)} query={place.query} />
    </>
  );
}

function CallList({ query }: { readonly query: Place['query'] }) {
  const [step, setStep] = useState(0);
  const limit = String(limits[step] ?? limits[0]);
  const calls = useResource(`calls ${limit} ${JSON.stringify(query)}`, (signal) =>
    api<{ readonly calls: readonly Call[]; readonly more: boolean }>('calls', { query: { ...query, limit }, signal }),
  );
  return (
    <Loaded of={calls}>
      {({ calls: found, more }) =>
        found.length === 0 ? (
          <None filtered={Object.keys(query).length > 0} />
        ) : (
          <>
            <p class="toolbar">
              <button type="button" onClick={calls.reload}>
                Load again
              </button>
            </p>
            <CallTable calls={found} />
            <p class="foot">
              {found.length.toLocaleString('en')} {found.length === 1 ? 'call' : 'calls'} shown
              {more ? '.' : ', no more.'}{' '}
              {more && step < limits.length - 1 && (
                <button type="button" onClick={() => setStep(step + 1)}>
                  Show more
                </button>
              )}
              {more && step === limits.length - 1 && 'Older ones: set Until.'}
            </p>
          </>
        )
      }
    </Loaded>
  );
}

function CallTable({ calls }: { readonly calls: readonly Call[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">From</th>
          <th scope="col">To</th>
          <th scope="col">Received</th>
          <th scope="col">Answer</th>
          <th scope="col">Took</th>
          <th scope="col">Source</th>
        </tr>
      </thead>
      <tbody>
        {calls.map(({ id, receivedAt, source, answer }) => (
          <tr key={id}>
            <th scope="row">
              <a data-row="" href={linkTo(['calls', id])}>
                {answer.from === '' ? 'withheld' : answer.from}
              </a>
            </th>
            <td data-label="To">{answer.to}</td>
            <td data-label="Received">
              <Time iso={receivedAt} />
            </td>
            <td data-label="Answer">
              <StepBadge step={answer.step} /> {answer.name ?? <span class="dim">none matched</span>}
            </td>
            <td data-label="Took" class="number">
              {duration(answer.ms)}
            </td>
            <td data-label="Source">{source}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const levelOf: Readonly<Record<Step, 'well' | 'warn' | 'bad' | 'off'>> = {
  fresh: 'well',
  cached: 'well',
  stale: 'warn',
  default: 'warn',
  none: 'warn',
  minimum: 'bad',
  unanswered: 'bad',
};

/** A step with what it means as its title. */
export function StepBadge({ step }: { readonly step: Step }) {
  return (
    <span title={stepTexts[step]}>
      <Badge level={levelOf[step]}>{step}</Badge>
    </span>
  );
}

function None({ filtered }: { readonly filtered: boolean }) {
  if (filtered)
    return (
      <Empty title="No call matches these filters.">
        <p>
          <a href={linkTo(['calls'])}>Show all calls</a>
        </p>
      </Empty>
    );
  return (
    <Empty title="No call was answered yet.">
      <p>
        Calls are answered by <code>answers</code> of the configuration. Try one with{' '}
        <code>switchhook call --from +12345678912 --to +12345678913</code>.
      </p>
    </Empty>
  );
}
