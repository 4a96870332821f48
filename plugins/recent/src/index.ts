/** The resolver `recent` for Switchhook: the caller's history in the store of the router. */
import {
  Clock,
  definePlugin,
  defineResolver,
  duration,
  isKnownCaller,
  type JsonObject,
  type PastEvent,
  StoreReader,
  z,
} from '@switchhook/sdk';

const recent = defineResolver({
  type: 'recent',
  description: "The caller's history in the router's own store: number of calls and events, and the last event.",
  options: z.strictObject({
    within: duration('Period of the history; at most `store.retention`.').prefault('30d'),
    limit: z.int().min(1).max(1_000).default(100).meta({ description: 'Most calls and events of one caller.' }),
  }),
  inject: { store: StoreReader, clock: Clock },
  create: ({ within, limit }, { store, clock }) => ({
    async resolve(call) {
      if (!isKnownCaller(call)) return {};
      return summaryOf(await store.history(call.from, { sinceMs: clock.now() - within, limit }));
    },
  }),
});

/** `events`: newest first. */
function summaryOf(events: readonly PastEvent[]): JsonObject {
  const [newest, oldest] = [events[0], events.at(-1)];
  if (newest === undefined || oldest === undefined) return {};
  const calls = events.filter(({ isCall }) => isCall).length;
  const last = events.find(({ isCall }) => !isCall);
  return {
    calls,
    events: events.length - calls,
    first_at: oldest.receivedAt,
    last_at: newest.receivedAt,
    ...(last !== undefined && lastEvent(last)),
  };
}

/** The fields of the newest event that is not a call, as far as it has them. */
function lastEvent({ type, subject, agent, data }: PastEvent): JsonObject {
  return {
    last_type: type,
    ...(subject !== null && { last_subject: subject }),
    ...(agent !== null && { last_agent: agent }),
    ...(typeof data.status === 'string' && { last_status: data.status }),
    ...(typeof data.duration === 'number' && { last_duration: data.duration }),
  };
}

export default definePlugin({ name: '@switchhook/plugin-recent', components: [recent] });
