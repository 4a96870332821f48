/** The endpoints of the API, one row each: request, response, implementation. */

import { refuse } from '@switchhook/sdk';
import { didYouMean } from '@switchhook/sdk/internal';
import type { z } from 'zod';
import type { ReplayFilter } from '../admin/bulk-replay.js';
import { summaryOf, troublesOf } from '../admin/trouble.js';
import { callList } from '../api/call-responses.js';
import { eventList } from '../api/event-list.js';
import { history, historyJson } from '../api/history-responses.js';
import {
  callJson,
  deadGroupsJson,
  deliveryDetailsJson,
  deliveryJson,
  eventDetailsJson,
  eventJson,
  foundEventsJson,
  incompleteJson,
  refusalGroupJson,
  refusedJson,
  replayJson,
  storeJson,
} from '../api/mapping.js';
import { capture, refusalGroupList, refusedList } from '../api/refused-responses.js';
import * as question from '../api/requests.js';
import * as reply from '../api/responses.js';
import { iso } from '../api/responses.js';
import { status } from '../api/status-responses.js';
import { changeEndpoints } from './change-endpoints.js';
import { configurationEndpoints } from './configuration-endpoints.js';
import { controlEndpoints, rowsOf, useOf } from './control-endpoints.js';
import { type Endpoint, endpoint } from './endpoint.js';
import { erasureEndpoints } from './erasure-endpoints.js';
import { liveEndpoints } from './live-endpoints.js';
import { sessionEndpoints } from './session-endpoints.js';
import { trialEndpoints } from './trial-endpoints.js';

const { nothing } = question;

