/** Makes all deliveries of an event again, after a question: those that were delivered reach their destinations once more. */
import { useState } from 'preact/hooks';
import { ApiFailure, api } from '../model/api.js';
import type { Delivery } from '../model/replies.js';
import { count } from '../model/wording.js';
import { Action } from './actions.js';
import { Dialog } from './dialog.js';
import { State } from './text.js';

interface ReplayAllProps {
  /** Those that can be replayed. */
  readonly deliveries: readonly Delivery[];
  readonly changed: () => void;
}

/** The button, and its dialog. */
export function ReplayAll({ deliveries, changed }: ReplayAllProps) {
  const [isAsked, ask] = useState(false);
  const title = `Replay all ${deliveries.length} deliveries`;
  return (
    <>
      {deliveries.length > 1 && (
        <button type="button" onClick={() => ask(true)}>
          {title}…
        </button>
      )}
      {isAsked && (
        <Dialog title={title} close={() => ask(false)}>
          <Question deliveries={deliveries} changed={changed} close={() => ask(false)} />
        </Dialog>
      )}
    </>
  );
}

function Question({ deliveries, changed, close }: ReplayAllProps & { readonly close: () => void }) {
  const delivered = deliveries.filter(({ state }) => state === 'delivered').length;
  return (
    <>
      <ul>
        {deliveries.map((delivery) => (
          <li key={delivery.id}>
            {delivery.destination} <State of={delivery} />
          </li>
        ))}
      </ul>
      <p>
        All of them are made again, now.{' '}
        {delivered > 0 &&
          `${count(delivered, 'of them was delivered: its destination gets', 'of them were delivered: their destinations get')} the event once more, under the same delivery id.`}
      </p>
      <div class="buttons">
        <Action
          kind="main"
          run={async () => {
            const done = await replayed(deliveries, changed);
            close();
            return done;
          }}
        >
          Replay {count(deliveries.length, 'delivery', 'deliveries')}
        </Action>
        <button type="button" onClick={close}>
          Cancel
        </button>
      </div>
    </>
  );
}

/** One after the other. `changed` is called also where one of them fails. */
async function replayed(deliveries: ReplayAllProps['deliveries'], changed: () => void): Promise<string> {
  let made = 0;
  try {
    for (const { id } of deliveries) {
      await api(`deliveries/${encodeURIComponent(id)}/replay`, { method: 'POST' });
      made += 1;
    }
  } catch (error) {
    if (made === 0 || !(error instanceof ApiFailure)) throw error;
    const destination = deliveries[made]?.destination ?? '';
    throw new ApiFailure(
      `${made} of ${deliveries.length} deliveries are made again. The one to ${destination} is not: ${error.message}`,
      error.code,
    );
  } finally {
    changed();
  }
  return `${count(made, 'delivery is', 'deliveries are')} made again.`;
}
