/** From a checked configuration to what a router is made of. Nothing is opened here. */
import type { RequestListener } from 'node:http';
import {
  Clock,
  type Component,
  type Kind,
  Log,
  Metrics,
  type PhoneNormalizer,
  type Plugin,
  phoneNormalizer,
  Random,
  type Source,
  Store,
} from '@switchhook/sdk';
import { Operations } from '../admin/operations.js';
import { gaugesOf } from '../admin/status.js';
import { Answers } from '../calls/answer.js';
import { recentComponent, recentMadeBy, recentResolver } from '../calls/recent.js';
import { CallTelemetry } from '../calls/telemetry.js';
import type { ComponentRow, Config } from '../config/config.js';
import { DeliveryTelemetry } from '../delivery/telemetry.js';
import type { ApiAccess } from '../http/access.js';
import { apiFor } from '../http/admin-api.js';
import { ConnectionFairness } from '../http/connection-fairness.js';
import type { RouterInfo } from '../http/endpoints.js';
import type { Hook, ServerParts } from '../http/hooks.js';
import { listenerFor } from '../http/server.js';
import { IngestTelemetry } from '../ingest/telemetry.js';
import { Pipeline } from '../pipeline.js';
import { Routes } from '../routing/routes.js';
import { type LineWriter, maskFor, openLog } from '../system/log.js';
import { ExposedMetrics } from '../system/metrics.js';
import { version } from '../system/version.js';
import { type CreatedComponent, createComponent, withBatches } from './component-factory.js';
import { ComponentLifecycle, resolverUntilOpen, storeUntilOpen } from './component-lifecycle.js';
import { type Configure, Container } from './container.js';
import { PluginServices } from './plugin-services.js';
import { Retention } from './retention.js';

/** How to make a router, beside its configuration. */
export interface RouterOptions {
  /** Replaces services of the router, or adds some. */
  readonly configure?: Configure;
  /** Where log lines go; default standard output. */
  readonly logTo?: LineWriter;
}

/** All parts of a router. */
export interface Composition {
  readonly container: Container;
  readonly store: ComponentLifecycle;
  /** All others. */
  readonly components: readonly ComponentLifecycle[];
  readonly pipeline: Pipeline;
  readonly answers: Answers;
  readonly operations: Operations;
  readonly retention: Retention;
  readonly numbers: PhoneNormalizer;
  readonly listener: RequestListener;
  readonly fairness: ConnectionFairness;
  /** By name. */
  readonly sources: ReadonlyMap<string, Source>;
}

