/** Wiring: the only place that knows the container. Tokens and factories; a child container per router and per component. */
import 'reflect-metadata';
import type { Clock, Fetch, Log, LogFields, Store, Tools } from '@switchhook/sdk';
import { type DependencyContainer, type InjectionToken, instanceCachingFactory, container as root } from 'tsyringe';
import { systemClock } from '../system/clock.js';
import { type Network, openNetwork } from '../system/http-client.js';
import { chance } from '../system/ids.js';
import { unfailing } from '../system/log.js';
import { type ExposedMetrics, openMetrics } from '../system/metrics.js';

/** A service's name in the container, with its type. */
export type Token<T> = InjectionToken<T>;

/** The services of a router. Each can be replaced when a router is made: `createRouter(file, { replace: [service(tokens.clock, mine)] })`. */
export const tokens = {
  clock: Symbol('clock') as Token<Clock>,
  log: Symbol('log') as Token<Log>,
  metrics: Symbol('metrics') as Token<ExposedMetrics>,
  network: Symbol('network') as Token<Network>,
  fetch: Symbol('fetch') as Token<Fetch>,
  store: Symbol('store') as Token<Store>,
  /** What one component works with; only in a component's container. */
  tools: Symbol('tools') as Token<Tools>,
  /** Numbers from 0 to below 1, for the jitter of retries. */
  chance: Symbol('chance') as Token<() => number>,
} as const;

/** Something to be used in place of a service. */
export interface Replacement {
  readonly token: Token<unknown>;
  readonly value: unknown;
}

/** Says what to use in place of a service. */
export function service<T>(token: Token<T>, value: T): Replacement {
  return { token: token as Token<unknown>, value };
}

/** How a service is made; called once, when it is first asked for. */
export type Factory<T> = (services: Services) => T;

/** The services of a router or of one component. */
export class Services {
  readonly #container: DependencyContainer;

  private constructor(container: DependencyContainer) {
    this.#container = container;
  }

  /** A router's own services; the replacements win. */
  static forRouter(log: Factory<Log>, store: Factory<Store>, replace: readonly Replacement[]): Services {
    const services = new Services(root.createChildContainer());
    services.#provide(tokens.clock, () => systemClock);
    services.#provide(tokens.chance, () => chance);
    services.#provide(tokens.metrics, openMetrics);
    services.#provide(tokens.network, () => openNetwork());
    services.#provide(tokens.fetch, () => services.get(tokens.network).fetch);
    services.#provide(tokens.log, () => unfailing(log(services)));
    services.#provide(tokens.store, store);
    for (const { token, value } of replace)
      services.#provide(token, () => (token === tokens.log ? unfailing(value as Log) : value));
    return services;
  }

  /** The service itself. */
  get<T>(token: Token<T>): T {
    return this.#container.resolve(token);
  }

  /** What one component is given: from a child container of its own, which the component never sees. */
  toolsFor(name: string, { directory, country }: Pick<Tools, 'directory' | 'country'>): Tools {
    const component = new Services(this.#container.createChildContainer());
    component.#provide(tokens.tools, () => ({
      name,
      directory,
      country,
      log: logOf(name, this.get(tokens.log)),
      clock: this.get(tokens.clock),
      fetch: this.get(tokens.fetch),
      metrics: this.get(tokens.metrics),
    }));
    return component.get(tokens.tools);
  }

  #provide<T>(token: Token<T>, factory: Factory<T>): void {
    this.#container.register(token, { useFactory: instanceCachingFactory(() => factory(this)) });
  }
}

/** A component's log says whose line it is. */
function logOf(component: string, log: Log): Log {
  const at =
    (level: keyof Log) =>
    (event: string, fields?: LogFields): void =>
      log[level](event, { component, ...fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
