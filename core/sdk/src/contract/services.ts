/** What a component works with: time, network, log, metrics. */
import type { JsonValue } from './json.js';

/** What a component is given to work with. Time, network and log come from here and from nowhere else. */
export interface Tools {
  /** The component's name in the configuration file. */
  readonly name: string;
  /** Directory of the configuration file, absolute: relative paths in options start there. */
  readonly directory: string;
  /** Country of phone numbers that come without it, as the configuration says: ISO 3166-1 alpha-2; null = all are international. */
  readonly country: string | null;
  readonly log: Log;
  readonly clock: Clock;
  readonly fetch: Fetch;
  readonly metrics: Metrics;
}

/** Fields of a log line. Secrets of the configuration are masked in all of them. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One line per call. `event` is `noun.past-verb`, e.g. `delivery.attempted`. An `error` field keeps its stack. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** The only source of time. */
export interface Clock {
  /** Milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds from an arbitrary start, with fractions; never goes back. For durations. */
  elapsed(): number;
  /** Calls back once, no sooner than after `ms` milliseconds. Returns how to cancel it: do so, or the process stays up. */
  after(ms: number, callback: () => void): () => void;
}

/** What `Fetch` needs to know beyond the URL. */
export interface FetchInit {
  /** Default `GET`. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /**
   * `public` refuses hosts that resolve to private, loopback, link-local or otherwise reserved addresses. For URLs built
   * from data somebody else sent. Default `any`.
   */
  readonly reach?: 'any' | 'public';
  /** How much of the response's body is read; the rest is dropped. Default 1 MB. */
  readonly maxBytes?: number;
}

/** A response whose body has been read already. */
export interface FetchResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** At most `maxBytes`. */
  readonly body: Uint8Array;
  /** True where the body was longer than `maxBytes`. */
  readonly truncated: boolean;
  text(): string;
  /** Throws a SyntaxError where the body is no JSON. */
  json(): JsonValue;
}

/**
 * An HTTP request over kept-alive connections. Redirects are not followed. Rejects with a `FetchError` (see the plugin
 * door) where there is no response, with the signal's reason where it is aborted.
 */
export type Fetch = (url: string, init?: FetchInit) => Promise<FetchResponse>;

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
