/** One delivery with each attempt, and what can be done with it. */
import { api } from '../model/api.js';
import type { Attempt, DeliveryDetails } from '../model/replies.js';
import { attemptsText, duration, ends, gatheredText } from '../model/wording.js';
import { Action } from './actions.js';
import { Badge, levelOfOutcome, Moment, State, Time } from './text.js';
import { Source } from './tree.js';

interface CardProps {
  readonly delivery: DeliveryDetails;
  readonly changed: () => void;
}

export function DeliveryCard({ delivery, changed }: CardProps) {
  const { id, destination, route, state, history, dueAt, transforms, gathered, heldBack } = delivery;
  return (
    <article class="card" aria-label={`Delivery to ${destination}`}>
      <header>
        <h3>{destination}</h3>
        <State of={delivery} />
        {state === 'waiting' && dueAt !== null && (
          <span class="dim">
            due <Time iso={dueAt} />
          </span>
        )}
        <DeliveryActions delivery={delivery} changed={changed} />
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

/** The buttons of a delivery. */
export function DeliveryActions({
  delivery,
  changed,
}: {
  readonly delivery: Pick<DeliveryDetails, 'id' | 'destination' | 'state' | 'reason'>;
  readonly changed: () => void;
}) {
  const { id, destination, state, reason } = delivery;
  const post = async (verb: 'replay' | 'discard', done: string): Promise<string> => {
    await api(`deliveries/${encodeURIComponent(id)}/${verb}`, { method: 'POST' });
    changed();
    return done;
  };
  const isOpen = state === 'waiting' || (state === 'dead' && reason !== 'discarded');
  return (
    <div class="buttons">
      {state !== 'running' && (
        <Action
          label={`Replay the delivery to ${destination}`}
          run={() => post('replay', `The delivery to ${destination} is made again.`)}
        >
          Replay
        </Action>
      )}
      {isOpen && (
        <Action
          label={`Discard the delivery to ${destination}`}
          kind="danger"
          run={() => post('discard', `The delivery to ${destination} is discarded. A replay brings it back.`)}
        >
          Discard
        </Action>
      )}
    </div>
  );
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
        {history.map(({ number, startedAt, durationMs, outcome, reason, response }) => (
          <tr key={number}>
            <th scope="row">{number}</th>
            <td data-label="Started">
              <Moment iso={startedAt} />
            </td>
            <td data-label="Took">{duration(durationMs)}</td>
            <td data-label="Outcome">
              <Badge level={levelOfOutcome[outcome]}>{outcome}</Badge> {reason !== null && ends(reason)}
              {response !== null && response !== '' && (
                <details>
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
