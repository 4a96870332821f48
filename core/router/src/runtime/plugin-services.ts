/** The services that the components of one plugin share: made once for a key, opened with the first user, closed with the last. */
import {
  ComponentInfo,
  Emitter,
  type Inject,
  type Injected,
  type Lifecycle,
  Log,
  type PluginOptions,
  type ServiceDefinition,
  State,
} from '@switchhook/sdk';
import type { ComponentRow, Config } from '../config/config.js';
import { EmitterOf } from '../ingest/emitters.js';
import { Mask } from '../system/mask.js';
import { StateOf } from '../system/plugin-state.js';
import { shortPath } from '../system/returned.js';
import { type Container, logWith, tokenName } from './container.js';

/** What a component is given, and the services of its plugin among it. */
export interface Resolved {
  readonly services: Injected<Inject>;
  readonly shared: readonly SharedInstance[];
}

export class PluginServices {
  readonly #router: Container;
  readonly #container: Container;
  readonly #providers: ReadonlyMap<unknown, ServiceDefinition>;
  readonly #rows: readonly ComponentRow[];
  readonly #made = new Map<ServiceDefinition, Map<string, SharedInstance>>();

  /** `rows`: all rows of the configuration whose components the plugin brings; `options`: its own, checked. */
  constructor(
    plugin: {
      readonly name: string;
      readonly services?: readonly ServiceDefinition[];
      readonly options?: PluginOptions;
    },
    rows: readonly ComponentRow[],
    router: Container,
    { directory, country }: Pick<Config, 'directory' | 'country'>,
    options: Readonly<Record<string, unknown>> = {},
  ) {
    this.#rows = rows;
    this.#router = router;
    this.#providers = new Map((plugin.services ?? []).map((provider) => [provider.token, provider]));
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
    return this.#resolve(row.component.inject ?? {}, row, component);
  }

  #resolve(inject: Inject, row: ComponentRow, container: Container): Resolved {
    const shared: SharedInstance[] = [];
    const services = Object.entries(inject).map(([name, token]) => {
      const provider = this.#providers.get(token);
      if (provider === undefined && !container.has(token))
        throw new Error(`nothing provides ${tokenName(token)}: list it by provide(…) in the services of definePlugin`);
      if (provider === undefined) return [name, container.get(token)];
      const service = this.#service(provider, row);
      shared.push(service);
      return [name, service.instance];
    });
    // One service for each name, of the type that its token has.
    return { services: Object.fromEntries(services) as Injected<Inject>, shared };
  }

  #service(provider: ServiceDefinition, row: ComponentRow): SharedInstance {
    const keyOf = ({ options }: ComponentRow): string => provider.key?.(options) ?? '';
    const key = keyOf(row);
    const made = this.#made.get(provider) ?? new Map<string, SharedInstance>();
    this.#made.set(provider, made);
    const known = made.get(key);
    if (known !== undefined) return known;
    const { services, shared } = this.#resolve(provider.inject ?? {}, row, this.#container);
    const users = this.#rows.filter((one) => this.#uses(one.component.inject, provider) && keyOf(one) === key);
    const instance = provider.create(
      services,
      users.map(({ options }) => options),
    );
    const service = new SharedInstance(instance, shared);
    made.set(key, service);
    return service;
  }

  /** Whether it is among what is injected, also through other services. `serviceProblems` has excluded circles. */
  #uses(inject: Inject = {}, wanted: ServiceDefinition): boolean {
    return Object.values(inject).some((token) => {
      const provider = this.#providers.get(token);
      return provider !== undefined && (provider === wanted || this.#uses(provider.inject, wanted));
    });
  }
}

/** One object that several components use. */
export class SharedInstance {
  readonly instance: Lifecycle;
  readonly #needs: readonly SharedInstance[];
  #users = 0;
  #opening: Promise<void> | null = null;

  constructor(instance: Lifecycle, needs: readonly SharedInstance[]) {
    this.instance = instance;
    this.#needs = needs;
  }

