/** The endpoints about erasures. */
import { erasureBody, erasureQuery } from '../api/erasure-requests.js';
import { erasure, erasureJson, erasureList, erasureRecordJson } from '../api/erasure-responses.js';
import { atMs, nothing } from '../api/requests.js';
import { type Endpoint, endpoint } from './endpoint.js';

export const erasureEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/erasures',
    summary: 'Erase all that is kept about a number, a conversation or an agent. A long one goes on after the reply.',
    ...{ query: nothing, body: erasureBody, reply: erasure, refusals: ['STORE_CANNOT_ERASE'] },
    answer: async (
      { body: { dryRun, by, since, until, number, subject, agent }, from },
      { operations: { erasures }, nowMs },
    ) => {
      const read = number === undefined ? null : erasures.numberOf(number);
      const filter = {
        ...(read !== null && { number: read }),
        ...(subject !== undefined && { subject }),
        ...(agent !== undefined && { agent }),
        ...(since !== undefined && { sinceMs: atMs(since, nowMs) }),
        ...(until !== undefined && { untilMs: atMs(until, nowMs) }),
      };
      return erasureJson(await erasures.start({ filter, dryRun, by: by ?? `the API, from ${from}` }), read);
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/erasures',
    summary: 'The records of all erasures: when, by whom and how much, without what was erased.',
    ...{ query: erasureQuery, body: nothing, reply: erasureList, refusals: [] },
    answer: async ({ query }, { operations: { erasures } }) => {
      const { items, cursor } = await erasures.list(query);
      return { erasures: items.map(erasureRecordJson), cursor };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/erasures/{id}',
    summary: 'How far an erasure or a dry run is, since the router started; and what was sent.',
    ...{ query: nothing, body: nothing, reply: erasure, refusals: ['NOT_KEPT'] },
    answer: async ({ id }, { operations: { erasures } }) => erasureJson(erasures.get(id)),
  }),
];
