/** The API for running a router, by itself or in another Node program. */

export type * from '@switchhook/sdk';
export type { Attempt, Delivery, DeliveryState, EndReason, Event, Outcome, Settlement } from '@switchhook/sdk';
/** Tokens of the services that a program may replace. */
export { Clock, HttpClient, Log, Metrics, Random, Store, StoreReader, token } from '@switchhook/sdk';
export type { Config } from './config/config.js';
export { type ConfigInput, defineConfig, type RowInput } from './config/define-config.js';
export type { Problem } from './config/problem.js';
export { ConfigurationError } from './config/problem.js';
export { PageFiles } from './http/page-files.js';
export { ComponentFailure } from './runtime/component-factory.js';
export type { Probe } from './runtime/component-lifecycle.js';
export type { RouterOptions } from './runtime/composition.js';
export { type Configure, ExposedMetrics, type Provider, type ServiceRegistry } from './runtime/container.js';
export { createRouter } from './runtime/create-router.js';
export type { Closing, ClosingTimes } from './runtime/drain.js';
export { Router } from './runtime/router.js';
