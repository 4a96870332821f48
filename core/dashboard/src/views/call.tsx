/** One call: what the caller's agent got, from where, and how long each look-up took. */
import { api } from '../model/api.js';
import { stepTexts } from '../model/calls.js';
import { answerOf } from '../model/conversation.js';
import { linkTo } from '../model/location.js';
import type { CallAnswer, Lookup, Origin, WholeEvent } from '../model/replies.js';
import { duration, ends } from '../model/wording.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { Badge, Moment, SubjectLink } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';
import { StepBadge } from './calls.js';

export function Call({ place }: ViewProps) {
  const id = place.path[1] ?? '';
  const event = useResource(`call ${id}`, (signal) => api<WholeEvent>(`events/${encodeURIComponent(id)}`, { signal }));
  return (
    <Loaded of={event}>
      {(value) => {
        const answer = answerOf(value.data);
        return answer === null ? <NoCall id={id} /> : <Answered event={value} answer={answer} />;
      }}
    </Loaded>
  );
}

function NoCall({ id }: { readonly id: string }) {
  return (
    <>
      <h1>No call</h1>
      <Empty title="This event is no call that was answered.">
        <p>
          <a href={linkTo(['events', id])}>Show the event</a>
        </p>
      </Empty>
    </>
  );
}

function Answered({ event, answer }: { readonly event: WholeEvent; readonly answer: CallAnswer }) {
  const { from, to, name, step, ms, requests, lookups, override_agent: agent } = answer;
  return (
    <>
      <h1>
        {from === '' ? 'Withheld number' : from} to {to}
      </h1>
      <p class="lead">
        <StepBadge step={step} /> Answered in {duration(ms)}
        {name === null ? ', no answer of the configuration matched' : ` by ${name}`}: {stepTexts[step]}.
      </p>
      <dl class="facts">
        <div>
          <dt>Received</dt>
          <dd>
            <Moment iso={event.receivedAt} />
          </dd>
        </div>
        <div>
          <dt>Source</dt>
          <dd>{event.source}</dd>
        </div>
        <div>
          <dt>Call</dt>
          <dd>
            <SubjectLink subject={event.subject} />
          </dd>
        </div>
        <div>
          <dt>Requests of the platform</dt>
          <dd>{requests}</dd>
        </div>
        <div>
          <dt>Event</dt>
          <dd>
            <a href={linkTo(['events', event.id])}>its data and deliveries</a>
          </dd>
        </div>
      </dl>
      <section aria-labelledby="lookups">
        <h2 id="lookups">Look-ups</h2>
        {lookups.length === 0 ? <p>No resolver was asked.</p> : <Waterfall lookups={lookups} totalMs={ms} />}
      </section>
      <section aria-labelledby="variables">
        <h2 id="variables">What the agent got</h2>
        <Variables answer={answer} agent={agent} />
      </section>
    </>
  );
}

const levelOf = {
  found: 'well',
  cached: 'well',
  'not-found': 'off',
  skipped: 'off',
  late: 'bad',
  failed: 'bad',
  busy: 'bad',
} as const;

function Waterfall({ lookups, totalMs }: { readonly lookups: readonly Lookup[]; readonly totalMs: number }) {
  const wholeMs = Math.max(1, totalMs, ...lookups.map(({ start_ms, ms }) => start_ms + ms));
  const share = (ms: number): number => (100 * ms) / wholeMs;
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Resolver</th>
          <th scope="col">Outcome</th>
          <th scope="col" class="wide">
            From the request to {duration(wholeMs)}
          </th>
          <th scope="col">Started after</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {lookups.map(({ resolver, outcome, start_ms: startMs, ms, reason }) => (
          <tr key={resolver}>
            <th scope="row">{resolver}</th>
            <td data-label="Outcome">
              <Badge level={levelOf[outcome]}>{outcome}</Badge> {reason !== null && ends(reason)}
            </td>
            <td>
              <svg class={`bar ${levelOf[outcome]}`} viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                <rect class="whole" x="0" y="4" width="100" height="2" />
                <rect x={share(startMs)} y="0" width={Math.max(0.7, share(ms))} height="10" />
              </svg>
            </td>
            <td data-label="Started after" class="number">
              {duration(startMs)}
            </td>
            <td data-label="Took" class="number">
              {duration(ms)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Variables({ answer, agent }: { readonly answer: CallAnswer; readonly agent: string | null }) {
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
  return (
    <>
      <StepBadge step={step} /> {resolvers.length > 0 && `${resolvers.join(', ')}. `}
      {reason !== undefined && reason !== null && ends(reason)}
    </>
  );
}
