/** What `switchhook dev` puts in the place of components: destinations that only show what they would get, and sources that take a body again after each save. */
import type { Component, Destination, EventDraft, Outcome, Source } from '@switchhook/sdk';

/** Each component has one replacement, so that a reload finds it unchanged. */
function replacing<T extends Component>(replacement: (component: T) => T): (component: T) => T {
  const made = new WeakMap<T, T>();
  return (component) => {
    const known = made.get(component) ?? replacement(component);
    made.set(component, known);
    return known;
  };
}

const delivered: Outcome = { kind: 'delivered' };

/** Made of its options as always, so that a mistake in `create` is found; never opened, and never asked to deliver. */
export const shownOnly = replacing<Component<'destination'>>((component) => ({
  ...component,
  create(options, services): Destination {
    const destination = component.create(options, services);
    // The router reports what is wrong with it.
    if (typeof destination?.deliver !== 'function') return destination;
    return {
      deliver: async () => delivered,
      deliverMany: async (deliveries) => deliveries.map(() => delivered),
      ...(destination.preview && { preview: destination.preview.bind(destination) }),
    };
  },
}));

/** Sources whose events and calls are new ones after each save, although their bodies are the same: `round` is added to keys of events. */
export function takenAnew(round: () => number): (component: Component<'source'>) => Component<'source'> {
  const anew = (event: EventDraft): EventDraft =>
    typeof event?.key === 'string' ? { ...event, key: `${event.key}#${round()}` } : event;
  return replacing((component) => ({
    ...component,
    create(options, services): Source {
      const source = component.create(options, services);
      if (typeof source?.receive !== 'function' || !Object.isExtensible(source)) return source;
      const receive = source.receive.bind(source);
      const value: Source['receive'] = async (request) => {
        const reception = await receive(request);
        if (reception?.kind === 'events' && Array.isArray(reception.events))
          return { ...reception, events: reception.events.map(anew) };
        // No later request about the call gets the same answer. What the contract does not allow, the router reports.
        return reception?.kind === 'call' ? { ...reception, event: anew(reception.event), retryMs: 0 } : reception;
      };
      return Object.defineProperty(source, 'receive', { value });
    },
  }));
}
