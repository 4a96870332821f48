/** The plugin API: everything that plugins, built-in ones included, import from Switchhook. */
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import type {
  Component,
  Kind,
  Plugin,
  PluginOptions,
  PullingSource,
  ServiceDefinition,
  Source,
} from './contract/component.js';
import type { Delivery } from './contract/delivery.js';
import type { Scope } from './contract/expression.js';
import type { Inject, Injected, NamedToken } from './contract/services.js';
import { refuse } from './errors/refusal.js';

export { z } from 'zod';
export type * from './contract/component.js';
export type { Attempt, Delivery, DeliveryState, EndReason, Outcome, Settlement } from './contract/delivery.js';
export type { Event, EventDraft } from './contract/event.js';
export type * from './contract/expression.js';
export { deliveryId, eventKey, partsOfDeliveryId } from './contract/ids.js';
export type { JsonObject, JsonValue } from './contract/json.js';
export type { Lifecycle } from './contract/lifecycle.js';
export {
  Clock,
  ComponentInfo,
  Emitter,
  type FetchInit,
  type FetchResponse,
  HttpClient,
  type Inject,
  type Injected,
  type Labels,
  Log,
  type LogFields,
  Metrics,
  type NamedToken,
  type PastEvent,
  Random,
  type ResponseHead,
  type ServiceOf,
  State,
  type StateEntry,
  type StateOptions,
  StoreReader,
  type StreamedBody,
  type Token,
  token,
} from './contract/services.js';
export type {
  Answer,
  Call,
  HttpReply,
  RawRequest,
  Reception,
  SignedRequest,
  VerifiedBy,
} from './contract/source.js';
export * from './contract/store.js';
export type { RefusalCode } from './errors/codes.js';
export { isRefusal, type Refusal, type RefusalOptions, type RefusedRequest, refuse } from './errors/refusal.js';
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
export { type FileReader, FileWatch, WatchedFile } from './file-watch.js';
export { type HandshakeSettings, handshakeReply } from './http/handshake.js';
export { JsonApi, type JsonApiReply, type JsonApiRequest, type JsonApiSettings } from './http/json-api.js';
export { fitting, parseJson, readJsonObject, stringifyJson } from './http/json-body.js';
export { LimitedLookUps } from './http/limited-look-ups.js';
export {
  excerptLimits,
  isOutcomeError,
  isSuccess,
  OutcomeError,
  outcomeOf,
  outcomeOfFailure,
  rejected,
  retryAfterMs,
} from './http/outcome.js';
export { isPublicAddress } from './http/public-address.js';
export { sentTimeMs } from './http/sent-time.js';
export {
  ed25519PublicKey,
  fingerprint,
  requireSignature,
  requireToken,
  requireTokenInPath,
  type SignatureScheme,
  type SignatureSecret,
  type SignedParts,
  sameText,
  signatureHeaders,
  type Verification,
  verifySignature,
} from './http/signature.js';
export { Ledger, rejectOnce, type Step } from './ledger.js';
export { type Masker, type MaskOptions, maskerFor, maskOptions } from './masking/masking.js';
export {
  commonFields,
  type EventFields,
  eventReader,
  type FoundFields,
  fieldReader,
  fieldsOption,
  idOf,
  longestAgent,
  textAt,
  untypedBody,
  valueAt,
  withBody,
} from './options/event-fields.js';
export { apiUrl, country, duration, problem, rate, secret, secretAt, secretList, size } from './options/fields.js';
export { type CallPaths, callAt, callEvent, overrideWarning, variablesOf } from './options/inbound-call.js';
export { type Paths, paths } from './options/paths.js';
export {
  isKnownCaller,
  isPhoneNumber,
  type PhoneNormalizer,
  phoneKeys,
  phoneNormalizer,
  type WrittenNumber,
  writtenForms,
} from './options/phone-number.js';
export { followSchedule, type Schedule, schedule } from './options/schedule.js';
export {
  checkSignature,
  headerName,
  type SignatureSettings,
  schemeOf,
  signatureOption,
} from './options/signature-options.js';
export { expression, type Fit, scopes, template, text } from './options/templates.js';
export { timeZone } from './options/time-zones.js';
export { durationText } from './options/units.js';

/** Makes the default export of a plugin package. */
export function definePlugin(plugin: Omit<Plugin, 'api' | 'definedAt'>): Plugin {
  return { ...plugin, api: 1, definedAt: callOf(definePlugin) };
}

/**
 * Makes a service that the components of a plugin share: `provide(CrmClient, { inject: { http: HttpClient }, create: ({ http }) =>
 * new CrmClient(http) })`. A class may have its needs with it, as `static readonly inject = { http: HttpClient }`: then
 * `provide(CrmClient)` is enough, and its constructor is given them as one object. `open`, `close` and `probe` of the object
 * follow those of the components that inject it.
 */
export function provide<T extends object, const I extends Inject = Record<never, never>>(
  token: NamedToken<T> | (abstract new (...parameters: never[]) => T),
  definition: ServiceOptions<T, I>,
): ServiceDefinition;
export function provide<T extends object, const I extends Inject>(service: InjectableClass<T, I>): ServiceDefinition;
export function provide(
  token: ServiceDefinition['token'],
  definition: Omit<ServiceDefinition, 'token'> = classDefinition(token),
): ServiceDefinition {
  return { ...definition, token, definedAt: callOf(provide) };
}

