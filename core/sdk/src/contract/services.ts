/** Services: objects that are injected by their token. Each standard service has its interface and its token under one name. */
import type { Event, EventDraft } from './event.js';
import type { JsonValue } from './json.js';

declare const provided: unique symbol;

/** The name of a service, with its type. Made with `token`. */
export type NamedToken<T> = symbol & { readonly [provided]: T };

/** What a service is found by: a name made with `token`, or a class, whose instances it stands for. */
export type Token<T> = NamedToken<T> | (abstract new (...parameters: never[]) => T);

/** Makes the token of a service. The same name is the same token, also in another copy of this package: put your plugin's name in front, e.g. `crm.Client`. */
export function token<T>(name: string): NamedToken<T> {
  // The type is known to the compiler only.
  return Symbol.for(name) as NamedToken<T>;
}

/** What a component or a service needs: tokens by the names under which `create` is given them. */
export type Inject = Readonly<Record<string, Token<unknown>>>;

/** The type of what a token provides. */
export type ServiceOf<T> =
  T extends NamedToken<infer Service>
    ? Service
    : T extends abstract new (
          ...parameters: never[]
        ) => infer CreatedComponent
      ? CreatedComponent
      : never;

/** What `create` is given for `inject`. */
export type Injected<I extends Inject> = { readonly [Name in keyof I]: ServiceOf<I[Name]> };

/** The component that something is injected into. */
export interface ComponentInfo {
  /** The component's name in the configuration file. In a service of a plugin: the plugin's name. */
  readonly name: string;
  /** Directory of the configuration file, absolute: relative paths in options start there. */
  readonly directory: string;
  /** Country of phone numbers that come without it, as configured: ISO 3166-1 alpha-2; null = all are international. */
  readonly country: string | null;
}
export const ComponentInfo: NamedToken<ComponentInfo> = token('switchhook.ComponentInfo');

/** Random numbers from 0 to below 1, evenly spread: for jitter. Not for secrets. */
export type Random = () => number;
export const Random: NamedToken<Random> = token('switchhook.Random');

/** Fields of a log line. Secrets of the configuration are masked in all of them. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One line per call. `event` is `noun.past-verb`, e.g. `delivery.attempted`. An `error` field keeps its stack. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
export const Log: NamedToken<Log> = token('switchhook.Log');

/** The only source of time. */
export interface Clock {
  /** Milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary start, with fractions; never goes back. For durations. */
  elapsed(): number;
  /** Calls back once, no sooner than after `ms` milliseconds. Returns how to cancel it: do so, or the process stays up. */
  after(ms: number, callback: () => void): () => void;
}
export const Clock: NamedToken<Clock> = token('switchhook.Clock');

/** Options of a request beyond the URL. */
export interface FetchInit {
  /** Default `GET`. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | StreamedBody;
  /**
   * Takes the body of a 2xx response part by part, instead of the response's `body`, which is empty then. Called with one part
   * after the other, none of them empty, decoded where the body was compressed; a part is not used again. While a promise
   * that it returns is pending, the sender is paused. What it throws ends the request and closes the connection. `maxBytes`,
   * `bodyMs` and `signal` hold as they do without it; it is not called any more once `fetch` has settled. Responses with
   * another status are read into `body`.
   */
  readonly sink?: (part: Uint8Array, head: ResponseHead) => void | Promise<void>;
  readonly signal?: AbortSignal;
  /**
   * `public` refuses hosts that resolve to private, loopback, link-local or otherwise reserved addresses. For URLs built
   * from data of others. Default `any`.
   */
  readonly reach?: 'any' | 'public';
  /** How much of the response's body is read, before and after decoding; the rest is dropped. Default 1 MB. */
  readonly maxBytes?: number;
  /** How long the body is waited for once the status has come, in milliseconds; the rest is dropped. Default: until the signal is aborted. */
  readonly bodyMs?: number;
  /** True: adds the headers of W3C Trace Context, where the router traces. For services of the operator. Default false. */
  readonly traced?: boolean;
}

/** The body of a request that is made while it is sent, so that it is never in memory as a whole. */
export interface StreamedBody {
  /**
   * Read once, from when there is a connection; the next part is taken when the one before is on its way. A request of which a part was
   * taken is never sent a second time. Ends early where the request fails: its iterator's `return` is called. What it throws ends
   * the request.
   */
  readonly parts: AsyncIterable<Uint8Array>;
  /** How many bytes all parts have together, which is sent as `Content-Length`. Other parts are a `FetchError` with code `BODY_LENGTH`, and the request is not completed. */
  readonly byteLength: number;
}

