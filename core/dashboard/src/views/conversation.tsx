/** Everything of one call or conversation on one time line, with what became of it, and what has not come yet. */
import { api } from '../model/api.js';
import { answerOf, missingTypes } from '../model/conversation.js';
import { linkTo } from '../model/location.js';
import type { Explanation } from '../model/replies.js';
import { count, duration, ends, excerpt, gatheredText } from '../model/wording.js';
import { StepBadge } from '../parts/answer.js';
import { Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { EventLink, Moment, State } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';

/** The API explains so many at once. */
const mostEvents = 20;
/** While something is under way, and otherwise. */
const soonMs = 5_000;
const laterMs = 15_000;

export function Conversation({ place }: ViewProps) {
  const subject = place.path[1] ?? '';
  const explained = useResource(
    `conversation ${subject}`,
    (signal) =>
      api<{ readonly explanations: readonly Explanation[] }>('explain', { method: 'POST', body: { subject }, signal }),
    ({ explanations }) => (explanations.some(isOpen) ? soonMs : laterMs),
  );
  return (
    <>
      <h1>{subject}</h1>
      <Loaded of={explained}>
        {({ explanations }) => (
          <>
            {explanations.length === mostEvents && (
              <p class="note warn">
                The latest {mostEvents} events are shown.{' '}
                <a href={linkTo(['events'], { subject })}>List all events of it</a>
              </p>
            )}
            <TimeLine explanations={explanations} />
            {missingTypes(explanations.map(({ event }) => event)).map((type) => (
              <p key={type} class="note busy">
                {type} has not come yet.
              </p>
            ))}
          </>
        )}
      </Loaded>
    </>
  );
}

function isOpen({ deliveries }: Explanation): boolean {
  return deliveries.some(({ state }) => state === 'waiting' || state === 'running');
}

function TimeLine({ explanations }: { readonly explanations: readonly Explanation[] }) {
  const startMs = Date.parse(explanations[0]?.event.receivedAt ?? '');
  return (
    <ol class="time-line">
      {explanations.map(({ event, deliveries, routes }, index) => {
        const answer = answerOf(event.data);
        return (
          <li key={event.id}>
            <p>
              <EventLink id={event.id} row>
                {event.type}
              </EventLink>{' '}
              <span class="dim">
                <Moment iso={event.receivedAt} />
                {index > 0 && `, ${duration(Date.parse(event.receivedAt) - startMs)} after the first`}, from{' '}
                {event.source}
              </span>
            </p>
            {answer !== null && (
              <p>
                <StepBadge step={answer.step} /> {answer.from === '' ? 'A withheld number' : answer.from} called{' '}
                {answer.to}, answered in {duration(answer.ms)}.{' '}
                <a href={linkTo(['calls', event.id])}>What the agent got and why</a>
              </p>
            )}
            {deliveries.length === 0 ? (
              <p class="dim">
                No delivery:{' '}
                {routes.length === 0
                  ? 'no route is configured'
                  : `none of ${count(routes.length, 'route', 'routes')} matched`}
                .
              </p>
            ) : (
              <ul class="deliveries">
                {deliveries.map((delivery) => (
                  <li key={delivery.id}>
                    {delivery.destination} <State of={delivery} />{' '}
                    {delivery.gathered !== null && <span class="dim">{gatheredText(delivery)}</span>}{' '}
                    {delivery.failure !== null && <span class="dim">{ends(excerpt(delivery.failure))}</span>}
                  </li>
                ))}
              </ul>
            )}
          </li>
        );
      })}
    </ol>
  );
}
