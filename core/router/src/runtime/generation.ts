/** One configuration at work: its components, and what the parts of the router take from it. */
import { Clock, type Kind, Log, type Plugin, phoneNormalizer, Store, StoreReader } from '@switchhook/sdk';
import type { ReplayPlan } from '../admin/bulk-replay.js';
import type { ControlPlan } from '../admin/control.js';
import type { AdminPlan } from '../admin/operations.js';
import type { StatusPlan } from '../admin/status.js';
import type { AnswerPlan } from '../calls/answer.js';
import { storeReader } from '../calls/store-reader.js';
import type { ComponentRow, Config } from '../config/config.js';
import type { DeliveryPlan } from '../delivery/dispatcher.js';
import { type EmitPlan, EmitterOf, Emitters } from '../ingest/emitters.js';
import type { LaterPlan } from '../ingest/later-answers.js';
import type { PullPlan } from '../ingest/pulling.js';
import { IngestTelemetry } from '../ingest/telemetry.js';
import type { SourcePlan } from '../pipeline.js';
import { Routes } from '../routing/routes.js';
import { Mask } from '../system/mask.js';
import { StateOf, stateIn } from '../system/plugin-state.js';
import { ComponentFailure, type CreatedComponent, createComponent, withBatches } from './component-factory.js';
import { ComponentLifecycle, resolverUntilOpen } from './component-lifecycle.js';
import type { Container } from './container.js';
import { PluginServices } from './plugin-services.js';
import type { RetentionPlan } from './retention.js';

/** What a router takes from its configuration. */
export interface Generation
  extends SourcePlan,
    EmitPlan,
    PullPlan,
    LaterPlan,
    DeliveryPlan,
    AnswerPlan,
    AdminPlan,
    ControlPlan,
    ReplayPlan,
    StatusPlan,
    RetentionPlan {
  readonly config: Config;
  /** Of all components but the store. */
  readonly lifecycles: readonly ComponentLifecycle[];
}

/** Leases of sources that pull; no plugin can have the name of a package with a colon. */
const pullNamespace = 'switchhook:pull';

