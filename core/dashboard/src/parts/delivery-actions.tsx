/** The buttons of one delivery. Each asks first: after the change another row may be where the pointer is, and a second click would be for that one. */
import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../model/api.js';
import { changeOfDelivery } from '../model/deliveries.js';
import type { Delivery } from '../model/replies.js';
import { Action } from './actions.js';
import { Dialog } from './dialog.js';

/** What an operator wants to do with one delivery. */
interface Asked {
  readonly verb: 'replay' | 'discard';
  readonly delivery: Delivery;
}

type Ask = (asked: Asked) => void;

/** The dialog that asks, and how to open it. It belongs to a list, not to a row: that may go while it is open. `changed`: called after a change. */
export function useDeliveryQuestion(changed: () => void): { readonly ask: Ask; readonly dialog: ComponentChild } {
  const [asked, ask] = useState<Asked | null>(null);
  const close = (): void => ask(null);
  return { ask, dialog: asked !== null && <Question asked={asked} changed={changed} close={close} /> };
}

interface QuestionProps {
  readonly asked: Asked;
  readonly changed: () => void;
  readonly close: () => void;
}

function Question({ asked: { verb, delivery }, changed, close }: QuestionProps) {
  const { title, question, button, done } = changeOfDelivery(verb, delivery);
  const run = async (): Promise<string> => {
    await api(`deliveries/${encodeURIComponent(delivery.id)}/${verb}`, { method: 'POST' });
    changed();
    close();
    return done;
  };
  return (
    <Dialog title={title} close={close}>
      <p>{question}</p>
      <div class="buttons">
        <Action kind={verb === 'discard' ? 'danger' : 'main'} run={run}>
          {button}
        </Action>
        <button type="button" onClick={close}>
          Cancel
        </button>
      </div>
    </Dialog>
  );
}

/** The buttons that open the dialog. */
export function DeliveryActions({ delivery, ask }: { readonly delivery: Delivery; readonly ask: Ask }) {
  const { state, reason, destination, subject, type } = delivery;
  const which = `the delivery of ${type}${subject === null ? '' : ` ${subject}`} to ${destination}`;
  const isOpen = state === 'waiting' || (state === 'dead' && reason !== 'discarded');
  return (
    <div class="buttons">
      {state !== 'running' && (
        <button type="button" aria-label={`Replay ${which}`} onClick={() => ask({ verb: 'replay', delivery })}>
          Replay…
        </button>
      )}
      {isOpen && (
        <button
          type="button"
          class="danger"
          aria-label={`Discard ${which}`}
          onClick={() => ask({ verb: 'discard', delivery })}
        >
          Discard…
        </button>
      )}
    </div>
  );
}
