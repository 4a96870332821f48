/** The endpoints that explain events and bodies, and send a body as its platform would. */
import { type JsonObject, readJsonObject } from '@switchhook/sdk';
import { explanationJson, sentJson } from '../api/mapping.js';
import { nothing } from '../api/requests.js';
import { explanationList } from '../api/route-responses.js';
import * as question from '../api/trial-requests.js';
import { sampleList, sent } from '../api/trial-responses.js';
import { type Endpoint, endpoint } from './endpoint.js';

export const trialEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/samples',
    summary: 'Bodies to try each source with: those of `switchhook send`.',
    ...{ query: question.sampleQuery, body: nothing, reply: sampleList, refusals: ['NO_SUCH_ROW'] },
    answer: async ({ query: { source } }, { info, operations }) => {
      if (source !== undefined) operations.checkNames({ source });
      return { sources: info.samples.filter((one) => source === undefined || one.source === source) };
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/explain',
    summary:
      'Why an event goes where it goes, and what each destination would get. Of a call, also what its caller would get: its resolvers are asked. Nothing is sent or kept.',
    ...{ query: nothing, body: question.explainBody, reply: explanationList, refusals: ['NOT_KEPT'] },
    answer: async ({ body }, { operations, trials, status }) => {
      if ('subject' in body) {
        const { items, cursor } = await operations.conversation(body);
        const standings = status.standings();
        return { explanations: items.map((one) => explanationJson(one, standings)), cursor };
      }
      const explanations =
        'source' in body
          ? await trials.explain({ source: body.source, body: jsonIn(body.body) }, { answered: true })
          : await operations.explain(body);
      const standings = status.standings();
      return { explanations: explanations.map((one) => explanationJson(one, standings)), cursor: null };
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/send',
    summary:
      'Sign a body as its platform would, and hand it to its source like a request from outside: it is kept, routed and delivered, or its call is answered.',
    ...{ query: nothing, body: question.sendBody, reply: sent },
    refusals: ['NO_SUCH_ROW', 'SOURCE_CANNOT_SIGN'],
    answer: async ({ body: { body, text, by = '', ...given }, from }, { trials, intake }) => {
      const read = body === undefined ? readJsonObject(new TextEncoder().encode(text)) : jsonIn(body);
      const sending = { ...given, body: read, ...(text !== undefined && { text }), from };
      return sentJson(await trials.send({ ...sending, by: by || `the API, from ${from}` }, intake));
    },
  }),
];

/** A body that has been parsed from JSON holds nothing but JSON. */
function jsonIn(body: Readonly<Record<string, unknown>>): JsonObject {
  return body as JsonObject;
}
