/** The door for running a router, by itself or inside another Node program. */
export type { Config } from './config/config.js';
export type { Problem } from './config/problem.js';
export type { Attempt, Delivery, DeliveryState, EndReason, Outcome, Settlement } from './contract/delivery.js';
export type { Event } from './contract/event.js';
export type * from './contract/store.js';
export type { Clock, Log, Metrics } from './contract/tools.js';
export { ComponentFailure } from './runtime/component-failure.js';
export { type Replacement, service, type Token, tokens } from './runtime/container.js';
export { ConfigurationError, createRouter } from './runtime/create-router.js';
export type { Probe, Router, RouterOptions } from './runtime/router.js';