/** Creates all components but the store. Nothing is opened. Throws a `ComponentFailure`. */
export function createGeneration(config: Config, container: Container, engine: Container): Generation {
  const [clock, log, mask] = [engine.get(Clock), engine.get(Log), engine.get(Mask)];
  const ingestTelemetry = engine.get(IngestTelemetry);
  const callSources = config.sources.filter(({ component }) => component.calls === true).map(({ name }) => name);
  if (!container.has(StoreReader))
    container.register(StoreReader, { useValue: storeReader(engine.get(Store), callSources) });
  const store = engine.get(Store);
  const stateOf = stateOfPlugins(config, stateIn(store, clock));
  container.register(StateOf, { useValue: stateOf });
  // What is emitted is routed by the plan, which is made of this generation.
  container.register(EmitterOf, {
    useValue: (name) => ({ emit: (drafts) => engine.get(Emitters).emit(name, drafts) }),
  });
  const emitters = new Set(config.destinations.filter(({ component }) => component.emits).map(({ name }) => name));
  const plugins = pluginServices(config, container);
  const created = <K extends Kind>(kind: K, row: ComponentRow<K>) => createComponent(kind, row, plugins(row.plugin));
  const lifecycleOf = (component: CreatedComponent) => new ComponentLifecycle(component, clock, log, mask);
  const sources = config.sources.map((row) => {
    const source = created('source', row);
    if (row.component.answerBy === 'call' && (!store.state || !store.setState || !store.stateKeys))
      throw new ComponentFailure({ ...source, position: row.position ?? null }, 'cannot be used', noOpenCalls(), mask);
    return source;
  });
  const transforms = config.transforms.map((row) => created('transform', row));
  const destinations = config.destinations.map((row) => {
    const destination = withBatches(created('destination', row), row);
    return { ...destination, row, lifecycle: lifecycleOf(destination) };
  });
  const resolvers = config.resolvers.map((row) => {
    const resolver = created('resolver', row);
    return { ...resolver, row, lifecycle: lifecycleOf(resolver) };
  });
  return {
    config,
    lifecycles: [
      ...transforms.map(lifecycleOf),
      ...[...destinations, ...resolvers].map(({ lifecycle }) => lifecycle),
      ...sources.map(lifecycleOf),
    ],
    sources: byName(sources, ({ instance }) => instance),
    callSources,
    pulling: sources.flatMap(({ name, instance, position, type }, index) => {
      if (instance.start === undefined) return [];
      const { plugin } = config.sources[index] ?? { plugin: null };
      try {
        const leases = store.onDue === undefined ? null : stateOf(pullNamespace);
        return [{ name, source: instance, state: stateOf(plugin?.name ?? 'switchhook'), leases }];
      } catch (error) {
        throw new ComponentFailure(
          { kind: 'source', name, type, position: position ?? null },
          'cannot be used',
          error,
          mask,
        );
      }
    }),
    transforms: byName(transforms, ({ instance }) => instance),
    destinations: byName(destinations, ({ instance, lifecycle, row }) => {
      const own = emitters.has(row.name) ? emitters : null;
      return { destination: instance, policy: row.queue, emitters: own, probe: probeOf(lifecycle) };
    }),
    resolvers: byName(resolvers, ({ name, instance, lifecycle, row: { timeoutMs, after, concurrency, breaker } }) => {
      const resolver = resolverUntilOpen(instance, lifecycle);
      return { name, resolver, timeoutMs, after, concurrency, breaker, probe: probeOf(lifecycle) };
    }),
    routes: config.routes,
    routeTable: new Routes(config.routes, ({ name }, reason) => ingestTelemetry.unroutable(name, reason)),
    answers: config.answers,
    normalizePhone: phoneNormalizer(config.country),
    keepMs: config.store.retentionMs,
  };
}

function noOpenCalls(): Error {
  const message = 'it answers by a call, and the store has no state, setState and stateKeys';
  return Object.assign(new Error(message), { code: 'STATE_NOT_KEPT' });
}

/** Plugins are distinguished by their names: two that are called alike would share their keys. */
function stateOfPlugins(config: Config, stateOf: StateOf): StateOf {
  return (name) => {
    const plugins = new Set(componentRows(config).flatMap(({ plugin }) => (plugin?.name === name ? [plugin] : [])));
    if (plugins.size > 1)
      throw new Error(`it requires State, and another plugin has the name ${name}, too: give each its own name`);
    return stateOf(name);
  };
}

/** Null where the component has none. */
function probeOf(lifecycle: ComponentLifecycle): ComponentLifecycle['probe'] | null {
  return lifecycle.made.lifecycle.probe === undefined ? null : (timeoutMs) => lifecycle.probe(timeoutMs);
}

/** The services of each plugin; the router's own components have those of the router only. */
export function pluginServices(config: Config, container: Container): (plugin: Plugin | null) => PluginServices {
  const rows = componentRows(config);
  const created = new Map<Plugin | null, PluginServices>();
  return (plugin) => {
    const known = created.get(plugin);
    if (known !== undefined) return known;
    const own = rows.filter((row) => row.plugin === plugin);
    const options = plugin === null ? {} : config.pluginOptions.get(plugin);
    const services = new PluginServices(plugin ?? { name: 'switchhook' }, own, container, config, options);
    created.set(plugin, services);
    return services;
  };
}

/** All rows that name a component. */
export function componentRows(config: Config): readonly ComponentRow[] {
  const { store, sources, transforms, destinations, resolvers } = config;
  return [store, ...sources, ...transforms, ...destinations, ...resolvers];
}

function byName<T extends { readonly name: string }, V>(items: readonly T[], pick: (item: T) => V): Map<string, V> {
  return new Map(items.map((item) => [item.name, pick(item)]));
}
