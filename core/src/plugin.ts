/** The door for plugins: everything a plugin needs, and all that the built-in ones use. */
import type { z } from 'zod';
import type { Component, Kind, Plugin } from './contract/component.js';
import type { Delivery } from './contract/delivery.js';
import type { Scope } from './contract/template.js';

export { z } from 'zod';
export { busy, isBusy } from './busy.js';
export type {
  Component,
  Destination,
  Instances,
  Kind,
  Lifecycle,
  Plugin,
  Resolver,
  Source,
  Transform,
} from './contract/component.js';
export type { Attempt, Delivery, DeliveryState, EndReason, Outcome, Settlement } from './contract/delivery.js';
export type { Event, EventDraft } from './contract/event.js';
export type { JsonObject, JsonValue } from './contract/json.js';
export type { Answer, Call, HttpReply, RawRequest, Reception, SignedRequest } from './contract/source.js';
export type * from './contract/store.js';
export type { ExplainedPart, ExplainedValue, Expression, Scope, Template, TextTemplate } from './contract/template.js';
export type {
  Clock,
  Fetch,
  FetchInit,
  FetchResponse,
  Labels,
  Log,
  LogFields,
  Metrics,
  Tools,
} from './contract/tools.js';
export type { RefusalCode } from './errors.js';
export { ExpressionError, isExpressionError } from './expression-error.js';
export { FetchError, isFetchError } from './fetch-error.js';
export { outcomeOf, outcomeOfFailure } from './http-outcome.js';
export { deliveryId, partsOfDeliveryId } from './ids.js';
export { isNotReady, notReady } from './not-ready.js';
export { country, duration, expression, type Fit, rate, scopes, secret, size, template, text } from './options.js';
export { readJsonObject } from './payload.js';
export { isPhoneNumber, type NumberReader, numberReader } from './phone-number.js';
export { isPublicAddress } from './public-address.js';
export { isRefusal, type Refusal, refuse } from './refusal.js';
export { retryAfterMs } from './retry-after.js';
export {
  fingerprint,
  type SignatureScheme,
  type SignedParts,
  sameText,
  signatureHeaders,
  type Verification,
  verifySignature,
} from './signature.js';
export { durationText } from './units.js';

/** Makes the default export of a plugin package. */
export function definePlugin(plugin: Omit<Plugin, 'api'>): Plugin {
  return { ...plugin, api: 1 };
}

/** Makes a source type. */
export function defineSource<S extends z.ZodObject>(component: Omit<Component<'source', S>, 'kind'>): Component {
  return define('source', component);
}

/** Makes a destination type. */
export function defineDestination<S extends z.ZodObject>(
  component: Omit<Component<'destination', S>, 'kind'>,
): Component {
  return define('destination', component);
}

/** Makes a resolver type. */
export function defineResolver<S extends z.ZodObject>(component: Omit<Component<'resolver', S>, 'kind'>): Component {
  return define('resolver', component);
}

/** Makes a transform type. */
export function defineTransform<S extends z.ZodObject>(component: Omit<Component<'transform', S>, 'kind'>): Component {
  return define('transform', component);
}

/** Makes a store type. */
export function defineStore<S extends z.ZodObject>(component: Omit<Component<'store', S>, 'kind'>): Component {
  return define('store', component);
}

/** What templates and expressions of a destination see: `event` and `delivery { id, route, destination, attempt }`. */
export function deliveryScope(delivery: Delivery): Scope {
  const { event, ...rest } = delivery;
  return { event, delivery: rest };
}

function define<K extends Kind, S extends z.ZodObject>(kind: K, component: Omit<Component<K, S>, 'kind'>): Component {
  // The options' type is known inside the component only; outside, every component is one whose options somebody else checked.
  return { ...component, kind } as unknown as Component;
}
