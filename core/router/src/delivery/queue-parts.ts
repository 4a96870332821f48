/** What a delivery queue works with, and how much it has to do. */
import type { Log, Store } from '@switchhook/sdk';
import type { SharedCapacity } from '../resilience/capacity.js';
import type { Rate, RateLimit } from '../resilience/token-bucket.js';
import type { AttemptParts } from './attempt.js';
import type { ErasedEvents } from './erased-events.js';
import type { DeliveryTelemetry } from './telemetry.js';
import type { Standing } from './throttle.js';

/** This router's part of what all routers of the store may do with a destination. */
export interface QueueLimits {
  /** So much of a whole. */
  share(whole: number): number;
  /** `onLease` is called when its allowance has changed. */
  bucket(rate: Rate, onLease: () => void): RateLimit;
}

/** What a queue works with. */
export interface QueueParts extends AttemptParts {
  readonly destination: string;
  readonly store: Store;
  readonly log: Log;
  readonly deliveryTelemetry: DeliveryTelemetry;
  readonly sharedCapacity: SharedCapacity;
  readonly erased: ErasedEvents;
  readonly limits: QueueLimits;
  /** Whether an operator has paused the destination. */
  isPaused(): boolean;
  /** The store has something for the destination: also where another queue has taken the place of this one. */
  expect(dueMs: number): void;
}

/** The load of a queue. */
export interface QueueLoad extends Standing {
  /** Under way. */
  readonly attempts: number;
  /** Deliveries in them. */
  readonly running: number;
  /** Deliveries in memory, before their attempt. */
  readonly held: number;
  /** Deliveries whose attempt has begun or ended, and whose settlement is not committed. */
  readonly unsettled: number;
}
