/** The endpoints that change all deliveries that match a filter, and follow or cancel such a change. */
import type { z } from 'zod';
import type { Replay } from '../admin/bulk-replay.js';
import {
  bulkFilterOf,
  discard,
  discardBody,
  discardJson,
  discardList,
  replay,
  replayBody,
  replayJson,
  replayList,
} from '../api/bulk-changes.js';
import { nothing } from '../api/requests.js';
import { type Answering, type Endpoint, endpoint } from './endpoint.js';

export const bulkEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/replay',
    summary: 'Replay many deliveries, at a pace, the oldest first. A long one goes on after the reply.',
    ...{ query: nothing, body: replayBody, reply: replay, refusals: ['REPLAY_RUNNING'] },
    answer: async ({ body: { filter, all: _, ...body } }, from) => {
      const chosen = bulkFilterOf(filter, body.reroute, from.nowMs);
      return replayed(await from.operations.replays.start({ ...body, filter: chosen }), from);
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/replays',
    summary: 'The latest replays since the router was started.',
    ...{ query: nothing, body: nothing, reply: replayList, refusals: [] },
    answer: async (_, from) => ({
      replays: await Promise.all(from.operations.replays.list().map((one) => replayed(one, from))),
    }),
  }),
  ...oneOf('replay', replay, {
    get: async (id, from) => replayed(from.operations.replays.get(id), from),
    cancel: async (id, from) => replayed(await from.operations.replays.cancel(id), from),
  }),
  endpoint({
    method: 'POST',
    path: '/api/discard',
    summary: 'End many deliveries that are dead or waiting, at a pace. A long one goes on after the reply.',
    ...{ query: nothing, body: discardBody, reply: discard, refusals: ['DISCARD_RUNNING'] },
    answer: async ({ body: { filter, all: _, ...body } }, { operations, nowMs }) =>
      discardJson(await operations.discards.start({ ...body, filter: bulkFilterOf(filter, false, nowMs) })),
  }),
  endpoint({
    method: 'GET',
    path: '/api/discards',
    summary: 'The latest discards of many since the router was started.',
    ...{ query: nothing, body: nothing, reply: discardList, refusals: [] },
    answer: async (_, { operations }) => ({ discards: operations.discards.list().map(discardJson) }),
  }),
  ...oneOf('discard', discard, {
    get: async (id, { operations }) => discardJson(operations.discards.get(id)),
    cancel: async (id, { operations }) => discardJson(await operations.discards.cancel(id)),
  }),
];

async function replayed(change: Replay, { operations, status }: Answering): Promise<z.input<typeof replay>> {
  return replayJson(change, await operations.replays.outcomes(change.id), status.standings());
}

interface Of<R> {
  get(id: string, from: Answering): Promise<R>;
  cancel(id: string, from: Answering): Promise<R>;
}

/** One change of many: how far it is, and its end by an operator. */
function oneOf<R extends z.ZodType>(noun: string, reply: R, { get, cancel }: Of<z.input<R>>): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: `/api/${noun}s/{id}`,
      summary: `How far a ${noun} is.`,
      ...{ query: nothing, body: nothing, reply, refusals: ['NOT_KEPT'] },
      answer: async ({ id }, from) => get(id, from),
    }),
    endpoint({
      method: 'POST',
      path: `/api/${noun}s/{id}/cancel`,
      summary: `End a ${noun} that runs. What it has changed stays changed.`,
      ...{ query: nothing, body: nothing, reply, refusals: ['NOT_KEPT', 'WRONG_STATE'] },
      answer: async ({ id }, from) => cancel(id, from),
    }),
  ];
}
