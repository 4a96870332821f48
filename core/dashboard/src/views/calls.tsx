/** The calls that were answered, newest first. */
import { ringText, stepTexts } from '../model/calls.js';
import { linkTo, type Place } from '../model/location.js';
import type { Call } from '../model/replies.js';
import { StepBadge } from '../parts/answer.js';
import { type Field, Filters } from '../parts/filters.js';
import { useKnown } from '../parts/known.js';
import { Foot, Older, usePages } from '../parts/listing.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { Time } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';

export function Calls({ place }: ViewProps) {
  const known = useKnown();
  const fields: readonly Field[] = [
    { name: 'number', label: 'Phone number', hint: '+12345678912' },
    { name: 'source', label: 'Source', known: known.callSources },
    { name: 'answer', label: 'Answer', known: known.answers },
    { name: 'step', label: 'Step', choices: stepChoices },
    { name: 'resolver', label: 'Resolver', known: known.resolvers },
    { name: 'since', label: 'Since', hint: '2h or 2026-01-31' },
    { name: 'until', label: 'Until', hint: '1h or 2026-01-31' },
  ];
  return (
    <>
      <h1>Calls</h1>
      <Filters path={['calls']} fields={fields} />
      <CallList key={JSON.stringify(place.query)} query={place.query} />
    </>
  );
}

const stepChoices = Object.entries(stepTexts).map(([step, text]) => [step, `${step}: ${text}`] as const);

/** A phone may ring at any moment. */
const soonMs = 5_000;

function CallList({ query }: { readonly query: Place['query'] }) {
  const { first, more } = usePages(
    'calls',
    query,
    ({ calls }: { readonly calls: readonly Call[] }) => calls,
    () => soonMs,
  );
  return (
    <Loaded of={first}>
      {(page) =>
        page.items.length === 0 ? (
          <>
            <None filtered={Object.keys(query).length > 0} />
            <Older page={page} more={more} />
          </>
        ) : (
          <>
            <CallTable calls={page.items} />
            <Foot page={page} more={more} what={page.items.length === 1 ? 'call' : 'calls'} />
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
          <th scope="col">Ring time</th>
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
            <td data-label="Ring time" class="number">
              {ringText(answer)}
            </td>
            <td data-label="Source">{source}</td>
          </tr>
        ))}
      </tbody>
    </table>
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
