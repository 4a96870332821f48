/** How long phones rang, and what answered them. */
import { stepTexts } from '../model/calls.js';
import { percent, sharesOf } from '../model/history.js';
import type { History } from '../model/history-replies.js';
import { linkTo } from '../model/location.js';
import { duration } from '../model/wording.js';
import { Empty, Loaded } from '../parts/loaded.js';
import type { Resource } from '../parts/resource.js';

export function CallFigures({ history }: { readonly history: Resource<History> }) {
  return (
    <section aria-labelledby="calls">
      <h2 id="calls">Calls of the last hour</h2>
      <Loaded of={history}>
        {({ total, calls }) => {
          const { p50, p95, p99 } = calls.ringMs;
          if (total.calls === 0)
            return (
              <Empty title="No call was answered in the last hour.">
                <p>
                  Try one: <code>switchhook call --from +12345678912 --to +12345678913</code>
                </p>
              </Empty>
            );
          return (
            <>
              <dl class="facts">
                <div>
                  <dt>Answered</dt>
                  <dd>
                    <a href={linkTo(['calls'], { since: '1h' })}>{total.calls.toLocaleString('en')}</a>
                  </dd>
                </div>
                <div>
                  <dt>Ring time, to the answer</dt>
                  <dd>
                    about p50 {duration(p50 ?? 0)}, p95 {duration(p95 ?? 0)}, p99 {duration(p99 ?? 0)}{' '}
                    <span class="dim">(each request counts, repeated ones too; right within a tenth)</span>
                  </dd>
                </div>
              </dl>
              <ul class="shares" aria-label="Share of each step">
                {sharesOf(calls).map(({ step, number, share }) => (
                  <li key={step}>
                    <span class="name">{step}</span>
                    <meter min={0} max={1} value={share} aria-label={`Share of ${step}`} />
                    <span>
                      {percent(share)}{' '}
                      <span class="dim">
                        ({number}) {stepTexts[step]}
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
