/** How long phones rang, and what answered them. */
import { levelOfStep, stepTexts } from '../model/calls.js';
import { percent, sharesOf } from '../model/history.js';
import type { History } from '../model/history-replies.js';
import { linkTo } from '../model/location.js';
import { duration } from '../model/wording.js';
import { Empty, Loaded } from '../parts/loaded.js';
import type { Resource } from '../parts/resource.js';
import { Fact } from '../parts/text.js';

/** Above zero, which must be below `low`. */
const aLittle = 1e-9;
/** A browser colours a meter by how far it is from its optimum. */
const colourOf = {
  well: {},
  warn: { optimum: 0, low: aLittle, high: 1 },
  bad: { optimum: 0, low: aLittle, high: aLittle },
} as const;

export function CallFigures({ history }: { readonly history: Resource<History> }) {
  return (
    <section aria-labelledby="calls">
      <h2 id="calls">Calls of the last hour</h2>
      <Loaded of={history}>
        {({ total, calls }) => {
          const { p50, p95, p99 } = calls.ringMs;
          if (total.calls === 0)
            return (
              <Empty title="No call came in the last hour.">
                <p>
                  Try one: <code>switchhook call --from +12345678912 --to +12345678913</code>
                </p>
              </Empty>
            );
          return (
            <>
              <dl class="facts">
                <Fact name="Calls">
                  <a href={linkTo(['calls'], { since: '1h' })}>{total.calls.toLocaleString('en')}</a>
                </Fact>
                <Fact name="Ring time, to the reply">
                  about p50 {duration(p50 ?? 0)}, p95 {duration(p95 ?? 0)}, p99 {duration(p99 ?? 0)}{' '}
                  <span class="dim">(each request counts, repeated ones too; right within a tenth)</span>
                </Fact>
              </dl>
              <ul class="shares" aria-label="Share of each step">
                {sharesOf(calls).map(({ step, number, share }) => (
                  <li key={step}>
                    <span class="name">{step}</span>
                    <meter value={share} {...colourOf[levelOfStep[step]]} aria-label={`Share of ${step}`} />
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
