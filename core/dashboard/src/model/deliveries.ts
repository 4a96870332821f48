/** What a list says of single deliveries, and what is asked before one is changed. */
import type { Delivery } from './replies.js';

/** Texts of the dialog of one change. */
export interface ChangeOfDelivery {
  readonly title: string;
  /** What happens. */
  readonly question: string;
  readonly button: string;
  /** Announced after it. */
  readonly done: string;
}

/** What an operator is asked before one delivery is replayed or discarded. */
export function changeOfDelivery(
  verb: 'replay' | 'discard',
  { type, subject, destination, route, state }: Delivery,
): ChangeOfDelivery {
  const event = subject === null ? type : `${type} of ${subject}`;
  const which = `${event}, to ${destination} by the route ${route}`;
  if (verb === 'discard')
    return {
      title: 'Discard a delivery',
      question: `${which}: it is not sent, until a replay brings it back.`,
      button: 'Discard it',
      done: `The delivery to ${destination} is discarded. A replay brings it back.`,
    };
  return {
    title: state === 'delivered' ? 'Send a delivery a second time' : 'Replay a delivery',
    question:
      state === 'delivered'
        ? `${which}: it was delivered. The destination gets the event once more, under the same delivery id.`
        : `${which}: it is sent again, now.`,
    button: state === 'delivered' ? 'Send it again' : 'Replay it',
    done: `The delivery to ${destination} is made again.`,
  };
}
