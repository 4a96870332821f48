/** `recent`: the history of a caller in the router's own store. */
import {
  type Clock,
  type Component,
  duration,
  type EventRecord,
  type JsonObject,
  type Resolver,
  type Store,
} from '@switchhook/sdk';
import { z } from 'zod';
import { eventOf } from '../routing/event-record.js';
import { isKnownCaller } from './call-key.js';

interface Parts {
  readonly store: Pick<Store, 'events'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Names of the sources whose events are calls. */
  readonly callSources: readonly string[];
  readonly withinMs: number;
  readonly limit: number;
}

/** Makes the resolver. The present call is not counted: it becomes an event after its reply. */
export function recentResolver({ store, clock, callSources, withinMs, limit }: Parts): Resolver {
  const isCall = ({ source }: EventRecord): boolean => callSources.includes(source);
  return {
    async resolve(call) {
      if (!isKnownCaller(call)) return {};
      const { items } = await store.events({ party: call.from, sinceMs: clock.now() - withinMs, limit });
      const [newest, oldest] = [items[0], items.at(-1)];
      if (newest === undefined || oldest === undefined) return {};
      const calls = items.filter(isCall).length;
      const last = items.find((record) => !isCall(record));
      return {
        calls,
        events: items.length - calls,
        first_at: new Date(oldest.receivedAtMs).toISOString(),
        last_at: new Date(newest.receivedAtMs).toISOString(),
        ...(last !== undefined && outcomeOf(last)),
      };
    },
  };
}

/** How the newest event that is not a call ended, as far as it contains that. */
function outcomeOf(record: EventRecord): JsonObject {
  const { type, subject, agent, data } = eventOf(record);
  return {
    last_type: type,
    ...(subject !== null && { last_subject: subject }),
    ...(agent !== null && { last_agent: agent }),
    ...(typeof data.status === 'string' && { last_status: data.status }),
    ...(typeof data.duration === 'number' && { last_duration: data.duration }),
  };
}

const options = z.strictObject({
  within: duration('Period of the history; at most `store.retention`.').prefault('30d'),
  limit: z.int().min(1).max(1_000).default(100).meta({ description: 'Most calls and events of one caller.' }),
});

/** Its options, checked. */
export type RecentOptions = z.output<typeof options>;

/** `use: recent`, in a catalog. It cannot be made there: no component is given the store. */
export const recentComponent = recentMadeBy(() => {
  throw new Error('only a router can make recent');
});

/** The component a router uses in its place. */
export function recentMadeBy(make: (options: RecentOptions) => Resolver): Component<'resolver'> {
  const component: Component<'resolver', typeof options> = {
    kind: 'resolver',
    type: 'recent',
    description: "The caller's history in the router's own store: number of calls and events, and the last event.",
    options,
    create: make,
  };
  return component;
}
