/** Why routes match or not, and what each destination would get. */
import type { ExplainedPart, ExplainedValue, RouteExplanation } from '../model/replies.js';
import type { AnswerExplanation } from '../model/trial-replies.js';
import { ends } from '../model/wording.js';
import { Empty } from './loaded.js';
import { Badge } from './text.js';
import { Source } from './tree.js';

/** The routes that match first, each in the order of the file. */
export function RouteList({ routes }: { readonly routes: readonly RouteExplanation[] }) {
  if (routes.length === 0) return <Empty title="No route is configured: add one to routes of the configuration." />;
  const inOrder = [...routes.filter(({ matches }) => matches), ...routes.filter(({ matches }) => !matches)];
  return (
    <>
      {inOrder.map((route) => (
        <RouteCard key={route.route} route={route} />
      ))}
    </>
  );
}

function RouteCard({ route }: { readonly route: RouteExplanation }) {
  const { route: name, matches, reason, where, parts, destinations } = route;
  return (
    <article class="card" aria-label={`Route ${name}`}>
      <header>
        <h3>{name}</h3>
        {matches ? <Badge level="well">matches</Badge> : <NoMatch parts={parts} />}
      </header>
      {reason !== null && <p>{ends(reason)}</p>}
      {where !== null && (
        <p>
          where <code>{where}</code>
        </p>
      )}
      <Condition parts={parts} open={!matches} />
      {destinations.map((one) => (
        <Preview key={one.destination} of={one} />
      ))}
    </article>
  );
}

/** What a destination would get; or, without a click, why a delivery would be rejected. */
function Preview({ of }: { readonly of: RouteExplanation['destinations'][number] }) {
  const { destination, preview, reason, rejected } = of;
  if (rejected)
    return (
      <p>
        {destination} <Badge level="bad">would be rejected</Badge> {ends(reason ?? '')}
      </p>
    );
  return (
    <details>
      <summary>What {destination} would get now</summary>
      {preview === null ? (
        <p>{ends(reason ?? 'It has no preview')}</p>
      ) : (
        <Source text={JSON.stringify(preview, null, 2)} label={`Preview for ${destination}`} />
      )}
    </details>
  );
}

/** The answers before the one that answers a call, or all of them where none does: why they do not match. */
export function Unmatched({
  answers,
  open = false,
}: {
  readonly answers: readonly AnswerExplanation[];
  /** Whether the parts of the conditions are shown at once. */
  readonly open?: boolean;
}) {
  const first = answers.findIndex(({ matches }) => matches);
  const before = first < 0 ? answers : answers.slice(0, first);
  return (
    <>
      {before.map(({ answer, reason, where, parts }) => (
        <article key={answer} class="card" aria-label={`Answer ${answer}`}>
          <header>
            <h3>{answer}</h3>
            <NoMatch parts={parts} />
          </header>
          {reason !== null && <p>{ends(reason)}</p>}
          {where !== null && (
            <p>
              where <code>{where}</code>
            </p>
          )}
          <Condition parts={parts} open={open} />
        </article>
      ))}
    </>
  );
}

/** A condition that cannot be evaluated is a fault of the configuration. */
function NoMatch({ parts }: { readonly parts: readonly ExplainedPart[] }) {
  if (parts.some(({ failure }) => failure !== null)) return <Badge level="warn">cannot be evaluated</Badge>;
  return <Badge level="off">does not match</Badge>;
}

function Condition({ parts, open }: { readonly parts: readonly ExplainedPart[]; readonly open: boolean }) {
  if (parts.length === 0) return null;
  return (
    <details open={open}>
      <summary>The condition, part by part</summary>
      <ul class="parts">
        {parts.map((part) => (
          <Part key={part.text} part={part} />
        ))}
      </ul>
    </details>
  );
}

function Part({ part }: { readonly part: ExplainedPart }) {
  return (
    <li>
      <code>{part.text}</code> <Value of={part} /> {part.decides && <span class="dim">(decides)</span>}
      {part.operands.length > 0 && (
        <ul>
          {part.operands.map((operand) => (
            <li key={operand.text}>
              <code>{operand.text}</code> <Value of={operand} />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function Value({ of }: { readonly of: ExplainedValue }) {
  if (of.failure !== null) return <span class="wrong">fails: {ends(of.failure)}</span>;
  return (
    <>
      is <code>{JSON.stringify(of.value ?? null)}</code>
    </>
  );
}
