/** How a call was answered, or would be: the look-ups of its resolvers over time, and where each variable comes from. */
import { useState } from 'preact/hooks';
import { levelOfStep, repliedText, stepTexts } from '../model/calls.js';
import type { CallAnswer, Lookup, Origin, Step } from '../model/replies.js';
import { duration, ends } from '../model/wording.js';
import { Empty } from './loaded.js';
import { Badge } from './text.js';

/** A step with what it means as its title. */
export function StepBadge({ step }: { readonly step: Step }) {
  return (
    <span title={stepTexts[step]}>
      <Badge level={levelOfStep[step]}>{step}</Badge>
    </span>
  );
}

const levelOfLookup = {
  found: 'well',
  cached: 'well',
  'not-found': 'off',
  skipped: 'off',
  late: 'bad',
  failed: 'bad',
  busy: 'bad',
} as const;

/** A moment of the ring that the bars are compared with. */
interface Limit {
  readonly kind: 'answered' | 'within' | 'deadline';
  readonly ms: number;
  readonly text: string;
}

/** Those that are known: the record of an earlier version has only when it was answered. */
function limitsOf(answer: CallAnswer): readonly Limit[] {
  const { ms, within_ms, deadline_ms } = answer;
  const [within, deadline] = [within_ms ?? null, deadline_ms ?? null];
  return [
    { kind: 'answered', ms, text: repliedText(answer) },
    ...(within === null
      ? []
      : [
          {
            kind: 'within' as const,
            ms: within,
            text: `within: ${duration(within)}. The answer is sent then at the latest, even if look-ups are still running.`,
          },
        ]),
    ...(deadline === null
      ? []
      : [
          {
            kind: 'deadline' as const,
            ms: deadline,
            text: `Deadline of the platform: ${duration(deadline)}. It waits no longer for the answer.`,
          },
        ]),
  ];
}

/** The bars are shown larger on request where they take less of the whole. */
const smallShare = 0.3;

/** Each look-up as a bar from the request on, with lines for what it had of the ring. */
export function Waterfall({ answer }: { readonly answer: CallAnswer }) {
  const [isZoomed, setZoomed] = useState(false);
  const { lookups, ms } = answer;
  const limits = limitsOf(answer);
  const workMs = Math.max(1, ms, ...lookups.map((lookup) => lookup.start_ms + lookup.ms));
  const allMs = Math.max(workMs, ...limits.map((limit) => limit.ms));
  // Room for a line at the end.
  const wholeMs = (isZoomed ? workMs : allMs) * 1.02;
  const share = (at: number): number => (100 * at) / wholeMs;
  return (
    <>
      {lookups.length === 0 ? (
        <p>No resolver was asked.</p>
      ) : (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">Resolver</th>
              <th scope="col">Outcome</th>
              <th scope="col" class="wide">
                From the request to {duration(isZoomed ? workMs : allMs)}
              </th>
              <th scope="col">Started after</th>
              <th scope="col">Took</th>
            </tr>
          </thead>
          <tbody>
            {lookups.map((lookup) => (
              <LookupRow key={lookup.resolver} lookup={lookup} share={share} limits={limits} />
            ))}
          </tbody>
        </table>
      )}
      <ul class="limits">
        {limits.map(({ kind, ms: at, text }) => (
          <li key={kind}>
            {lookups.length > 0 && <LimitMark kind={kind} />}
            {text} {at > wholeMs && <span class="dim">Not shown while the bars are larger.</span>}
          </li>
        ))}
      </ul>
      {lookups.length > 0 && workMs < smallShare * allMs && (
        <p>
          <button type="button" aria-pressed={isZoomed} onClick={() => setZoomed(!isZoomed)}>
            Larger bars
          </button>
        </p>
      )}
    </>
  );
}

interface RowProps {
  readonly lookup: Lookup;
  /** Percent of the width. */
  readonly share: (ms: number) => number;
  readonly limits: readonly Limit[];
}

function LookupRow({ lookup, share, limits }: RowProps) {
  const { resolver, outcome, start_ms: startMs, ms, reason } = lookup;
  const level = levelOfLookup[outcome];
  return (
    <tr>
      <th scope="row">{resolver}</th>
      <td data-label="Outcome">
        <Badge level={level}>{outcome}</Badge> {reason !== null && ends(reason)}
      </td>
      <td>
        <svg class={`bar ${level}`} viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">
          <rect class="whole" x="0" y="6" width="100" height="2" />
          <rect x={share(startMs)} y="2" width={Math.max(0.7, share(ms))} height="10" />
          {limits
            .filter((limit) => share(limit.ms) <= 100)
            .map((limit) => (
              <path key={limit.kind} class={limit.kind} d={`M${share(limit.ms)} 0v14`} />
            ))}
        </svg>
      </td>
      <td data-label="Started after" class="number">
        {duration(startMs)}
      </td>
      <td data-label="Took" class="number">
        {duration(ms)}
      </td>
    </tr>
  );
}

function LimitMark({ kind }: Pick<Limit, 'kind'>) {
  return (
    <svg class="limit" viewBox="0 0 8 14" aria-hidden="true">
      <path class={kind} d="M4 0v14" />
    </svg>
  );
}

/** Each variable with its value, the step that it comes from, and why it is no better one. */
export function Variables({ answer }: { readonly answer: CallAnswer }) {
  const { override_agent: agent } = answer;
  const rows: readonly (readonly [string, string, Origin | null | undefined])[] = [
    ...Object.entries(answer.variables).map(([name, value]) => [name, value, answer.origins[name]] as const),
    ...Object.entries(answer.origins)
      .filter(([name]) => answer.variables[name] === undefined)
      .map(([name, origin]) => [name, '', origin] as const),
    ...(agent === null ? [] : [['another agent', agent, answer.override_agent_origin] as const]),
  ];
  if (rows.length === 0) return <Empty title="The answer has no variables." />;
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Variable</th>
          <th scope="col">Value</th>
          <th scope="col">Where it is from</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, value, origin]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td data-label="Value">{value === '' ? <span class="dim">empty</span> : value}</td>
            <td data-label="Where it is from">{origin && <OriginText origin={origin} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function OriginText({ origin: { step, resolvers, reason } }: { readonly origin: Origin }) {
  // Most reasons begin with the resolver that they are about.
  const others = resolvers.filter((name) => !reason?.startsWith(`${name} `));
  return (
    <>
      <StepBadge step={step} /> {others.length > 0 && `${others.join(', ')}. `}
      {reason !== undefined && reason !== null && ends(reason)}
    </>
  );
}
