/** What a list says of single deliveries, and what is asked before one is changed. */
import { api } from './api.js';
import type { Delivery, RouterEvent } from './replies.js';

/** Texts of the dialog of one change. */
export interface ChangeOfDelivery {
  readonly title: string;
  /** What happens. */
  readonly question: string;
  readonly button: string;
  /** Announced after it. */
  readonly done: string;
}

/** Whether it has not ended. */
export function isOpen({ state }: Pick<Delivery, 'state'>): boolean {
  return state === 'waiting' || state === 'running';
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

/** What became of the deliveries of an event: the worst of their states, and a text such as `1 of 3 dead`. */
export interface Outcome {
  readonly worst: Pick<Delivery, 'state' | 'reason'> | null;
  readonly text: string;
}

/** An event of a list. `outcome`: null where its deliveries were not read. */
export interface ListedEvent extends RouterEvent {
  readonly outcome: Outcome | null;
}

/** Deliveries that are read for a page of events, at most. */
const mostRead = 500;
/** A delivery is made after its event was received; the clock of a router may be set back between the two. */
const slackMs = 1_000;
/** Worst first. */
const states = ['dead', 'waiting', 'running', 'delivered', 'gathered', 'skipped', 'discarded'];

/** Reads what became of a page of events, newest first, in one request: the latest deliveries since its oldest event. */
export async function withOutcomes(
  events: readonly RouterEvent[],
  signal: AbortSignal,
): Promise<readonly ListedEvent[]> {
  const oldest = events.at(-1);
  if (oldest === undefined) return [];
  const since = new Date(Date.parse(oldest.receivedAt) - slackMs).toISOString();
  const { deliveries, cursor } = await api<{
    readonly deliveries: readonly Delivery[];
    readonly cursor: string | null;
  }>('deliveries', { query: { since, limit: String(mostRead) }, signal });
  return outcomesOfEvents(events, deliveries, cursor !== null);
}

/** Adds the outcomes. `more`: there are older deliveries than these, so those of older events are not all known. */
export function outcomesOfEvents(
  events: readonly RouterEvent[],
  deliveries: readonly Delivery[],
  more: boolean,
): readonly ListedEvent[] {
  const fromMs = more ? Date.parse(deliveries.at(-1)?.createdAt ?? '9999-01-01') + slackMs : Number.NEGATIVE_INFINITY;
  const ofEvents = new Map<string, Delivery[]>(events.map(({ id }) => [id, []]));
  for (const delivery of deliveries) ofEvents.get(delivery.event)?.push(delivery);
  return events.map((event) => ({
    ...event,
    outcome: Date.parse(event.receivedAt) > fromMs ? outcomeOf(ofEvents.get(event.id) ?? []) : null,
  }));
}

function outcomeOf(deliveries: readonly Delivery[]): Outcome {
  const nameOf = ({ state, reason }: Delivery) => (reason === 'discarded' ? reason : state);
  const name = states.find((one) => deliveries.some((delivery) => nameOf(delivery) === one));
  const same = deliveries.filter((delivery) => nameOf(delivery) === name);
  if (name === undefined) return { worst: null, text: 'no route matched' };
  return {
    worst: same[0] ?? null,
    text: same.length === deliveries.length ? name : `${same.length} of ${deliveries.length} ${name}`,
  };
}
