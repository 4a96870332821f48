/** The five kinds of components, and the plugin that brings them. */
import type { z } from 'zod';
import type { Delivery, Outcome } from './delivery.js';
import type { Event, EventDraft } from './event.js';
import type { JsonObject, JsonValue } from './json.js';
import type { Lifecycle } from './lifecycle.js';
import type { Inject, Injected, Token } from './services.js';
import type { Answer, Call, HttpReply, RawRequest, Reception, SignedRequest } from './source.js';
import type { Store } from './store.js';

/** Verifies a request and turns it into events, or into a call that waits for an answer. */
export interface Source extends Lifecycle {
  /**
   * Called once per request, in parallel, and again for dry runs and for requests that another source has refused, to find out whose secret
   * they have: it changes nothing. Verify the raw bytes first, parse then. Throw `refuse(code, reason)` to refuse
   * the request; any other throw is a fault of the source: 500, so that the sender tries again. A promise is waited for no
   * longer than 10 s.
   */
  receive(request: RawRequest): Reception | Promise<Reception>;
  /**
   * Of sources of calls: the least the platform accepts, where `receive` failed and nothing is known of the call. With it, a
   * fault of the source is no 500 any more, and `receive` is waited for no longer than 2 s. Must not throw. Not used with
   * `answerBy: 'call'`: a call that the source cannot read cannot be answered later, but the platform may send its request again.
   */
  fallback?(): HttpReply;
  /**
   * Of sources with `answerBy: 'call'`, which must have it: sends the platform the answer to a call by a request of its own. Called once the
   * call is kept in the store, or the store has failed. `answer` is null where no answer matches, or it could not be made: then do the least
   * that the platform accepts. Called again after `unavailable` (unless `needsOperator`) while the platform still waits, and after a crash,
   * by an instance that has not received the request: what it needs is in `call`. The signal is aborted when its time is up, which is half
   * of the time that is left, at least a second. A throw counts as `unavailable`.
   */
  answer?(call: Call, answer: Answer | null, signal: AbortSignal): Promise<Outcome>;
  /**
   * Of sources whose senders verify the URL by a GET request: called for each of them, in parallel, with an empty body. Verify what the
   * sender sends, and return its challenge; `handshakeReply` does both. Nothing is recorded. Throws and promises are treated as those of
   * `receive`. Without this method, GET is refused with 405.
   */
  handshake?(request: RawRequest): HttpReply | Promise<HttpReply>;
  /**
   * Of sources that pull: reads from another system and emits what it finds, until the signal is aborted; then it must return soon. Called
   * when the router and its store are open. With several routers on one store, one of them runs it at a time. After a throw or an
   * early return it is called again, after pauses of 1 s to 5 min.
   */
  start?(emit: EmitPulled, signal: AbortSignal): Promise<void>;
  /** Makes a body acceptable to `receive`, with the secrets this source has. For `switchhook send` and tests. */
  sign?(body: Uint8Array, nowMs: number): SignedRequest;
}

/** A source without an HTTP endpoint: `defineSource` gives it a `receive` that refuses every request with 404. */
export type PullingSource = Omit<Source, 'receive'> & Required<Pick<Source, 'start'>>;

/**
 * Routes and commits events that a source has pulled, at most 1,000; resolves once they are on disk. Only then `checkpoint` is set in the
 * plugin's `State`, whatever the value was before: after a crash between the two, the same events are pulled again, and are found
 * as duplicates by their keys. Rejects where a draft is invalid, the store cannot commit or keep, or the signal of `start` is aborted.
 */
export type EmitPulled = (
  drafts: readonly EventDraft[],
  options?: { readonly checkpoint?: { readonly key: string; readonly value: JsonValue } },
) => Promise<void>;