/** In the order of the document. */
export const endpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/events',
    summary: 'Events, newest first.',
    ...{ query: question.eventQuery, body: nothing, reply: eventList, refusals: ['NO_SUCH_ROW', 'TOO_MANY_SEARCHES'] },
    answer: async ({ query: { text, where, last, ...query }, isWaiting }, { operations, searches, nowMs }) => {
      const asked = timed(query, nowMs);
      if (text === undefined && where === undefined) {
        const { items, cursor } = await operations.events(asked);
        return { events: items.map(eventJson), cursor };
      }
      const found = await searches.find({ text, where, last: last ?? question.usuallyExamined }, asked, isWaiting);
      if (found.examined === 0) operations.checkNames(asked);
      return foundEventsJson(found);
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/events/{id}',
    summary: 'One event with its data, its deliveries and every attempt.',
    ...{ query: nothing, body: nothing, reply: reply.eventDetails, refusals: ['NOT_KEPT'] },
    answer: async ({ id }, { operations }) => eventDetailsJson(await operations.event(id)),
  }),
  endpoint({
    method: 'GET',
    path: '/api/duplicates',
    summary: 'Events that came again since the router started, the latest first; the last thousand.',
    ...{ query: question.duplicateQuery, body: nothing, reply: reply.duplicateList, refusals: [] },
    answer: async ({ query }, { duplicates: recent }) => {
      const { items, cursor } = recent.list(query);
      const duplicates = items.map(({ eventId: event, lastAtMs, ...rest }) => ({
        event,
        ...rest,
        lastAt: iso(lastAtMs),
      }));
      return { duplicates, cursor };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/calls',
    summary: 'Calls that were answered, newest first, and how.',
    ...{ query: question.callQuery, body: nothing, reply: callList, refusals: [] },
    answer: async ({ query }, { operations, nowMs }) => {
      const { items, cursor } = await operations.calls(timed(query, nowMs));
      return { calls: items.flatMap(callJson), cursor };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/deliveries',
    summary: 'Deliveries, newest first.',
    ...{ query: question.deliveryQuery, body: nothing, reply: reply.deliveryList, refusals: ['NO_SUCH_ROW'] },
    answer: async ({ query: { event: eventId, ...query } }, { operations, nowMs }) => {
      const { items, cursor } = await operations.deliveries(timed({ ...query, eventId }, nowMs));
      return { deliveries: items.map(deliveryJson), cursor };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/dead',
    summary: 'Dead deliveries, counted by destination and failure. Discarded ones only with reason: discarded.',
    ...{ query: question.deadQuery, body: nothing, reply: reply.deadGroupList, refusals: ['NO_SUCH_ROW'] },
    answer: async ({ query: { event: eventId, ...query } }, { operations, nowMs }) =>
      deadGroupsJson(await operations.deadGroups(timed({ ...query, eventId }, nowMs))),
  }),
  endpoint({
    method: 'GET',
    path: '/api/incomplete',
    summary: 'Conversations of which an event did not arrive in the time that `followedBy` sets, the latest first.',
    ...{ query: question.incompleteQuery, body: nothing, reply: reply.incompleteList, refusals: ['NO_SUCH_ROW'] },
    answer: async ({ query: { source, ...part } }, { incomplete, operations }) => {
      const named = source === undefined ? {} : { source };
      const { items, cursor } = await incomplete.list({ ...part, ...named });
      if (items.length === 0) operations.checkNames(named);
      return { conversations: items.map(incompleteJson), cursor };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/refused',
    summary: 'Requests to sources that were refused since the router started, the latest first; the last thousand.',
    ...{ query: question.refusedQuery, body: nothing, reply: refusedList, refusals: ['NO_SUCH_ROW'] },
    answer: async ({ query }, { operations, nowMs }) => {
      const { items, cursor } = operations.refused(timed(query, nowMs));
      return { requests: items.map(refusedJson), cursor };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/refused/groups',
    summary:
      'All requests to sources that were refused since the router started, counted by source, agent, code and reason.',
    ...{ query: question.refusedFilter, body: nothing, reply: refusalGroupList, refusals: ['NO_SUCH_ROW'] },
    answer: async ({ query }, { operations, nowMs }) => ({
      groups: operations.refusedGroups(timed(query, nowMs)).map(refusalGroupJson),
    }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/refused/{id}/capture',
    summary: 'A refused request as it came, without secrets, if its source has capture: true.',
    ...{ query: nothing, body: nothing, reply: capture, refusals: ['NOT_KEPT'] },
    answer: async ({ id }, { operations }) => {
      const { file, masked } = operations.capture(id);
      return { id, file: Buffer.from(file).toString('base64'), masked };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/deliveries/{id}',
    summary: 'One delivery with every attempt.',
    ...{ query: nothing, body: nothing, reply: reply.deliveryDetails, refusals: ['NOT_KEPT'] },
    answer: async ({ id }, { operations }) => deliveryDetailsJson(await operations.delivery(id)),
  }),
  endpoint({
    method: 'POST',
    path: '/api/deliveries/{id}/replay',
    summary: 'Make one delivery again, now: whatever became of it, a pending retry included.',
    ...{ query: nothing, body: nothing, reply: reply.deliveryDetails },
    refusals: ['NOT_KEPT', 'WRONG_STATE', 'DESTINATION_GONE', 'BODY_REMOVED'],
    answer: async ({ id }, { operations }) => deliveryDetailsJson(await operations.replay(id)),
  }),
  endpoint({
    method: 'POST',
    path: '/api/deliveries/{id}/discard',
    summary: 'End a delivery that is waiting or dead: it is not to be made.',
    ...{ query: nothing, body: nothing, reply: reply.deliveryDetails, refusals: ['NOT_KEPT', 'WRONG_STATE'] },
    answer: async ({ id }, { operations }) => deliveryDetailsJson(await operations.discard(id)),
  }),
  endpoint({
    method: 'POST',
    path: '/api/replay',
    summary: 'Replay many deliveries, at a pace, the oldest first. A long one goes on after the reply.',
    ...{ query: nothing, body: question.replayBody, reply: reply.replay, refusals: ['REPLAY_RUNNING'] },
    answer: async ({ body: { filter, ...body } }, { operations, nowMs }) =>
      replayJson(await operations.replays.start({ ...body, filter: replayFilter(filter, body.reroute, nowMs) })),
  }),
  endpoint({
    method: 'GET',
    path: '/api/replays',
    summary: 'The latest replays since the router was started.',
    ...{ query: nothing, body: nothing, reply: reply.replayList, refusals: [] },
    answer: async (_, { operations }) => ({ replays: operations.replays.list().map(replayJson) }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/replays/{id}',
    summary: 'How far a replay is.',
    ...{ query: nothing, body: nothing, reply: reply.replay, refusals: ['NOT_KEPT'] },
    answer: async ({ id }, { operations }) => replayJson(operations.replays.get(id)),
  }),
  ...trialEndpoints,
  endpoint({
    method: 'GET',
    path: '/api/status',
    summary: 'The state of the router, its store and each destination.',
    ...{ query: nothing, body: nothing, reply: status, refusals: [] },
    answer: async (_, { status: reader, info, pruned, retention }) => {
      const current = await reader.read();
      const { nowMs, uptimeMs, generation } = current;
      const { version, node, file } = info;
      return {
        ...{ version, node, now: iso(nowMs), uptimeSeconds: uptimeMs / 1_000 },
        ...{ summary: summaryOf(current), troubles: troublesOf(current) },
        configuration: { file, generation: generation.number, since: iso(generation.sinceMs) },
        store: { use: useOf(info, 'store', 'store') ?? '', ...storeJson(current, pruned(), retention()) },
        process: current.load,
        ...rowsOf(current, info),
      };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/history',
    summary: 'What happened in the last 48 hours, minute by minute; the last hour without `since`.',
    ...{ query: question.historyQuery, body: nothing, reply: history, refusals: ['NO_SUCH_ROW', 'STORE_UNAVAILABLE'] },
    answer: async ({ query }, { history: reader, info, nowMs }) => {
      const { step: stepMs, sinceMs = nowMs - 3_600_000, untilMs, ...names } = timed(query, nowMs);
      const series = await reader.read({ ...names, sinceMs, untilMs, stepMs });
      for (const kind of ['source', 'destination'] as const) {
        const name = names[kind];
        const known = info.components.filter((one) => one.kind === kind).map((one) => one.name);
        const isCounted = series[`${kind}s`].length > 0;
        if (name !== undefined && !isCounted && !known.includes(name))
          throw refuse('NO_SUCH_ROW', `no ${kind} "${name}" is configured${didYouMean(name, known)}`);
      }
      return historyJson(series, { stepMs, untilMs: Math.min(untilMs ?? nowMs, nowMs) });
    },
  }),
  ...liveEndpoints,
  ...controlEndpoints('destination'),
  ...controlEndpoints('resolver'),
  ...changeEndpoints,
  ...configurationEndpoints,
  ...erasureEndpoints,
  ...sessionEndpoints,
];

type Timed = {
  readonly [K in 'since' | 'until' | 'settledSince' | 'settledUntil']?: question.Instant | undefined;
};
type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** A query for the store: points in time counted from now, and only what is given. */
function timed<T extends Timed>({ since, until, settledSince, settledUntil, ...rest }: T, nowMs: number) {
  const msOf = (instant: question.Instant | undefined) =>
    instant === undefined ? undefined : question.atMs(instant, nowMs);
  const all = {
    ...{ ...rest, sinceMs: msOf(since), untilMs: msOf(until) },
    ...{ settledSinceMs: msOf(settledSince), settledUntilMs: msOf(settledUntil) },
  };
  // What is left out is not there, instead of being undefined.
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Given<typeof all>;
}

function replayFilter(
  filter: z.output<typeof question.replayBody>['filter'],
  reroute: boolean,
  nowMs: number,
): ReplayFilter {
  const { state, reason, destination, route, event: eventId, settledSince, settledUntil, ...ofBoth } = filter;
  const { since, until, ...ofEvents } = ofBoth;
  const asked = reroute ? {} : { state: state ?? ('dead' as const), reason, since, until, settledSince, settledUntil };
  const events = timed({ ...ofEvents, since, until }, nowMs);
  return {
    deliveries: timed({ ...asked, destination, route, eventId }, nowMs),
    events: reroute || Object.values(ofEvents).some((condition) => condition !== undefined) ? events : null,
  };
}