/**
 * Makes the options of a plugin itself, for `definePlugin({ options })`: `provideOptions(Account, z.strictObject({ … }))`. What `inject`s
 * the token, a component or a service of the plugin, is given what the row of `plugins:` sets, checked by the schema.
 */
export function provideOptions<T extends object>(
  token: NamedToken<T>,
  schema: z.ZodObject & z.ZodType<NoInfer<T>>,
): PluginOptions {
  return { token, schema };
}

/** How a service is made. */
export interface ServiceOptions<T, I extends Inject> {
  /** Default none. */
  readonly inject?: I;
  /** Components whose options have the same key share one object; default: all components of the plugin share one. */
  key?(options: Readonly<Record<string, unknown>>): string;
  /** Must not touch the network or disk: that is for `open`. `users` are the checked options of all components that share it. */
  create(services: Injected<I>, users: readonly Readonly<Record<string, unknown>>[]): T;
}

/** A class that has its needs with it. */
export interface InjectableClass<T, I extends Inject> {
  readonly inject: I;
  new (services: Injected<I>): T;
}

/** A component as its plugin writes it. */
export type Definition<K extends Kind, S extends z.ZodObject, I extends Inject> = Omit<
  Component<K, S, I>,
  'kind' | 'definedAt'
>;

/** Makes a source type. */
export function defineSource<S extends z.ZodObject, const I extends Inject = Record<never, never>>(
  component: SourceDefinition<S, I>,
): Component {
  const { create } = component;
  // What is no function is reported when the plugin is loaded.
  if (typeof create !== 'function') return define('source', component as Definition<'source', S, I>, defineSource);
  const whole = (options: z.output<S>, services: Injected<I>): Source => receiving(create(options, services));
  return define('source', { ...component, create: whole }, defineSource);
}

/** A source as its plugin writes it: one that pulls may have no `receive`. */
export type SourceDefinition<S extends z.ZodObject, I extends Inject> = Omit<Definition<'source', S, I>, 'create'> & {
  create(options: z.output<S>, services: Injected<I>): Source | PullingSource;
};

function receiving(source: Source | PullingSource): Source {
  if (typeof source?.start !== 'function' || 'receive' in source) return source as Source;
  return Object.assign(source, {
    receive: (): never => {
      throw refuse('NOT_FOUND', 'this source receives no requests: it pulls its events');
    },
  });
}

/** Makes a destination type. */
export function defineDestination<S extends z.ZodObject, const I extends Inject = Record<never, never>>(
  component: Definition<'destination', S, I>,
): Component {
  return define('destination', component, defineDestination);
}

/** Makes a resolver type. */
export function defineResolver<S extends z.ZodObject, const I extends Inject = Record<never, never>>(
  component: Definition<'resolver', S, I>,
): Component {
  return define('resolver', component, defineResolver);
}

/** Makes a transform type. */
export function defineTransform<S extends z.ZodObject, const I extends Inject = Record<never, never>>(
  component: Definition<'transform', S, I>,
): Component {
  return define('transform', component, defineTransform);
}

/** Makes a store type. */
export function defineStore<S extends z.ZodObject, const I extends Inject = Record<never, never>>(
  component: Definition<'store', S, I>,
): Component {
  return define('store', component, defineStore);
}

/** What templates and expressions of a destination see: `event`, `events` and `delivery { id, route, destination, attempt }`. */
export function deliveryScope({ event, events = [event], ...delivery }: Delivery): Scope {
  return { event, events, delivery };
}

function define<K extends Kind, S extends z.ZodObject, I extends Inject>(
  kind: K,
  component: Definition<K, S, I>,
  caller: (...given: never[]) => Component,
): Component {
  // The types of options and services are known inside the component only; outside, they were checked before.
  return { ...component, kind, definedAt: callOf(caller) } as unknown as Component;
}

/** `file:line` of the call of this function that is under way; null where the stack does not say. */
function callOf(called: (...given: never[]) => unknown): string | null {
  const { stackTraceLimit } = Error;
  const at: { stack?: unknown } = {};
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(at, called);
  Error.stackTraceLimit = stackTraceLimit;
  const [, file = '', line] = /at (?:[^/\\]*\()?(.+):(\d+):\d+\)?\s*$/.exec(String(at.stack)) ?? [];
  // A loader of TypeScript appends a query to what it has compiled.
  const path = file.replace(/\?.*$/, '');
  return line === undefined || path.startsWith('data:')
    ? null
    : `${path.startsWith('file:') ? fileURLToPath(path) : path}:${line}`;
}

function classDefinition(service: unknown): Omit<ServiceDefinition, 'token'> {
  // The overload without a definition takes such classes only.
  const { inject } = service as InjectableClass<object, Inject>;
  const create = (services: Injected<Inject>): object => new (service as InjectableClass<object, Inject>)(services);
  return { inject, create };
}
