/** How a destination may be used: the options of its queue. */
import type { BreakerPolicy } from '../resilience/breaker.js';
import type { Rate } from '../resilience/token-bucket.js';
import type { RetryPolicy } from './retry.js';

/** How a destination may be used. */
export interface QueuePolicy {
  /** Most attempts at the same time. */
  readonly concurrency: number;
  /** Timeout of one attempt. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  /** Null = no limit. */
  readonly rateLimit: Rate | null;
  /** Null = no breaker. */
  readonly breaker: BreakerPolicy | null;
  /** The events of one subject one after another, in order of arrival. */
  readonly ordered: boolean;
  /** Null = one delivery per attempt. */
  readonly batch: BatchPolicy | null;
}

/** How deliveries are gathered for one attempt. */
export interface BatchPolicy {
  readonly max: number;
  /** How long the first delivery waits for further ones. */
  readonly waitMs: number;
}

/** Attempts' worth of deliveries held in memory per running one: enough that the next starts without a query. */
export const heldPerAttempt = 4;

/** Long enough for everything held before a delivery to time out, and then itself. */
export function leaseMsOf({ timeoutMs, batch }: QueuePolicy): number {
  return timeoutMs * (2 + heldPerAttempt) + (batch?.waitMs ?? 0) + 30_000;
}
