/** How a destination may be used: the options of its lane. */
import type { BreakerConfig, BreakerPolicy } from '../resilience/breaker.js';
import type { Rate } from '../resilience/token-bucket.js';
import type { RetryConfig, RetryPolicy } from './retry.js';

/** How a destination may be used. */
export interface LanePolicy {
  /** Attempts at the same time. */
  readonly concurrency: number;
  /** How long one attempt may take. */
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
  /** How long the first one waits for others. */
  readonly waitMs: number;
}

/** How deliveries of a destination are attempted. */
export interface LaneConfig {
  readonly timeoutMs: number;
  readonly concurrency: number;
  readonly retry: RetryConfig;
  /** Attempts per time; null = no limit. */
  readonly rateLimit: { readonly count: number; readonly perMs: number } | null;
  /** Null = none. */
  readonly breaker: BreakerConfig | null;
  readonly ordered: boolean;
  /** Null = one delivery per attempt. */
  readonly batch: { readonly max: number; readonly waitMs: number } | null;
}
