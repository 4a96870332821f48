/** The services of a router, a plugin or a component: each has a container of its own below the one before. */
import { Clock, HttpClient, Log, type LogFields, Metrics, Random, type Token } from '@switchhook/sdk';
import { systemClock } from '../system/clock.js';
import { Network, openNetwork } from '../system/http-client.js';
import {
  type DependencyContainer,
  type InjectionToken,
  instanceCachingFactory,
  rootContainer,
} from '../system/injection.js';
import { unfailing } from '../system/log.js';
import { Mask, maskFor } from '../system/mask.js';
import { ExposedMetrics, openMetrics, unfailingMetrics } from '../system/metrics.js';
import { random } from '../system/random.js';

/** The metrics of a router, and the text that `/metrics` serves. */
export { ExposedMetrics };

/** How a service is provided: an object, or a function that is called once, when the service is first needed. */
export type Provider<T> = { readonly useValue: T } | { readonly useFactory: () => T };

/** What `configure` is given. */
export interface ServiceRegistry {
  /** Provides a service, also in place of the router's own. The last call for a token wins. */
  register<T>(token: Token<T>, provider: Provider<T>): void;
}

/** Replaces services of a router, or adds some: `(container) => container.register(Clock, { useValue: mine })`. */
export type Configure = (container: ServiceRegistry) => void;

export class Container implements ServiceRegistry {
  readonly #container: DependencyContainer;

  private constructor(container: DependencyContainer) {
    this.#container = container;
  }

  /** The services of a router. What `configure` registers wins; its log and metrics cannot fail either. */
  static forRouter(log: () => Log, configure: Configure = () => {}, mask: Mask = maskFor([])): Container {
    const services = new Container(rootContainer.createChildContainer());
    const replaced = new Map<Token<unknown>, Provider<unknown>>();
    configure({ register: (token, provider) => void replaced.set(token, provider) });
    const register = <T>(
      token: Token<T>,
      factory: () => T,
      guarded: (service: T) => T = (service) => service,
    ): void => {
      // What is registered for a token provides its type.
      const given = replaced.get(token) as Provider<T> | undefined;
      replaced.delete(token);
      services.register(token, { useFactory: () => guarded(given === undefined ? factory() : provided(given)) });
    };
    register(Clock, () => systemClock);
    register(Random, () => random);
    register(Mask, () => mask);
    register(Log, log, unfailing);
    register(ExposedMetrics, openMetrics, (metrics) => unfailingMetrics(metrics, services.get(Log)));
    register(
      Metrics,
      () => services.get(ExposedMetrics),
      (metrics) => unfailingMetrics(metrics, services.get(Log)),
    );
    register(Network, () => openNetwork(services.get(Clock)));
    register(HttpClient, () => services.get(Network));
    for (const [token, provider] of replaced) services.register(token, provider);
    return services;
  }

  /** The service. Throws where nothing provides it. */
  get<T>(token: Token<T>): T {
    // An unregistered class would be constructed without what it needs.
    if (!this.has(token)) throw new Error(`nothing provides ${tokenName(token)}`);
    return this.#container.resolve(token as InjectionToken<T>);
  }

  has(token: Token<unknown>): boolean {
    return this.#container.isRegistered(token as InjectionToken, true);
  }

  register<T>(token: Token<T>, provider: Provider<T>): void {
    const useFactory = instanceCachingFactory(() => provided(provider));
    this.#container.register(token as InjectionToken<T>, { useFactory });
  }

  /** A class that is instantiated once, when it is first needed, with what its constructor injects. */
  registerClass(type: new (...parameters: never[]) => unknown): void {
    this.#container.registerSingleton(type as new () => unknown);
  }

  /** A container below this one; what it registers is seen there only. */
  child(): Container {
    return new Container(this.#container.createChildContainer());
  }
}

/** A token in a message. */
export function tokenName(token: Token<unknown>): string {
  return typeof token === 'symbol' ? (token.description ?? 'a service') : token.name;
}

/** A log whose lines have these fields, too. */
export function logWith(added: LogFields, log: Log): Log {
  const at =
    (level: keyof Log) =>
    (event: string, fields?: LogFields): void =>
      log[level](event, { ...added, ...fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function provided<T>(provider: Provider<T>): T {
  return 'useValue' in provider ? provider.useValue : provider.useFactory();
}
