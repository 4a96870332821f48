/** Deliveries with each attempt, and what can be done with them. */
import type { Attempt, DeliveryDetails } from '../model/replies.js';
import { attemptsText, duration, ends, gatheredText } from '../model/wording.js';
import { DeliveryActions, useDeliveryQuestion } from './delivery-actions.js';
import { useKeptFocus } from './kept-focus.js';
import { Badge, levelOfOutcome, Moment, State, Time } from './text.js';
import { Source } from './tree.js';

interface CardsProps {
  readonly deliveries: readonly DeliveryDetails[];
  readonly changed: () => void;
}

/** The deliveries of an event. */
export function DeliveryCards({ deliveries, changed }: CardsProps) {
  const list = useKeptFocus<HTMLDivElement>();
  const { ask, dialog } = useDeliveryQuestion(changed);
  return (
    <div ref={list}>
      {deliveries.map((delivery) => (
        <DeliveryCard key={delivery.id} delivery={delivery} ask={ask} />
      ))}
      {dialog}
    </div>
  );
}

interface CardProps {
  readonly delivery: DeliveryDetails;
  readonly ask: ReturnType<typeof useDeliveryQuestion>['ask'];
}

function DeliveryCard({ delivery, ask }: CardProps) {
  const { id, destination, route, state, history, dueAt, transforms, gathered, heldBack } = delivery;
  return (
    <article class="card" aria-label={`Delivery to ${destination}`}>
      <header>
        <h3 tabIndex={-1}>{destination}</h3>
        <State of={delivery} />
        {state === 'waiting' && dueAt !== null && (
          <span class="dim">
            due <Time iso={dueAt} />
          </span>
        )}
        <DeliveryActions delivery={delivery} ask={ask} />
      </header>
      <p class="dim">
        by the route {route}
        {transforms.length > 0 && `, through ${transforms.join(', ')}`}, id <code>{id}</code>
      </p>
      {heldBack !== null && <p class="note warn">It waits: {heldBack}</p>}
      {gathered !== null && <p>{gatheredText(delivery)}</p>}
      {history.length === 0 && state !== 'gathered' && <p>No attempt yet.</p>}
      {isReplayed(delivery) && <p>Attempts: {attemptsText(delivery)}.</p>}
      {history.length > 0 && <Attempts history={history} />}
    </article>
  );
}

function isReplayed({ attempts, attemptsInAll }: CardProps['delivery']): boolean {
  return (attemptsInAll ?? attempts) > attempts;
}

function Attempts({ history }: { readonly history: readonly Attempt[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Attempt</th>
          <th scope="col">Started</th>
          <th scope="col">Took</th>
          <th scope="col">Outcome</th>
        </tr>
      </thead>
      <tbody>
        {history.map(({ number, startedAt, durationMs, outcome, reason, response }, index) => (
          <tr key={number}>
            <th scope="row">{number}</th>
            <td data-label="Started">
              <Moment iso={startedAt} />
            </td>
            <td data-label="Took">{duration(durationMs)}</td>
            <td data-label="Outcome">
              <Badge level={levelOfOutcome[outcome]}>{outcome}</Badge> {reason !== null && ends(reason)}
              {response !== null && response !== '' && (
                // What the last attempt failed with is what an operator looks for.
                <details open={index === history.length - 1 && outcome !== 'delivered'}>
                  <summary>Start of the response</summary>
                  <Source text={response} label={`Response of attempt ${number}`} />
                </details>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
