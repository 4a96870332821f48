/** The services that the components of one plugin share: made once for a key, opened with the first user, closed with the last. */
import {
  ComponentInfo,
  Emitter,
  type Inject,
  type Injected,
  Log,
  type ServiceDefinition,
  State,
  type Token,
} from '@switchhook/sdk';
import type { ComponentRow, Config } from '../config/config.js';
import { EmitterOf } from '../ingest/emitters.js';
import { Mask } from '../system/mask.js';
import { StateOf } from '../system/plugin-state.js';
import { type Container, logWith } from './container.js';
import {
  circle,
  keyProblem,
  type Provided,
  providedTwice,
  providersOf,
  requireInstance,
  type ServicePlugin,
  servicesFor,
  unprovided,
} from './plugin-providers.js';
import { SharedInstance } from './shared-instance.js';

/** What a component is given, and the services of its plugin among it. */
export interface Resolved {
  readonly services: Injected<Inject>;
  readonly shared: readonly SharedInstance[];
}

/** The plugins of one router, among which one finds the services of another. */
export interface Peers {
  readonly loaded: ReadonlySet<ServicePlugin>;
  /** Services of installed plugins that are not loaded, by their tokens. */
  readonly unlisted: ReadonlyMap<unknown, string>;
  /** The services of a plugin of this router. */
  of(plugin: ServicePlugin): PluginServices;
  /** What brings the component of a row. */
  pluginOf(row: ComponentRow): ServicePlugin;
}

export class PluginServices {
  readonly #plugin: ServicePlugin;
  readonly #router: Container;
  readonly #container: Container;
  readonly #peers: Peers;
  readonly #rows: readonly ComponentRow[];
  readonly #made = new Map<ServiceDefinition, Map<string, SharedInstance>>();

  /**
   * `rows`: all rows of the configuration whose components may use a service of the plugin; `options`: its own, checked; `peers`:
   * none = it is the only plugin, and brings all rows.
   */
  constructor(
    plugin: ServicePlugin,
    rows: readonly ComponentRow[],
    router: Container,
    { directory, country }: Pick<Config, 'directory' | 'country'>,
    options: Readonly<Record<string, unknown>> = {},
    peers?: Peers,
  ) {
    this.#plugin = plugin;
    this.#rows = rows;
    this.#router = router;
    this.#peers = peers ?? {
      loaded: new Set([plugin]),
      unlisted: new Map(),
      of: () => this,
      pluginOf: () => plugin,
    };
    this.#container = router.child();
    this.#container.register(Log, { useValue: logWith({ plugin: plugin.name }, router.get(Log)) });
    this.#container.register(ComponentInfo, { useValue: { name: plugin.name, directory, country } });
    if (plugin.options !== undefined) this.#container.register(plugin.options.token, { useValue: options });
    if (!router.has(State)) this.#container.register(State, { useFactory: () => router.get(StateOf)(plugin.name) });
  }

  /** Of the messages of what fails. */
  get mask(): Mask {
    return this.#router.get(Mask);
  }

  /** What the component of a row is given. Its log has its name, and so has `ComponentInfo`. */
  for(row: ComponentRow): Resolved {
    const component = this.#container.child();
    component.register(Log, { useValue: logWith({ component: row.name }, this.#router.get(Log)) });
    component.register(ComponentInfo, { useValue: { ...component.get(ComponentInfo), name: row.name } });
    if (!this.#router.has(Emitter))
      component.register(Emitter, {
        useFactory: () => {
          if (row.component.kind === 'destination' && row.component.emits !== undefined)
            return this.#router.get(EmitterOf)(row.name);
          throw new Error('only a destination whose component declares `emits` can inject Emitter');
        },
      });
    return this.#resolve(row.component.inject ?? {}, row, component, []);
  }

  /** `path`: the services that are being made for the row, the one that injects last. */
  #resolve(inject: Inject, row: ComponentRow, container: Container, path: readonly ServiceDefinition[]): Resolved {
    const shared: SharedInstance[] = [];
    const services = Object.entries(inject).map(([name, token]) => {
      const found = this.#find(token, container);
      if (found === null) return [name, container.get(token)];
      const service = this.#peers.of(found.plugin).#service(found.provider, row, path);
      shared.push(service);
      return [name, service.instance];
    });
    // One service for each name, of the type that its token has.
    return { services: Object.fromEntries(services) as Injected<Inject>, shared };
  }

  /** The plugin's own service comes first, then what its container has, then a service of another plugin. Null: it is in the container. */
  #find(token: Token<unknown>, container: Container): Provided | null {
    const { loaded, unlisted } = this.#peers;
    const providers = providersOf(token, this.#plugin, loaded);
    const [first] = providers;
    if (first?.plugin === this.#plugin) return first;
    if (container.has(token)) return null;
    if (first === undefined) throw unprovided(token, loaded, unlisted);
    if (providers.length > 1) throw providedTwice(token, providers);
    return first;
  }

  #service(provider: ServiceDefinition, row: ComponentRow, path: readonly ServiceDefinition[]): SharedInstance {
    const by = path.at(-1);
    // Within one plugin, both are refused when it is loaded.
    if (path.includes(provider)) throw circle([...path.slice(path.indexOf(provider)), provider]);
    const problem = by === undefined ? null : keyProblem(by, provider);
    if (problem !== null) throw new Error(problem);
    const keyOf = ({ options }: ComponentRow): string => provider.key?.(options) ?? '';
    const key = keyOf(row);
    const made = this.#made.get(provider) ?? new Map<string, SharedInstance>();
    this.#made.set(provider, made);
    const known = made.get(key);
    if (known !== undefined) return known;
    const { services, shared } = this.#resolve(provider.inject ?? {}, row, this.#container, [...path, provider]);
    const users = this.#rows.filter((one) => this.#uses(one, provider) && keyOf(one) === key);
    const instance = provider.create(
      services,
      users.map(({ options }) => options),
    );
    requireInstance(provider, instance);
    const service = new SharedInstance(instance, shared);
    made.set(key, service);
    return service;
  }

  /** Whether it is among what the component of a row injects, also through other services. */
  #uses(row: ComponentRow, wanted: ServiceDefinition): boolean {
    const { loaded } = this.#peers;
    const isGiven = (token: Token<unknown>): boolean => this.#router.has(token);
    const all = servicesFor(row.component.inject, this.#peers.pluginOf(row), loaded, isGiven);
    return all.some(({ provider }) => provider === wanted);
  }
}
