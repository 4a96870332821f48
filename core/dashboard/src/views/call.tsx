/** One call: what the caller's agent got, from where, and how long each look-up took. */
import { api } from '../model/api.js';
import { stepTexts } from '../model/calls.js';
import { answerOf } from '../model/conversation.js';
import { linkTo } from '../model/location.js';
import type { CallAnswer, WholeEvent } from '../model/replies.js';
import { duration, ends } from '../model/wording.js';
import { StepBadge, Variables, Waterfall } from '../parts/answer.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { Badge, Moment, SubjectLink } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';

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
  const { from, to, name, step, ms, requests, sent } = answer;
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
          <dt>Call id</dt>
          <dd>
            <SubjectLink subject={event.subject} />
          </dd>
        </div>
        <div>
          <dt>Requests of the platform</dt>
          <dd>{requests}</dd>
        </div>
        {sent !== undefined && (
          <div>
            <dt>Sent to the platform</dt>
            <dd>
              {sent.outcome === 'sent' ? (
                <Badge level="well">after {duration(sent.ms)}</Badge>
              ) : (
                <>
                  <Badge level="bad">{sent.outcome}</Badge> {sent.reason !== null && ends(sent.reason)}
                </>
              )}
            </dd>
          </div>
        )}
        <div>
          <dt>Event</dt>
          <dd>
            <a href={linkTo(['events', event.id])}>its data and deliveries</a>
          </dd>
        </div>
      </dl>
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
