/** `http.post`: sends an event as an HTTP request. */
import {
  Clock,
  type Delivery,
  defineDestination,
  deliveryScope,
  type Event,
  excerptLimits,
  HttpClient,
  type JsonObject,
  outcomeOf,
  outcomeOfFailure,
  scopes,
  template,
  z,
} from '@switchhook/sdk';
import { headers } from './headers.js';
import { previewOf } from './preview.js';
import { bodyOf, type Content, reachHost, send } from './request.js';
import { signed, signingSecret } from './signing.js';
import { allowPrivate, reportForbidden, url } from './url.js';

const options = z
  .strictObject({
    url: url(
      'URL of the request. Values of `${{ }}` are percent-encoded, unless the URL starts with one.',
      scopes.destination,
    ),
    method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE', 'GET']).default('POST').meta({ description: 'HTTP method.' }),
    headers: headers('Headers to add or replace; values may contain `${{ }}`.', scopes.destination, [
      'webhook-id',
      'webhook-timestamp',
      'webhook-signature',
    ]),
    body: template(
      'Body: a text is sent as it is, everything else as JSON. Default: the event, for a route with `wait` with the list `events` in it; nothing for GET and DELETE.',
    ).optional(),
    sign: signingSecret('Secret of a Standard Webhooks signature: `whsec_` and base64, or any other text.').optional(),
    allowPrivate,
  })
  .superRefine(reportForbidden);

export const post = defineDestination({
  type: 'http.post',
  description: 'Sends the event as an HTTP request, optionally signed.',
  options,
  inject: { http: HttpClient, clock: Clock },
  create: (target, { http, clock }) => ({
    deliver: async (delivery, signal) => {
      try {
        const content = { ...contentFor(target, delivery, clock.now()), limits: { ...excerptLimits, signal } };
        const response = await send(http, target, deliveryScope(delivery), content);
        return outcomeOf(response, clock.now());
      } catch (error) {
        return outcomeOfFailure(error);
      }
    },
    preview: (delivery) => previewOf(target, deliveryScope(delivery), contentFor(target, delivery, clock.now())),
    probe: (signal) => reachHost(http, target, signal),
  }),
});

function contentFor(target: z.output<typeof options>, delivery: Delivery, nowMs: number): Content {
  const body = bodyFor(target, delivery);
  const signature = target.sign === undefined ? {} : signed(target.sign, delivery.id, body?.text ?? '', nowMs);
  return {
    body,
    defaults: { 'idempotency-key': delivery.id },
    headers: { 'webhook-id': delivery.id, ...signature },
  };
}

function bodyFor({ body, method }: z.output<typeof options>, delivery: Delivery) {
  if (body !== undefined) return bodyOf(body.render(deliveryScope(delivery)));
  if (method === 'GET' || method === 'DELETE') return undefined;
  const { event, events } = delivery;
  return bodyOf({ ...envelope(event), ...(events !== undefined && { events: events.map(envelope) }) });
}

/** The event without its `key`, which means nothing outside the router. */
function envelope({ id, type, source, subject, agent, occurredAt, receivedAt, data }: Event): JsonObject {
  return { id, type, source, subject, agent, occurredAt, receivedAt, data };
}