/** Delivers events to another system. */
export interface Destination extends Lifecycle {
  /**
   * Makes one attempt. Called in parallel, up to `concurrency`, possibly again for the same delivery: use `delivery.id` as
   * idempotency key. The signal is aborted when `timeout` is over. An outcome that is returned at once then still counts; what
   * comes back later is ignored. A throw counts as `unavailable`.
   */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome>;
  /** Makes one attempt for several deliveries at once; one outcome for each, in order. Used where `batch` is configured, which takes `batches: true` in the component. */
  deliverMany?(deliveries: readonly Delivery[], signal: AbortSignal): Promise<readonly Outcome[]>;
  /**
   * What `deliver` would send, for `switchhook explain`: pure, without network, also before `open`. Secrets of the
   * configuration are masked afterwards. A throw means that it could not be made; its message is shown.
   */
  preview?(delivery: Delivery): JsonObject;
  /**
   * Of destinations that can: erases what these deliveries have left in the other system, for `switchhook erase`. At most 500, each as `deliver` was
   * given it; some may never have arrived, others may be erased already. Resolves with how many records were removed. A throw means that
   * something may be left: its message is shown, and the operator erases it there. The signal is aborted when `timeout` is over.
   */
  erase?(deliveries: readonly Delivery[], signal: AbortSignal): Promise<number>;
}

/** Looks up facts about a caller. */
export interface Resolver extends Lifecycle {
  /**
   * Called once per call, in parallel with other resolvers and for other calls. `known` holds what the resolvers it waits for
   * found, by their names; who failed is not in it. Return `{}` for "not found"; throw for "could not look". What is returned is
   * copied as JSON, a million characters at most. The signal is aborted when the time is up: stop then. That is `leftMs`
   * milliseconds from now (whole, at least 1), to be passed on as the limit of a query or request, so that it does not go on
   * unused. Never block: a loop that never awaits stops every call.
   */
  resolve(call: Call, known: JsonObject, signal: AbortSignal, leftMs: number): Promise<JsonObject>;
}

/** Changes what a destination sees of an event. */
export interface Transform extends Lifecycle {
  /** Pure and fast: called before each attempt. Null = this destination does not get the event (`skipped`). A throw ends the delivery as `rejected`. */
  apply(event: Event): Event | null;
}

/** The five kinds of components and what each creates. */
export interface Instances {
  source: Source;
  destination: Destination;
  resolver: Resolver;
  transform: Transform;
  store: Store;
}

/** Name of a kind. */
export type Kind = keyof Instances;

/** How a destination is used by default, written as in the configuration. */
export interface DestinationLimits {
  /** Most attempts per period, e.g. `10/s`. Default: no limit. */
  readonly rateLimit?: string;
  /** Most attempts at the same time, 1 to 1,000. Default 8. */
  readonly concurrency?: number;
  /** Timeout of one attempt, e.g. `30s`. Default `10s`. */
  readonly timeout?: string;
}

/** A setting that a row does not have, and whose default may be wrong for it. */
export interface Assumption {
  /** Names of the options around it, and its own: `['signature', 'header']`. The warning is shown at the last one that is written. */
  readonly path: readonly string[];
  /** One line, without a full stop and without values that may be secret: `the header is assumed to be X-Signature`. */
  readonly message: string;
  /** What to do, in a sentence. */
  readonly hint: string;
}

/**
 * One type of source, destination, resolver, transform or store, as `use: <type>` names it.
 * Make one with `defineSource`, `defineDestination`, … of the plugin door: they infer the options.
 */
