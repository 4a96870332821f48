/** The endpoints of the API, one row each: request, response, implementation. */

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
  storeJson,
} from '../api/mapping.js';
import { capture, refusalGroupList, refusedList } from '../api/refused-responses.js';
import * as question from '../api/requests.js';
import * as reply from '../api/responses.js';
import { iso } from '../api/responses.js';
import { status } from '../api/status-responses.js';
import { noSuchRow } from '../system/lists.js';
import { bulkEndpoints } from './bulk-endpoints.js';
import { changeEndpoints } from './change-endpoints.js';
import { configurationEndpoints } from './configuration-endpoints.js';
import { controlEndpoints, rowsOf, useOf } from './control-endpoints.js';
import { type Endpoint, endpoint } from './endpoint.js';
import { erasureEndpoints } from './erasure-endpoints.js';
import { liveEndpoints } from './live-endpoints.js';
import { sessionEndpoints } from './session-endpoints.js';
import { trialEndpoints } from './trial-endpoints.js';

const { nothing, timed, withParty } = question;

/** In the order of the document. */
export const endpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/events',
    summary: 'Events, newest first.',
    ...{ query: question.eventQuery, body: nothing, reply: eventList },
    refusals: ['NO_SUCH_ROW', 'TOO_MANY_SEARCHES', 'STORE_CANNOT_FILTER'],
    answer: async ({ query: { text, where, secret, unevaluated, last, duplicate, ...query }, isWaiting }, from) => {
      const { operations, searches, duplicates, nowMs } = from;
      const asked = timed({ ...withParty(query), ids: duplicate === true ? duplicates.ids() : undefined }, nowMs);
      const search = { text, where, secret, unevaluated, last: last ?? question.usuallyExamined };
      if (!question.isSearch(search)) {
        const { items, cursor } = await operations.events(asked);
        return { events: items.map(eventJson), cursor };
      }
      const found = await searches.find(search, asked, isWaiting);
      if (found.examined === 0) operations.checkNames(asked);
      return foundEventsJson(found);
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/events/{id}',
    summary: 'One event with its data, its deliveries and every attempt.',
    ...{ query: nothing, body: nothing, reply: reply.eventDetails, refusals: ['NOT_KEPT'] },
    answer: async ({ id }, { operations, status, duplicates }) =>
      eventDetailsJson(await operations.event(id), status.standings(), duplicates.of(id)),
  }),
  endpoint({
    method: 'GET',
    path: '/api/events/{id}/body',
    summary: 'The data of one event as they are kept, character by character.',
    ...{ query: nothing, body: nothing, reply: reply.eventBody, refusals: ['NOT_KEPT', 'BODY_REMOVED'] },
    answer: async ({ id }, { operations }) => ({ body: await operations.body(id) }),
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
    answer: async ({ query }, { incomplete, operations }) => {
      const { items, cursor } = await incomplete.list(query);
      if (items.length === 0 && query.source !== undefined) operations.checkNames({ source: query.source });
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
    answer: async ({ id }, { operations, status }) =>
      deliveryDetailsJson(await operations.delivery(id), status.standings()),
  }),
  endpoint({
    method: 'POST',
    path: '/api/deliveries/{id}/replay',
    summary: 'Make one delivery again, now: whatever became of it, a pending retry included.',
    ...{ query: nothing, body: nothing, reply: reply.deliveryDetails },
    refusals: ['NOT_KEPT', 'WRONG_STATE', 'DESTINATION_GONE', 'BODY_REMOVED'],
    answer: async ({ id }, { operations, status }) =>
      deliveryDetailsJson(await operations.replay(id), status.standings()),
  }),
  endpoint({
    method: 'POST',
    path: '/api/deliveries/{id}/discard',
    summary: 'End a delivery that is waiting or dead: it is not to be made.',
    ...{ query: nothing, body: nothing, reply: reply.deliveryDetails, refusals: ['NOT_KEPT', 'WRONG_STATE'] },
    answer: async ({ id }, { operations, status }) =>
      deliveryDetailsJson(await operations.discard(id), status.standings()),
  }),
  ...bulkEndpoints,
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
        if (name !== undefined && !isCounted && !known.includes(name)) throw noSuchRow(kind, name, known);
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
