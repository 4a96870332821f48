/** Everything of one call or conversation on one time line, with what became of it, and what has not come yet. */
import { useRef } from 'preact/hooks';
import { noneIfNotKept } from '../model/api.js';
import { ringText } from '../model/calls.js';
import { answerOf, latestOf, missingTypes, withEarlier } from '../model/conversation.js';
import { linkTo } from '../model/location.js';
import type { Explanation } from '../model/replies.js';
import { count, duration, ends, excerpt, gatheredText } from '../model/wording.js';
import { Action } from '../parts/actions.js';
import { StepBadge } from '../parts/answer.js';
import { Loaded, NoSuch } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { EventLink, Moment, State, Time } from '../parts/text.js';
import type { ViewProps } from '../parts/view-props.js';

/** While something is under way or has not come, and otherwise. */
const soonMs = 5_000;
const laterMs = 15_000;

export function Conversation({ place }: ViewProps) {
  const subject = place.path[1] ?? '';
  const known = useRef<Loading>(null);
  const conversation = useResource(
    `conversation ${subject}`,
    async (signal): Promise<NonNullable<Loading> | 'none'> => {
      try {
        known.current = await latestOf(subject, () => known.current, signal);
        return known.current;
      } catch (error) {
        return noneIfNotKept(error);
      }
    },
    (value) => (value !== 'none' && isUnfinished(value) ? soonMs : laterMs),
  );
  const earlier = (): Promise<null> =>
    conversation.grow(async (value) => {
      known.current = await withEarlier(subject, () => known.current);
      return known.current ?? value;
    });
  return (
    <Loaded of={conversation}>
      {(value) => {
        if (value === 'none') return <NoSuch what="conversation" id={subject} />;
        const { explanations, cursor, incomplete } = value;
        return (
          <>
            <h1>{subject}</h1>
            {cursor !== null && (
              <p class="toolbar">
                <Action run={earlier}>Show older</Action>
                <span class="dim">
                  The latest {count(explanations.length, 'event is', 'events are')} shown.{' '}
                  <a href={linkTo(['events'], { subject })}>List all events of it</a>
                </span>
              </p>
            )}
            <TimeLine explanations={explanations} isWhole={cursor === null} />
            <Missing explanations={explanations} incomplete={incomplete} />
          </>
        );
      }}
    </Loaded>
  );
}

type Loading = Awaited<ReturnType<typeof latestOf>> | null;

function isUnfinished({ explanations }: NonNullable<Loading>): boolean {
  return explanations.some(isOpen) || missingTypes(explanations.map(({ event }) => event)).length > 0;
}

/** What has not come: by the configuration, with the time it had; and the end of each start. */
function Missing({ explanations, incomplete }: Pick<NonNullable<Loading>, 'explanations' | 'incomplete'>) {
  const named = new Set(incomplete.flatMap(({ missing }) => missing));
  const others = missingTypes(explanations.map(({ event }) => event)).filter((type) => !named.has(type));
  return (
    <>
      {incomplete.map(({ event, after, missing, dueAt }) => (
        <p key={event} class="note warn">
          {missing.join(' or ')} has not come. It should have followed <EventLink id={event}>{after}</EventLink> by{' '}
          <Moment iso={dueAt} /> (<Time iso={dueAt} />
          ).
        </p>
      ))}
      {others.map((type) => (
        <p key={type} class="note busy">
          {type} has not come yet.
        </p>
      ))}
    </>
  );
}

function isOpen({ deliveries }: Explanation): boolean {
  return deliveries.some(({ state }) => state === 'waiting' || state === 'running');
}

interface TimeLineProps {
  readonly explanations: readonly Explanation[];
  /** False where there are earlier events. */
  readonly isWhole: boolean;
}

function TimeLine({ explanations, isWhole }: TimeLineProps) {
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
                {index > 0 &&
                  `, ${duration(Date.parse(event.receivedAt) - startMs)} after the first${isWhole ? '' : ' that is shown'}`}
                , from {event.source}
              </span>
            </p>
            {answer !== null && (
              <p>
                <StepBadge step={answer.step} /> {answer.from === '' ? 'A withheld number' : answer.from} called{' '}
                {answer.to}, ring time {ringText(answer)}.{' '}
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
                    {delivery.heldBack !== null && <span class="dim">{delivery.heldBack}</span>}{' '}
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
