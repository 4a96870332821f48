/** Resolvers and stores as the pipeline has them, which may be before they are open: then they say why they are not. */
import type { Resolver } from '../contract/component.js';
import type { Store } from '../contract/store.js';
import { notReady } from '../not-ready.js';
import { refuse } from '../refusal.js';
import type { Opening } from './opening.js';

/** The resolver; until it is open every look-up fails. */
export function resolverOnceOpen(resolver: Resolver, opening: Opening): Resolver {
  return {
    resolve: (...asked) =>
      opening.failure === null ? resolver.resolve(...asked) : Promise.reject(notReady(`it ${opening.failure}`)),
  };
}

/** The store; until it is open everything that is asked of it is refused as `STORE_UNAVAILABLE`. */
export function storeOnceOpen(store: Store, opening: Opening): Store {
  const onceOpen =
    <Given extends unknown[], Answer>(ask: (...given: Given) => Promise<Answer>) =>
    (...given: Given): Promise<Answer> =>
      opening.failure === null
        ? ask.apply(store, given)
        : Promise.reject(refuse('STORE_UNAVAILABLE', `the store ${opening.failure}`));
  return {
    append: onceOpen(store.append),
    claim: onceOpen(store.claim),
    settle: onceOpen(store.settle),
    event: onceOpen(store.event),
    events: onceOpen(store.events),
    delivery: onceOpen(store.delivery),
    deliveries: onceOpen(store.deliveries),
    attempts: onceOpen(store.attempts),
    replay: onceOpen(store.replay),
    extend: onceOpen(store.extend),
    discard: onceOpen(store.discard),
    prune: onceOpen(store.prune),
    backlog: onceOpen(store.backlog),
  };
}