  /** For one more user. Opened where it is not open; where that fails, the next user tries again. */
  async open(): Promise<void> {
    this.#users += 1;
    const opening = this.#opening ?? this.#open();
    this.#opening = opening;
    try {
      await opening;
    } catch (error) {
      this.#users -= 1;
      if (this.#opening === opening) this.#opening = null;
      throw error;
    }
  }

  /** For one user that had it open; the last one closes it. */
  async close(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#opening = null;
    try {
      await this.instance.close?.();
    } finally {
      await closeAll(this.#needs);
    }
  }

  async #open(): Promise<void> {
    await openAll(this.#needs);
    try {
      await this.instance.open?.();
    } catch (error) {
      await closeAll(this.#needs);
      throw error;
    }
  }
}

/**
 * The lifecycle of a component together with the services it shares: these are opened before it and closed after it. A try to
 * open it may begin while an earlier one, which took too long, is still under way; the services are held once all the same.
 */
export function withServices(component: Lifecycle, shared: readonly SharedInstance[]): Lifecycle {
  if (shared.length === 0) return component;
  let held: Promise<void> | null = null;
  let tries = 0;
  let isOpen = false;
  const release = async (): Promise<void> => {
    if (held === null) return;
    held = null;
    await closeAll(shared);
  };
  return {
    async open() {
      tries += 1;
      const holding = held ?? openAll(shared);
      held = holding;
      try {
        await holding;
      } catch (error) {
        tries -= 1;
        if (held === holding) held = null;
        throw error;
      }
      try {
        await component.open?.();
        isOpen = true;
      } catch (error) {
        if (tries === 1 && !isOpen) await release();
        throw error;
      } finally {
        tries -= 1;
      }
    },
    async close() {
      isOpen = false;
      try {
        await component.close?.();
      } finally {
        await release();
      }
    },
    async probe(signal) {
      let note: string | null = null;
      for (const one of [...shared.map(({ instance }) => instance), component])
        note = (await one.probe?.(signal)) ?? note;
      return note;
    },
  };
}

/** Why the services of a plugin cannot be made, whatever the configuration; empty where they can. */
export function serviceProblems(
  providers: readonly ServiceDefinition[],
  options?: Pick<PluginOptions, 'token'>,
): readonly string[] {
  const byToken = new Map<unknown, ServiceDefinition>(providers.map((provider) => [provider.token, provider]));
  const problems = new Set<string>();
  const seen = new Set<ServiceDefinition>();
  const visit = (provider: ServiceDefinition, path: readonly ServiceDefinition[]): void => {
    if (path.includes(provider)) {
      const circle = [...path.slice(path.indexOf(provider)), provider].map(({ token }) => tokenName(token));
      problems.add(`its services need each other in a circle: ${circle.join(' → ')}${placeOf(provider)}`);
    }
    if (seen.has(provider)) return;
    seen.add(provider);
    for (const token of Object.values(provider.inject ?? {})) {
      const needed = byToken.get(token);
      if (needed === undefined) continue;
      if (needed.key !== undefined && provider.key === undefined)
        problems.add(
          `${tokenName(provider.token)}${placeOf(provider)} has no key, but injects ${tokenName(token)}, which has one`,
        );
      visit(needed, [...path, provider]);
    }
  };
  for (const provider of providers) {
    const last = byToken.get(provider.token) ?? provider;
    if (last !== provider || provider.token === options?.token)
      problems.add(`it provides ${tokenName(provider.token)} twice${placeOf(last)}`);
    visit(provider, []);
  }
  return [...problems];
}

function placeOf({ definedAt }: ServiceDefinition): string {
  return definedAt == null ? '' : ` (${shortPath(definedAt)})`;
}

/** One after the other, in order; where one fails, those before it are closed. */
async function openAll(services: readonly SharedInstance[]): Promise<void> {
  for (const [index, service] of services.entries())
    try {
      await service.open();
    } catch (error) {
      await closeAll(services.slice(0, index));
      throw error;
    }
}

/** All of them, in reverse order; throws the first failure afterwards. */
async function closeAll(services: readonly SharedInstance[]): Promise<void> {
  const failures: unknown[] = [];
  for (const service of services.toReversed()) await service.close().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
