/** The door for plugins: everything a plugin needs, and all that the built-in ones use. */
import type { z } from 'zod';
import type { Component, Kind, Plugin } from './contract/component.js';
import type { Delivery } from './contract/delivery.js';
import type { Scope } from './contract/expression.js';

export { z } from 'zod';
export type {
  Component,
  Destination,
  Instances,
  Kind,
  Plugin,
  Resolver,
  Source,
  Transform,
} from './contract/component.js';
export type { Attempt, Delivery, DeliveryState, EndReason, Outcome, Settlement } from './contract/delivery.js';
export type { Event, EventDraft } from './contract/event.js';
export type {
  ExplainedPart,
  ExplainedValue,
  Expression,
  Scope,
  Template,
  TextTemplate,
} from './contract/expression.js';
export { deliveryId, partsOfDeliveryId } from './contract/ids.js';
export type { JsonObject, JsonValue } from './contract/json.js';
export type { Lifecycle } from './contract/lifecycle.js';
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
} from './contract/services.js';
export type { Answer, Call, HttpReply, RawRequest, Reception, SignedRequest } from './contract/source.js';
export type * from './contract/store.js';
export type { RefusalCode } from './errors/codes.js';
export { isRefusal, type Refusal, refuse } from './errors/refusal.js';
export {
  busy,
  ExpressionError,
  FetchError,
  isBusy,
  isExpressionError,
  isFetchError,
  isNotReady,
  notReady,
} from './errors/typed-errors.js';
export { readJsonObject } from './http/json-body.js';
export { outcomeOf, outcomeOfFailure, retryAfterMs } from './http/outcome.js';
export { isPublicAddress } from './http/public-address.js';
export {
  fingerprint,
  type SignatureScheme,
  type SignedParts,
  sameText,
  signatureHeaders,
  type Verification,
  verifySignature,
} from './http/signature.js';
export { country, duration, rate, secret, size } from './options/fields.js';
export { isPhoneNumber, type NumberReader, numberReader } from './options/phone-number.js';
export { expression, type Fit, scopes, template, text } from './options/templates.js';
export { durationText } from './options/units.js';

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
