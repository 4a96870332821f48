/** How long phones rang, and what answered them. */
import { api } from '../model/api.js';
import { figuresOf, stepTexts } from '../model/calls.js';
import { linkTo } from '../model/location.js';
import type { Call } from '../model/replies.js';
import { duration } from '../model/wording.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';

const everyMs = 15_000;
/** Enough for a p99. */
const most = 500;

export function CallFigures() {
  const calls = useResource(
    'recent calls',
    (signal) =>
      api<{ readonly calls: readonly Call[] }>('calls', { query: { since: '1h', limit: String(most) }, signal }),
    () => everyMs,
  );
  return (
    <section aria-labelledby="calls">
      <h2 id="calls">Calls of the last hour</h2>
      <Loaded of={calls}>
        {(value) => {
          const figures = figuresOf(value.calls);
          if (figures === null)
            return (
              <Empty title="No call was answered in the last hour.">
                <p>
                  Try one: <code>switchhook call --from +12345678912 --to +12345678913</code>
                </p>
              </Empty>
            );
          const { number, p50, p95, p99, shares } = figures;
          return (
            <>
              <dl class="facts">
                <div>
                  <dt>Answered</dt>
                  <dd>
                    <a href={linkTo(['calls'], { since: '1h' })}>{number === most ? `the latest ${most}` : number}</a>
                  </dd>
                </div>
                <div>
                  <dt>Time until the answer</dt>
                  <dd>
                    p50 {duration(p50)}, p95 {duration(p95)}, p99 {duration(p99)}
                  </dd>
                </div>
              </dl>
              <ul class="shares" aria-label="Share of each step">
                {shares.map(({ step, number: calls, share }) => (
                  <li key={step}>
                    <span class="name">{step}</span>
                    <meter min={0} max={1} value={share} aria-label={`Share of ${step}`} />
                    <span>
                      {Math.round(share * 100)} %{' '}
                      <span class="dim">
                        ({calls}) {stepTexts[step]}
                      </span>
                    </span>
                  </li>
                ))}
              </ul>
            </>
          );
        }}
      </Loaded>
    </section>
  );
}
