/** The last hours or days: what arrived, what was delivered, and how long callers waited. */
import { type Period, periods, sum } from '../model/history.js';
import type { DestinationHistory, History as HistoryReply } from '../model/history-replies.js';
import { linkTo } from '../model/location.js';
import { duration } from '../model/wording.js';
import { Chart } from '../parts/chart.js';
import { useHistory } from '../parts/history.js';
import { Empty, Loaded } from '../parts/loaded.js';
import type { ViewProps } from '../parts/view-props.js';

const count = (number: number) => number.toLocaleString('en');

export function History({ place }: ViewProps) {
  const asked = place.query.since ?? '6h';
  const since: Period = asked in periods ? (asked as Period) : '6h';
  const history = useHistory(since);
  return (
    <>
      <h1>History</h1>
      <nav class="toolbar" aria-label="Period">
        {Object.keys(periods).map((period) => (
          <a
            key={period}
            class="choice"
            href={linkTo(['history'], { since: period })}
            aria-current={period === since ? 'true' : undefined}
          >
            {period.replace('h', ' h')}
          </a>
        ))}
      </nav>
      <Loaded of={history}>{(value) => <Everything value={value} since={since} />}</Loaded>
    </>
  );
}

function Everything({ value, since }: { readonly value: HistoryReply; readonly since: Period }) {
  const { times, total, events, calls, destinations, stepSeconds } = value;
  if (Object.values(total).every((number) => number === 0))
    return (
      <Empty title={`Nothing happened in the last ${since.replace('h', ' hours').replace(/^1 hours/, 'hour')}.`}>
        <p>
          Send an event: <code>switchhook send conversation_ended</code>. The history reaches back 48 hours.
        </p>
      </Empty>
    );
  const per = stepSeconds === 60 ? 'per minute' : `per ${duration(stepSeconds * 1_000)}`;
  const added = (field: 'delivered' | 'failed' | 'dead') =>
    times.map((_, index) => sum(destinations.map((one) => one[field][index] ?? 0)));
  return (
    <>
      <Chart
        title={`Requests ${per}`}
        {...{ times, unit: count }}
        series={[
          { name: 'events', numbers: events.received, tone: 'busy' },
          { name: 'duplicates', numbers: events.duplicates, tone: 'warn' },
          { name: 'refused', numbers: events.refused, tone: 'bad' },
        ]}
      />
      <Chart
        title={`Deliveries ${per}`}
        {...{ times, unit: count }}
        series={[
          { name: 'delivered', numbers: added('delivered'), tone: 'well' },
          { name: 'failed attempts', numbers: added('failed'), tone: 'warn' },
          { name: 'dead', numbers: added('dead'), tone: 'bad' },
        ]}
      />
      {total.calls > 0 && (
        <>
          <Chart
            title={`Calls ${per}`}
            {...{ times, unit: count }}
            series={[{ name: 'calls', numbers: calls.answered, tone: 'busy' }]}
          />
          <Chart
            title="Ring time"
            {...{ times, unit: duration }}
            series={[
              { name: 'p50', numbers: calls.ringP50Ms, tone: 'well' },
              { name: 'p95', numbers: calls.ringP95Ms, tone: 'warn' },
              { name: 'p99', numbers: calls.ringP99Ms, tone: 'bad' },
            ]}
          />
        </>
      )}
      {destinations.length > 0 && (
        <section aria-labelledby="destinations">
          <h2 id="destinations">Destinations</h2>
          <Destinations rows={destinations} />
        </section>
      )}
    </>
  );
}

function Destinations({ rows }: { readonly rows: readonly DestinationHistory[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Destination</th>
          <th scope="col">Delivered</th>
          <th scope="col">Failed attempts</th>
          <th scope="col">Became dead</th>
          <th scope="col">Attempts took</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ destination, delivered, failed, dead, attemptMs: { p50, p95 } }) => (
          <tr key={destination}>
            <th scope="row">
              <a data-row="" href={linkTo(['deliveries'], { destination })}>
                {destination}
              </a>
            </th>
            <td data-label="Delivered" class="number">
              {count(sum(delivered))}
            </td>
            <td data-label="Failed attempts" class="number">
              {count(sum(failed))}
            </td>
            <td data-label="Became dead" class="number">
              {count(sum(dead))}
            </td>
            <td data-label="Attempts took">
              {p50 === null || p95 === null ? <span class="dim">–</span> : `p50 ${duration(p50)}, p95 ${duration(p95)}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