/** Makes all components and wires them. `ready` is what `/readyz` asks. Throws a `ComponentFailure`. */
export function composeRouter(
  config: Config,
  { configure, logTo }: RouterOptions,
  ready: () => Promise<void>,
): Composition {
  const made: { store: CreatedComponent<'store'> | null } = { store: null };
  const container = Container.forRouter(
    () => openLog({ level: config.log.level, secrets: config.secrets, ...(logTo && { to: logTo }) }),
    () => {
      made.store = make('store', config.store);
      return made.store.instance;
    },
    configure,
  );
  const plugins = pluginServices(config, container);
  const make = <K extends Kind>(kind: K, row: ComponentRow<K>): CreatedComponent<K> => {
    return createComponent(kind, row, plugins(row.plugin));
  };
  const sources = config.sources.map((row) => ({ ...make('source', row), row }));
  const transforms = config.transforms.map((row) => make('transform', row));
  const destinations = config.destinations.map((row) => ({ ...withBatches(make('destination', row), row), row }));

  const [clock, log, metrics] = [container.get(Clock), container.get(Log), container.get(Metrics)];
  const lifecycleOf = (component: CreatedComponent) => new ComponentLifecycle(component, clock, log);
  const plainStore = container.get(Store);
  const { type } = config.store.component;
  const replaced = { kind: 'store', name: 'store', type, instance: plainStore, lifecycle: plainStore } as const;
  const storeLifecycle = lifecycleOf(made.store ?? replaced);
  const store = storeUntilOpen(plainStore, storeLifecycle);
  const callSources = config.sources.filter(({ component }) => component.calls === true).map(({ name }) => name);
  const recent = recentMadeBy(({ within: withinMs, limit }) =>
    recentResolver({ store, clock, callSources, withinMs, limit }),
  );
  const resolvers = config.resolvers.map((row) => {
    const component = row.component === recentComponent ? recent : row.component;
    const resolver = make('resolver', { ...row, component });
    return { ...resolver, row, opening: lifecycleOf(resolver) };
  });
  const numbers = phoneNormalizer(config.country);
  const ingestTelemetry = new IngestTelemetry(log, metrics);
  const deliveryTelemetry = new DeliveryTelemetry(log, metrics);
  const callTelemetry = new CallTelemetry(log, metrics);
  ingestTelemetry.expect(config.sources);
  deliveryTelemetry.expect(config.destinations);
  callTelemetry.expect(config.answers);
  metrics.gauge('build_info', 'Always 1; the version is in the label', 1, { version });
  const answers = new Answers({
    rows: config.answers,
    resolvers: byName(resolvers, ({ name, instance, opening, row: { timeoutMs, after, concurrency, breaker } }) => {
      return { name, resolver: resolverUntilOpen(instance, opening), timeoutMs, after, concurrency, breaker };
    }),
    clock,
    log,
  });
  const pipeline = new Pipeline({
    sources: byName(sources, ({ instance }) => instance),
    routes: new Routes(config.routes, ({ name }, reason) => ingestTelemetry.unroutable(name, reason)),
    transforms: byName(transforms, ({ instance }) => instance),
    destinations: byName(destinations, ({ instance, row }) => ({ destination: instance, policy: row.queue })),
    answers,
    store,
    clock,
    log,
    ingestTelemetry,
    deliveryTelemetry,
    callTelemetry,
    numbers,
    random: container.get(Random),
  });
  const operations = new Operations({
    store,
    queues: pipeline,
    sources: byName(sources, ({ instance }) => instance),
    callSources,
    routes: config.routes,
    transforms: byName(transforms, ({ instance }) => instance),
    destinations: byName(destinations, ({ instance, row }) => ({ destination: instance, policy: row.queue })),
    mask: maskFor(config.secrets),
    clock,
    log,
    deliveryTelemetry,
    numbers,
  });
  const retention = new Retention({ store, keepMs: config.store.retentionMs, clock, log });
  const limits = { maxBytes: config.server.bodyLimitBytes, timeoutMs: config.server.bodyTimeoutMs };
  const fairness = new ConnectionFairness();
  const parts: ServerParts = {
    hooks: byName(sources, ({ row }) => hookOf(row.component)),
    receive: (source, request, startedAtMs) => pipeline.receive(source, request, startedAtMs),
    refused: (...refusal) => ingestTelemetry.refused(...refusal),
    ready,
    metrics: async () => container.get(ExposedMetrics).expose(gaugesOf(await operations.status(), pipeline.committing)),
    api: apiFor({ operations, facts: factsOf(config), access: accessOf(config), limits, clock, log }),
    limits,
    trustProxy: config.server.trustProxy,
    publicUrl: config.server.publicUrl,
    clock,
    log,
  };
  return {
    container,
    sources: byName(sources, ({ instance }) => instance),
    store: storeLifecycle,
    components: [
      ...[...transforms, ...destinations].map(lifecycleOf),
      ...resolvers.map(({ opening }) => opening),
      ...sources.map(lifecycleOf),
    ],
    pipeline,
    answers,
    operations,
    retention,
    numbers,
    listener: listenerFor(parts, fairness),
    fairness,
  };
}

/** The services of each plugin; the router's own components have those of the router only. */
function pluginServices(config: Config, container: Container): (plugin: Plugin | null) => PluginServices {
  const { store, sources, transforms, destinations, resolvers } = config;
  const rows: readonly ComponentRow[] = [store, ...sources, ...transforms, ...destinations, ...resolvers];
  const made = new Map<Plugin | null, PluginServices>();
  return (plugin) => {
    const known = made.get(plugin);
    if (known !== undefined) return known;
    const own = rows.filter((row) => row.plugin === plugin);
    const services = new PluginServices(plugin ?? { name: 'switchhook' }, own, container, config);
    made.set(plugin, services);
    return services;
  };
}

/** What rings is not refused for what its sender calls the body. */
function hookOf({ accepts, calls = false }: Component): Hook {
  return { accepts: accepts ?? (calls ? null : ['application/json']), calls };
}

function factsOf(config: Config): RouterInfo {
  const { store, sources, transforms, destinations, resolvers, routes } = config;
  const rows: readonly ComponentRow[] = [store, ...sources, ...transforms, ...destinations, ...resolvers];
  const components = rows.map(({ name, component: { kind, type: use, description } }) => {
    return { kind, name, use, description };
  });
  return { version, node: process.version, routes, components };
}

function accessOf({ server: { adminToken, trustProxy, publicUrl } }: Config): ApiAccess {
  return { token: adminToken, proxied: trustProxy || publicUrl !== null };
}

function byName<T extends { readonly name: string }, V>(items: readonly T[], pick: (item: T) => V): Map<string, V> {
  return new Map(items.map((item) => [item.name, pick(item)]));
}
