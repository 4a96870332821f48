/** `http.fetch`: asks an HTTP service about an event, and emits the reply as an event. */
import {
  Clock,
  type Delivery,
  defineDestination,
  deliveryScope,
  Emitter,
  type EventDraft,
  type Expression,
  expression,
  type FetchResponse,
  HttpClient,
  isExpressionError,
  type JsonObject,
  type JsonValue,
  OutcomeError,
  outcomeOf,
  outcomeOfFailure,
  rejected,
  type Scope,
  scopes,
  sentTimeMs,
  size,
  template,
  text,
  z,
} from '@switchhook/sdk';
import { headers } from './headers.js';
import { previewOf } from './preview.js';
import { bodyOf, type Content, reachHost, send } from './request.js';
import { allowPrivate, reportForbidden, url } from './url.js';

/** Of the type of an event. */
const longestType = 128;
const ofReply = [...scopes.destination, 'reply'];

const options = z
  .strictObject({
    url: url(
      'URL of the request. Values of `${{ }}` are percent-encoded, unless the URL starts with one.',
      scopes.destination,
    ),
    method: z.enum(['GET', 'POST']).default('GET').meta({ description: 'HTTP method.' }),
    headers: headers('Headers to add or replace; values may contain `${{ }}`.', scopes.destination),
    body: template('Body: a text is sent as it is, everything else as JSON. Default: none.').optional(),
    when: expression(
      'Whether the reply is complete. If not, the request is repeated, as `retry` says. Default: every reply is.',
      ofReply,
      'bool',
    ).optional(),
    type: text('Type of the event.', ofReply),
    data: template('Data of the event, an object. Default: the reply.', ofReply).optional(),
    occurredAt: template(
      'When it happened, in any common form of a time. Default: the time at which it is emitted.',
      ofReply,
    ).optional(),
    maxBytes: size('Longest reply.').prefault('1mb'),
    allowPrivate,
  })
  .superRefine(reportForbidden);

type Options = z.output<typeof options>;

export const fetch = defineDestination({
  type: 'http.fetch',
  description: 'Asks an HTTP service about an event, and emits its reply as an event.',
  options,
  emits: [],
  inject: { http: HttpClient, clock: Clock, emitter: Emitter },
  create: (own, { http, clock, emitter }) => ({
    deliver: async (delivery, signal) => {
      try {
        const content = { ...contentFor(own, delivery), limits: { signal, maxBytes: own.maxBytes } };
        const response = await send(http, own, deliveryScope(delivery), content);
        const outcome = outcomeOf(response, clock.now());
        if (outcome.kind !== 'delivered') return outcome;
        await emitter.emit([draftOf(own, delivery, replyIn(response))]);
        return outcome;
      } catch (error) {
        return outcomeOfFailure(error);
      }
    },
    preview: (delivery) => previewOf(own, deliveryScope(delivery), contentFor(own, delivery)),
    probe: (signal) => reachHost(http, own, signal),
  }),
});

function contentFor({ body }: Options, delivery: Delivery): Content {
  return {
    body: body === undefined ? undefined : bodyOf(body.render(deliveryScope(delivery))),
    defaults: { accept: 'application/json' },
  };
}

function replyIn(response: FetchResponse): JsonValue {
  if (response.truncated)
    throw new OutcomeError({ kind: 'unavailable', reason: 'the reply is longer than maxBytes, or broke off' });
  try {
    return response.json();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The parser's own words quote the reply, which is personal data.
    throw rejected('the reply is not JSON');
  }
}

/** Throws an `OutcomeError` where the reply is not complete yet, or no event can be made of it. */
function draftOf(own: Options, { event, ...delivery }: Delivery, reply: JsonValue): EventDraft {
  const scope: Scope = { ...deliveryScope({ event, ...delivery }), reply };
  const missing = own.when === undefined ? null : whyIncomplete(own.when, scope);
  if (missing !== null)
    throw new OutcomeError({ kind: 'unavailable', reason: `the reply is not complete yet: ${missing}` });
  const type = own.type.render(scope).trim();
  if (type === '' || type.length > longestType) throw rejected(`type has no text of 1 to ${longestType} characters`);
  const data = own.data === undefined ? reply : own.data.render(scope);
  if (!isObject(data)) throw rejected(`${own.data === undefined ? 'the reply' : 'data'} is no object`);
  const { subject, agent } = event;
  const occurredAtMs = sentTimeMs(own.occurredAt?.render(scope));
  return { key: `${type}:${event.id}`, type, subject, agent, occurredAtMs, data };
}

/** Null where the reply is complete. What is not there yet cannot be read, which is no fault of the condition. */
function whyIncomplete(when: Expression, scope: Scope): string | null {
  try {
    return when.evaluate(scope) === true ? null : 'when is false';
  } catch (error) {
    if (isExpressionError(error)) return `when: ${error.message}`;
    throw error;
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
