/** Deliveries: one event for one destination, its attempts, what each came to, and what happens next. */
import type { Event } from './event.js';

/** One event for one destination by one route, as it is handed to the destination for one attempt. */
export interface Delivery {
  /** Stable across attempts, restarts and replays: the idempotency key to pass on. */
  readonly id: string;
  /** Name of the route that created it. */
  readonly route: string;
  /** Name of the destination. */
  readonly destination: string;
  /** Which attempt this is; the first is 1. */
  readonly attempt: number;
  /** The event, after the route's transforms. Of a route with `wait`: the one that ended the wait, otherwise the latest. */
  readonly event: Event;
  /** Only of a route with `wait`: all events that were gathered, `event` among them, in order of arrival, after the transforms. */
  readonly events?: readonly Event[];
}

/**
 * The outcome of one attempt. The destination decides, because only it can interpret a response.
 * - `delivered`: the other side has it.
 * - `rejected`: it will never be accepted as it is; no further attempt.
 * - `unavailable`: it may be accepted later; the retry schedule decides when.
 */
export type Outcome =
  | { readonly kind: 'delivered'; readonly response?: string }
  | { readonly kind: 'rejected'; readonly reason: string; readonly response?: string }
  | {
      readonly kind: 'unavailable';
      /** One line for the operator; no secret, no body. */
      readonly reason: string;
      /** `Retry-After` of the destination, in milliseconds from now. Respected up to `retry.max`. */
      readonly retryAfterMs?: number;
      /** True if an operator must act first (wrong credentials, no such URL): retried at the slowest pace, with an alert. */
      readonly needsOperator?: boolean;
      /** Start of the response, at most 4 KB kept. */
      readonly response?: string;
    };

/** Why a delivery ended without being delivered. */
export type EndReason = 'rejected' | 'exhausted' | 'discarded';

/** What happens next to a delivery after an attempt. A value: decided by a pure function, applied by the store. */
export type Settlement =
  | { readonly state: 'delivered' }
  | {
      readonly state: 'waiting';
      /** Not before this time, milliseconds since the epoch. */
      readonly untilMs: number;
      /** False gives the attempt back: the destination was never called. */
      readonly counted: boolean;
    }
  | { readonly state: 'dead'; readonly reason: EndReason }
  | { readonly state: 'skipped' };

/** Where a delivery stands. `waiting` and `running` are open, the others settled. `gathered`: another delivery takes its event along. */
export type DeliveryState = 'waiting' | 'running' | 'gathered' | Exclude<Settlement['state'], 'waiting'>;

/** One attempt, as it is kept for the operator. */
export interface Attempt {
  /** Count since the delivery was made, replays included; the first is 1. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly outcome: Outcome['kind'] | 'skipped';
  /** Null when delivered. */
  readonly reason: string | null;
  /** Start of the response, at most 4 KB; null where there was none. */
  readonly response: string | null;
}