export interface Component<K extends Kind = Kind, S extends z.ZodObject = z.ZodObject, I extends Inject = Inject> {
  readonly kind: K;
  /** `plugin` or `plugin.what`, e.g. `slack.message`. The part before the dot names the package. */
  readonly type: string;
  /** One sentence for `switchhook plugins` and the configuration reference. */
  readonly description: string;
  /** The options beside those every row has. A `z.strictObject`; every field described. Validation, defaults, docs, editor schema and masking come from it. */
  readonly options: S;
  /**
   * The services that `create` is given, by the names it uses: `Clock`, `Log`, `Metrics`, `HttpClient`, `Random`,
   * `ComponentInfo`, and the services of its plugin. Time, network and log come from here and from nowhere else. Default none.
   */
  readonly inject?: I;
  /** Called once per row of the configuration, with checked options. Must not touch the network or disk: that is for `open`. A throw keeps the router from starting. */
  create(options: z.output<S>, services: Injected<I>): Instances[K];
  /**
   * The settings that checked options leave to a default which is an assumption, because the other side does not publish what is true. Pure. Each is
   * a warning of the configuration: shown by `switchhook check`, in the log at start and on the dashboard. Default none.
   */
  assumptions?(options: z.output<S>): readonly Assumption[];
  /** Set by `defineSource`, …: the file and line of that call, for messages about what it returns. Null where that is not known. */
  readonly definedAt?: string | null;
  /** Of sources: true where its requests are calls that wait for an answer. Default false. */
  readonly calls?: boolean;
  /** Of destinations: true where they have `deliverMany`, so that `batch` can be configured. Default false. */
  readonly batches?: boolean;
  /** Of destinations: the defaults of its rows, e.g. the limits of the platform. Default: those of every destination. */
  readonly limits?: DestinationLimits;
  /**
   * Of destinations that emit events of their own by `Emitter`: the types that are known. Not exhaustive, and may be empty. Where it is
   * there, routes may name the destination's rows in `from`. Default: it emits nothing, and cannot inject `Emitter`.
   */
  readonly emits?: readonly string[];
  /**
   * Of sources: the types of its events that are known, as `event.type` has them. Not exhaustive: events of other types are
   * kept. Where a route's `on` is nearly one of them, that is a mistake of the configuration. Default: none is known, and
   * every `on` is right.
   */
  readonly types?: readonly string[];
  /** Of sources: media types it reads. Default `application/json`; of sources of calls any, whatever it is called. */
  readonly accepts?: readonly string[];
  /** Of sources: bodies to try it with, by name, for `switchhook send <sample>`. */
  readonly samples?: Readonly<Record<string, JsonObject>>;
  /**
   * Of sources of calls: what the platform takes the answer from. `call`: the response to its request only acknowledges it, and the source
   * sends the answer by its method `answer`; `call.id` is then never null. Default `response`.
   */
  readonly answerBy?: 'response' | 'call';
  /** Of sources of calls: the longest `deadlineMs` of its calls. An answer's `within` above it is a mistake of the configuration. */
  readonly deadlineMs?: number;
  /** Of sources of calls: the body of the platform's request about a call, for `switchhook call`. */
  callBody?(call: Pick<Call, 'from' | 'to' | 'agent'>): JsonObject;
  /** Of sources of calls: the answer in the body of a reply, the reverse of `reply`. Null if the body has none. For `switchhook call` and `simulate`. */
  answerIn?(body: JsonObject): Answer | null;
}

/**
 * A service of a plugin: one object that its components share. It is made when the first component that injects it is made,
 * opened before the first of them and closed after the last. Make one with `provide`.
 */
export interface ServiceDefinition {
  readonly token: Token<unknown>;
  /** Default none. Other services of the same plugin, too, but not in a circle. */
  readonly inject?: Inject;
  /** Components whose options have the same key share one object; default: all components of the plugin share one. */
  key?(options: Readonly<Record<string, unknown>>): string;
  /** Must not touch the network or disk: that is for `open`. `users` are the checked options of all components that share it. */
  create(services: Injected<Inject>, users: readonly Readonly<Record<string, unknown>>[]): Lifecycle | object;
  /** `file:line` of its `provide`, for messages; null where that is not known. */
  readonly definedAt?: string | null;
}

/** The options of a plugin itself, which its row of `plugins:` sets. Made with `provideOptions`. */
export interface PluginOptions {
  /** By this its components and services are given the checked options. */
  readonly token: Token<unknown>;
  /** A `z.strictObject`; every field described. */
  readonly schema: z.ZodObject;
}

/** A package (or a local file) that brings components: its default export. */
export interface Plugin {
  /** Name of the package. */
  readonly name: string;
  /** Version of this contract. */
  readonly api: 1;
  readonly components: readonly Component[];
  /** Services that its components share. Default none. */
  readonly services?: readonly ServiceDefinition[];
  /** Its own options. Default none. */
  readonly options?: PluginOptions;
  /** `file:line` of its `definePlugin`, for messages; null where that is not known. */
  readonly definedAt?: string | null;
}
