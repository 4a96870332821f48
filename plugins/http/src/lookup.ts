/** `http.lookup`: looks a caller up at an HTTP service. */
import {
  type Call,
  defineResolver,
  type Expression,
  expression,
  type FetchResponse,
  HttpClient,
  type JsonObject,
  type JsonValue,
  outcomeOf,
  scopes,
  template,
  z,
} from '@switchhook/sdk';
import { headers } from './headers.js';
import { bodyOf, reachHost, send } from './request.js';
import { allowPrivate, reportForbidden, url } from './url.js';

const maxReplyBytes = 262_144;

const options = z
  .strictObject({
    url: url(
      'The URL of the look-up. Values of `${{ }}` are percent-encoded, unless the URL starts with one.',
      scopes.resolver,
    ),
    method: z.enum(['GET', 'POST', 'PUT']).default('GET').meta({ description: 'HTTP method.' }),
    headers: headers('Headers to add or replace; values may contain `${{ }}`.', scopes.resolver),
    body: template(
      'Body: a text is sent as it is, everything else as JSON. Default: none.',
      scopes.resolver,
    ).optional(),
    pick: expression('The facts in the reply. Default: the whole reply, which then must be an object.', [
      'reply',
      'status',
      'call',
    ]).optional(),
    allowPrivate,
  })
  .superRefine(reportForbidden);

export const lookup = defineResolver({
  type: 'http.lookup',
  description: 'Looks a caller up in an HTTP service.',
  options,
  inject: { http: HttpClient },
  create: (target, { http }) => ({
    resolve: async (call, known, signal) => {
      const scope = { call, known };
      const response = await send(http, target, scope, {
        limits: { signal, maxBytes: maxReplyBytes },
        body: target.body === undefined ? undefined : bodyOf(target.body.render(scope)),
        defaults: { accept: 'application/json' },
      });
      return factsIn(response, call, target.pick);
    },
    probe: (signal) => reachHost(http, target, signal),
  }),
});

function factsIn(response: FetchResponse, call: Call, pick: Expression | undefined): JsonObject {
  const { status } = response;
  if (status === 404 || status === 204) return {};
  const outcome = outcomeOf(response, 0);
  if (outcome.kind !== 'delivered') throw new Error(outcome.reason);
  const reply = replyIn(response);
  return objectIn(pick === undefined ? reply : pick.evaluate({ reply, status, call }), pick === undefined);
}

function replyIn(response: FetchResponse): JsonValue {
  try {
    return response.json();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The parser's own words quote the reply, which is personal data.
    throw new Error('the reply is not JSON');
  }
}

/** Many services answer null for an unknown caller. */
function objectIn(value: JsonValue, whole: boolean): JsonObject {
  if (value === null) return {};
  if (typeof value === 'object' && !isList(value)) return value;
  throw new Error(`expected ${whole ? 'the reply' : 'what pick takes'} to be an object, found a ${nameOf(value)}`);
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function nameOf(value: JsonValue): string {
  return isList(value) ? 'list' : typeof value;
}
