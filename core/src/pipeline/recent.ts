/** `recent`: what this router itself knows of a caller, from its own store. */
import type { Resolver } from '../contract/component.js';
import type { JsonObject } from '../contract/json.js';
import type { EventRecord, Store } from '../contract/store.js';
import type { Clock } from '../contract/tools.js';
import { isKnownCaller } from './caller.js';
import { eventOf } from './events.js';

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

/** What an event that is no call tells about how it went, as far as it does. */
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
