/** The endpoints of the API, one row each: request, response, implementation. */

import type { Kind, RefusalCode } from '@switchhook/sdk';
import type { z } from 'zod';
import type { ReplayFilter } from '../admin/bulk-replay.js';
import type { ExplainQuestion, Operations } from '../admin/operations.js';
import type { StatusReader } from '../admin/status.js';
import {
  callJson,
  deliveryDetailsJson,
  deliveryJson,
  destinationStatusJson,
  eventDetailsJson,
  eventJson,
  explanationJson,
  iso,
  replayJson,
} from '../api/mapping.js';
import * as question from '../api/requests.js';
import * as reply from '../api/responses.js';
import { callList } from '../api/responses.js';
import type { RecentDuplicates } from '../ingest/duplicates.js';
import type { Route } from '../routing/routes.js';

/** What the API returns from the configuration alone. */
export interface RouterInfo {
  readonly version: string;
  readonly node: string;
  readonly routes: readonly Route[];
  /** Everything that is configured, the store included. */
  readonly components: readonly ComponentFacts[];
}

/** A component that is configured. */
export interface ComponentFacts {
  readonly kind: Kind;
  readonly name: string;
  readonly use: string;
  readonly description: string;
}

/** What endpoints answer from. */
export interface Answering {
  readonly operations: Operations;
  readonly status: StatusReader;
  readonly duplicates: RecentDuplicates;
  readonly info: RouterInfo;
  readonly nowMs: number;
}

/** A request, checked. */
interface Asked<Q, B> {
  /** What stands for `{id}` in the path; `''` where nothing does. */
  readonly id: string;
  readonly query: Q;
  readonly body: B;
}

/** One endpoint. */
export interface Endpoint<
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST';
  /** `{id}` stands for one segment. */
  readonly path: string;
  readonly summary: string;
  readonly query: Q;
  /** `nothing` where none is read. */
  readonly body: B;
  readonly reply: R;
  /** What it can refuse, beside what every endpoint can. */
  readonly refusals: readonly RefusalCode[];
  answer(asked: Asked<z.output<Q>, z.output<B>>, from: Answering): Promise<z.input<R>>;
}

const { nothing } = question;

/** In the order of the document. */
export const endpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/events',
    summary: 'Events, newest first.',
    ...{ query: question.eventQuery, body: nothing, reply: reply.eventList, refusals: [] },
    answer: async ({ query }, { operations, nowMs }) => {
      const { items, cursor } = await operations.events(timed(query, nowMs));
      return { events: items.map(eventJson), cursor };
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
    answer: async ({ query }, { duplicates }) => ({
      duplicates: duplicates.list(query).map(({ eventId: event, lastAtMs, ...rest }) => {
        return { event, ...rest, lastAt: new Date(lastAtMs).toISOString() };
      }),
    }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/calls',
    summary: 'Calls that were answered, newest first, and how.',
    ...{ query: question.callQuery, body: nothing, reply: callList, refusals: [] },
    answer: async ({ query }, { operations, nowMs }) => {
      const { calls, more } = await operations.calls(timed(query, nowMs));
      return { calls: calls.flatMap(callJson), more };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/deliveries',
    summary: 'Deliveries, newest first.',
    ...{ query: question.deliveryQuery, body: nothing, reply: reply.deliveryList, refusals: [] },
    answer: async ({ query: { event: eventId, ...query } }, { operations, nowMs }) => {
      const { items, cursor } = await operations.deliveries(timed({ ...query, eventId }, nowMs));
      return { deliveries: items.map(deliveryJson), cursor };
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
    refusals: ['NOT_KEPT', 'WRONG_STATE', 'DESTINATION_GONE'],
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
  endpoint({
    method: 'POST',
    path: '/api/explain',
    summary: 'Why an event goes where it goes, and what each destination would get. Nothing is sent.',
    ...{ query: nothing, body: question.explainBody, reply: reply.explanationList, refusals: ['NOT_KEPT'] },
    answer: async ({ body }, { operations }) => {
      // A body that has been parsed from JSON holds nothing but JSON.
      const explanations = await operations.explain(body as ExplainQuestion);
      return { explanations: explanations.map(explanationJson) };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/status',
    summary: 'The state of the router, its store and each destination.',
    ...{ query: nothing, body: nothing, reply: reply.status, refusals: [] },
    answer: async (_, { status, info: { version, node, components } }) => {
      const { nowMs, uptimeMs, storeFailure, destinations } = await status.read();
      const use = (kind: Kind, name: string) =>
        components.find((component) => component.kind === kind && component.name === name)?.use ?? null;
      return {
        ...{ version, node, now: iso(nowMs), uptimeSeconds: uptimeMs / 1_000 },
        store: { use: use('store', 'store') ?? '', canCommit: storeFailure === null, reason: storeFailure },
        destinations: destinations.map((destination) =>
          destinationStatusJson(destination, use('destination', destination.destination), nowMs),
        ),
      };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/routes',
    summary: 'The routes, in the order of the file.',
    ...{ query: nothing, body: nothing, reply: reply.routeList, refusals: [] },
    answer: async (_, { info }) => ({
      routes: info.routes.map(({ name, from, on, where, to, transforms }) => {
        return { name, from, on, where: where?.text ?? null, to, transforms };
      }),
    }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/components',
    summary: 'The components that are configured.',
    ...{ query: nothing, body: nothing, reply: reply.componentList, refusals: [] },
    answer: async (_, { info }) => ({ components: info.components }),
  }),
];

function endpoint<Q extends z.ZodObject, B extends z.ZodType, R extends z.ZodType>(one: Endpoint<Q, B, R>): Endpoint {
  // The types hold between the schemas and the answer of one endpoint; outside, every endpoint takes a request that was checked already.
  return one as unknown as Endpoint;
}

type Timed = { readonly since?: question.Instant | undefined; readonly until?: question.Instant | undefined };
type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** A query for the store: points in time counted from now, and only what is given. */
function timed<T extends Timed>({ since, until, ...rest }: T, nowMs: number) {
  const msOf = (instant: question.Instant | undefined) =>
    instant === undefined ? undefined : 'atMs' in instant ? instant.atMs : nowMs - instant.agoMs;
  const all = { ...rest, sinceMs: msOf(since), untilMs: msOf(until) };
  // What is left out is not there, instead of being undefined.
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Given<typeof all>;
}

function replayFilter(
  filter: z.output<typeof question.replayBody>['filter'],
  reroute: boolean,
  nowMs: number,
): ReplayFilter {
  const { state, reason, destination, route, event: eventId, since, until, ...ofEvents } = filter;
  const asked = reroute ? {} : { state: state ?? ('dead' as const), reason, since, until };
  const events = timed({ ...ofEvents, since, until }, nowMs);
  return {
    deliveries: timed({ ...asked, destination, route, eventId }, nowMs),
    events: reroute || Object.values(ofEvents).some((condition) => condition !== undefined) ? events : null,
  };
}
