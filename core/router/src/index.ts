/** The door for running a router, by itself or inside another Node program. */

export type * from '@switchhook/sdk';
export type {
  Attempt,
  Clock,
  Delivery,
  DeliveryState,
  EndReason,
  Event,
  Log,
  Metrics,
  Outcome,
  Settlement,
} from '@switchhook/sdk';
export type { Config } from './config/config.js';
export type { Problem } from './config/problem.js';
export { ComponentFailure } from './runtime/component-factory.js';
export { type Replacement, service, type Token, tokens } from './runtime/container.js';
export { ConfigurationError, createRouter } from './runtime/create-router.js';
export { type Probe, Router, type RouterOptions } from './runtime/router.js';
