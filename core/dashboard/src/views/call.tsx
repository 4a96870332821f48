/** One call: what the caller's agent got, from where, and how long each look-up took. */
import { api, noneIfNotKept } from '../model/api.js';
import { mayBeRecorded, ringText, stepTexts } from '../model/calls.js';
import { now, present } from '../model/clock.js';
import { answerOf } from '../model/conversation.js';
import { linkTo } from '../model/location.js';
import type { CallAnswer, Explanation, WholeEvent } from '../model/replies.js';
import { duration, ends } from '../model/wording.js';
import { StepBadge, Variables, Waterfall } from '../parts/answer.js';
import { Unmatched } from '../parts/explained.js';
import { Empty, Loaded, NoSuch } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { Badge, Fact, Moment, SubjectLink } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';

/** A call is recorded with its answer, and with whether it was sent: later than the platform has its id. */
const soonMs = 2_000;

export function Call({ place }: ViewProps) {
  const id = place.path[1] ?? '';
  const event = useResource(
    `call ${id}`,
    (signal) => api<WholeEvent>(`events/${encodeURIComponent(id)}`, { signal }).catch(noneIfNotKept),
    (value) => (value === 'none' && mayBeRecorded(id, now()) ? soonMs : null),
  );
  return (
    <Loaded of={event}>
      {(value) => {
        if (value === 'none') return <NotYet id={id} />;
        const answer = answerOf(value.data);
        return answer === null ? <NoCall id={id} /> : <Answered event={value} answer={answer} />;
      }}
    </Loaded>
  );
}

function NotYet({ id }: { readonly id: string }) {
  if (!mayBeRecorded(id, present.value)) return <NoSuch what="call" id={id} />;
  return (
    <>
      <h1>No call yet</h1>
      <Empty title={`There is no call ${id}.`}>
        <p>
          A call is recorded once its answer is sent, or could not be sent. This page looks again every two seconds.
          Calls that retention has removed do not come back: <a href={linkTo(['calls'])}>the calls</a>.
        </p>
      </Empty>
    </>
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
  const { from, to, name, step, requests, sent } = answer;
  return (
    <>
      <h1>
        {from === '' ? 'Withheld number' : from} to {to}
      </h1>
      <p class="lead">
        <StepBadge step={step} /> {name === null ? 'Not answered' : `Answered by ${name}`}: {stepTexts[step]}.
      </p>
      <dl class="facts">
        <Fact name="Received">
          <Moment iso={event.receivedAt} />
        </Fact>
        <Fact name="Source">{event.source}</Fact>
        <Fact name="Call id">
          <SubjectLink subject={event.subject} />
          {event.subject === null && (
            <span class="dim">
              . The request names none, so its conversation cannot be found by it
              {from !== '' && (
                <>
                  ; it may be among the{' '}
                  <a href={linkTo(['events'], { party: from, since: event.receivedAt })}>
                    events with this number since then
                  </a>
                </>
              )}
              .
            </span>
          )}
        </Fact>
        <Fact name="Ring time, to the answer">{ringText(answer)}</Fact>
        <Fact name="Requests of the platform">{requests}</Fact>
        {sent !== undefined && (
          <Fact name="Sent to the platform">
            {sent.outcome === 'sent' ? (
              <Badge level="well">after {duration(sent.ms)}</Badge>
            ) : (
              <>
                <Badge level="bad">{sent.outcome}</Badge> {sent.reason !== null && ends(sent.reason)}
              </>
            )}
          </Fact>
        )}
        <Fact name="Event">
          <a href={linkTo(['events', event.id])}>its data and deliveries</a>
        </Fact>
      </dl>
      <Tried id={event.id} isAnswered={name !== null} />
      <section aria-labelledby="lookups">
        <h2 id="lookups">Look-ups</h2>
        <Waterfall answer={answer} />
      </section>
      <section aria-labelledby="variables">
        <h2 id="variables">What the agent got</h2>
        <Variables answer={answer} />
      </section>
    </>
  );
}

interface TriedProps {
  readonly id: string;
  readonly isAnswered: boolean;
}

/** Why no answer matched, or none before the one that did: by the answers of today. */
function Tried({ id, isAnswered }: TriedProps) {
  const explained = useResource(`answers ${id}`, (signal) =>
    api<{ readonly explanations: readonly Explanation[] }>('explain', { method: 'POST', body: { event: id }, signal }),
  );
  return (
    <Loaded of={explained}>
      {({ explanations: [first] }) => {
        const answers = first?.answers ?? [];
        const matching = answers.find(({ matches }) => matches);
        // Nothing is before the first.
        if (isAnswered && (matching === undefined || matching === answers[0])) return null;
        return (
          <section aria-labelledby="tried">
            <h2 id="tried">Answers that did not match</h2>
            <p class="dim">
              The answers of the configuration as it is today, for the call as it came.{' '}
              {!isAnswered &&
                matching !== undefined &&
                `By now, ${matching.answer} matches: the configuration was changed since.`}
            </p>
            {answers.length === 0 ? (
              <Empty title="No answer is configured.">
                <p>
                  Add one to <code>answers</code> of the configuration.
                </p>
              </Empty>
            ) : (
              <Unmatched answers={answers} open={!isAnswered} />
            )}
          </section>
        );
      }}
    </Loaded>
  );
}