/** What comes before the body of a response. */
export interface ResponseHead {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A response whose body has been read already, as far as it came. */
export interface FetchResponse extends ResponseHead {
  /** At most `maxBytes`. Decoded where it was compressed (gzip, deflate, br). */
  readonly body: Uint8Array;
  /** True where the body is not complete: longer than `maxBytes`, not ended in time, broken off or invalid. */
  readonly truncated: boolean;
  /** As far as the body came. */
  text(): string;
  /** Throws a SyntaxError where the body is no JSON, and why the body is not complete where it is not. */
  json(): JsonValue;
}

/** Sends HTTP requests over kept-alive connections. */
export interface HttpClient {
  /**
   * Sends one request. Redirects are not followed. Rejects with a `FetchError` where no status came, with the signal's reason
   * where it is aborted before. Once there is a status it resolves, whatever becomes of the body: the other side has decided.
   * With a `sink` and a 2xx status, it resolves once the sink has taken the whole body, and otherwise rejects: with what the sink threw,
   * the signal's reason, or a `FetchError` with code `BODY_TOO_LARGE`, `BODY_TIMEOUT`, `BODY_ENCODING` or that of the lost connection.
   */
  readonly fetch: (url: string, init?: FetchInit) => Promise<FetchResponse>;
}
export const HttpClient: NamedToken<HttpClient> = token('switchhook.HttpClient');

/** Labels of a metric; keep the number of different values small. */
export type Labels = Readonly<Record<string, string>>;

/** Metrics of a plugin. Names get the prefix `switchhook_`; the same name always means the same metric. */
export interface Metrics {
  /** Adds to a counter; its name ends in `_total`. */
  count(name: string, help: string, labels?: Labels, by?: number): void;
  /**
   * Records a value in a histogram: a duration in seconds under a name that ends in `_seconds`, or another number. `buckets`
   * are its upper bounds, the same each time; default: durations from 1 ms to 30 s.
   */
  observe(name: string, help: string, value: number, labels?: Labels, buckets?: readonly number[]): void;
  /** Sets a gauge. */
  gauge(name: string, help: string, value: number, labels?: Labels): void;
}
export const Metrics: NamedToken<Metrics> = token('switchhook.Metrics');

/** Emits events of a destination, whose component declares `emits`: e.g. `recording.stored` of an archiver. */
export interface Emitter {
  /**
   * Routes and commits events, at most 1,000, whose source is the row's name; resolves once they are on disk. An event whose key the row has
   * emitted before is a duplicate, and nothing follows from it: make keys from the event that is delivered, so that another attempt
   * emits the same ones. `data` gets the field `emitted: { eventId, hops }`: the event that was being delivered (null = none), and how many
   * events in a row were emitted because of each other, 8 at most. Rejects, with nothing committed, beyond that, where a draft is
   * invalid, or the store cannot commit (`STORE_UNAVAILABLE`, `STORE_BEHIND`).
   */
  emit(drafts: readonly EventDraft[]): Promise<void>;
}
export const Emitter: NamedToken<Emitter> = token('switchhook.Emitter');

/** A value of `State`, and which of its values it is: each `set` makes a new version. */
export interface StateEntry {
  readonly value: JsonValue;
  readonly version: string;
}

/**
 * A small durable memory of a plugin, in the router's store: for cursors, OAuth tokens with refresh, ids that were sent already.
 * All components and services of a plugin share it, also those of other routers with the same store; no plugin sees the keys of
 * another. A key has 1 to 200 characters, a value at most 64 KB as JSON: others reject, as every call does while the store is not
 * open or fails, with a message that names the plugin and the key. Where the store keeps no state, the component cannot be made.
 */
export interface State {
  /** The value that was set last; null where there is none, or where it has expired. */
  get(key: string): Promise<StateEntry | null>;
  /** Sets a value, or removes it with null; resolves when that is durable. False: `ifVersion` did not hold, nothing has changed. */
  set(key: string, value: JsonValue, options?: StateOptions): Promise<boolean>;
}
export const State: NamedToken<State> = token('switchhook.State');

/** How a value is set. */
export interface StateOptions {
  /** Only where the present value has this version; null = only where there is none. Of several that expect the same, one succeeds. Default: in any case. */
  readonly ifVersion?: string | null;
  /** After this time, in milliseconds from now, there is no value under the key any more. Default: it stays. */
  readonly expiresInMs?: number;
}

/** An event of a caller's history. */
export interface PastEvent extends Event {
  /** Whether its source receives inbound calls. */
  readonly isCall: boolean;
}

/** Reads the store of the router. */
export interface StoreReader {
  /**
   * The events of one person, newest first. `party` is a phone number as in `call.from`. An inbound call is stored after its reply, so
   * the history does not contain the present call. Rejects where the store cannot be read.
   */
  history(
    party: string,
    range: {
      /** Earliest time of receipt, in milliseconds since the epoch. */
      readonly sinceMs: number;
      /** Most events, 1 to 1,000. */
      readonly limit: number;
    },
  ): Promise<readonly PastEvent[]>;
}
export const StoreReader: NamedToken<StoreReader> = token('switchhook.StoreReader');
