/** From a checked configuration to what a router is made of. Nothing is opened here. */
import type { RequestListener } from 'node:http';
import type { ComponentRow, Config, DestinationRow } from '../config/config.js';
import type { Component, Instances, Kind, Source } from '../contract/component.js';
import type { Store } from '../contract/store.js';
import { apiFor } from '../http/api.js';
import type { ApiAccess } from '../http/api-access.js';
import type { RouterFacts } from '../http/api-endpoints.js';
import { type Hook, listenerFor } from '../http/server.js';
import { type NumberReader, numberReader } from '../phone-number.js';
import { Answers } from '../pipeline/answer.js';
import { readingsOf } from '../pipeline/gauges.js';
import { Observer } from '../pipeline/observer.js';
import { Operations } from '../pipeline/operations.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { recentResolver } from '../pipeline/recent.js';
import { Retention } from '../pipeline/retention.js';
import { Routes } from '../pipeline/routes.js';
import { recentComponent, recentMadeBy } from '../store/recent.js';
import { version } from '../version.js';
import { ComponentFailure } from './component-failure.js';
import { type Services, tokens } from './container.js';
import { maskFor } from './log.js';

/** A component that has been made, and how it is called in the file. */
export interface Made<K extends Kind = Kind> {
  readonly kind: Kind;
  /** Name of the row. */
  readonly name: string;
  readonly type: string;
  readonly instance: Instances[K];
}

/** All parts of a router. */
export interface Assembly {
  readonly store: Store;
  readonly components: readonly Made[];
  readonly pipeline: Pipeline;
  readonly answers: Answers;
  readonly operations: Operations;
  readonly retention: Retention;
  readonly numbers: NumberReader;
  readonly listener: RequestListener;
  /** By name. */
  readonly sources: ReadonlyMap<string, Source>;
}

/** Makes all components and wires them. `ready` is what `/readyz` asks. Throws a `ComponentFailure`. */
export function assemble(config: Config, services: Services, ready: () => Promise<void>): Assembly {
  const make = <K extends Kind>(kind: K, row: ComponentRow<K>): Made<K> => made(kind, row, services, config);
  const sources = config.sources.map((row) => ({ ...make('source', row), row }));
  const transforms = config.transforms.map((row) => make('transform', row));
  const destinations = config.destinations.map((row) => ({ ...withBatches(make('destination', row), row), row }));

  const [store, clock, log, metrics] = [
    services.get(tokens.store),
    services.get(tokens.clock),
    services.get(tokens.log),
    services.get(tokens.metrics),
  ];
  const callSources = config.sources.filter(({ component }) => component.calls === true).map(({ name }) => name);
  const recent = recentMadeBy(({ within: withinMs, limit }) =>
    recentResolver({ store, clock, callSources, withinMs, limit }),
  );
  const resolvers = config.resolvers.map((row) => {
    const component = row.component === recentComponent ? recent : row.component;
    return { ...make('resolver', { ...row, component }), row };
  });
  const numbers = numberReader(config.country);
  const observer = new Observer(log, metrics);
  observer.expect(config);
  metrics.gauge('build_info', 'Always 1; the version is in the label', 1, { version });
  const answers = new Answers({
    rows: config.answers,
    resolvers: byName(resolvers, ({ name, instance, row: { timeoutMs, after, concurrency, breaker } }) => {
      return { name, resolver: instance, timeoutMs, after, concurrency, breaker };
    }),
    clock,
    log,
  });
  const pipeline = new Pipeline({
    sources: byName(sources, ({ instance }) => instance),
    routes: new Routes(config.routes, ({ name }, reason) => observer.unroutable(name, reason)),
    transforms: byName(transforms, ({ instance }) => instance),
    destinations: byName(destinations, ({ instance, row }) => ({ destination: instance, policy: row.lane })),
    answers,
    store,
    clock,
    log,
    observer,
    numbers,
    chance: services.get(tokens.chance),
  });
  const operations = new Operations({
    store,
    lanes: pipeline,
    sources: byName(sources, ({ instance }) => instance),
    callSources,
    routes: config.routes,
    transforms: byName(transforms, ({ instance }) => instance),
    destinations: byName(destinations, ({ instance, row }) => ({ destination: instance, policy: row.lane })),
    mask: maskFor(config.secrets),
    clock,
    log,
    observer,
    numbers,
  });
  const retention = new Retention({ store, keepMs: config.store.retentionMs, clock, log });
  const limits = { maxBytes: config.server.bodyLimitBytes, timeoutMs: config.server.bodyTimeoutMs };
  const listener = listenerFor({
    hooks: byName(sources, ({ row }) => hookOf(row.component)),
    receive: (source, request) => pipeline.receive(source, request),
    refused: (...refusal) => observer.refused(...refusal),
    ready,
    metrics: async () => metrics.expose(readingsOf(await operations.status(), pipeline.committing)),
    api: apiFor({ operations, facts: factsOf(config), access: accessOf(config), limits, clock, log }),
    limits,
    trustProxy: config.server.trustProxy,
    publicUrl: config.server.publicUrl,
    clock,
    log,
  });
  return {
    sources: byName(sources, ({ instance }) => instance),
    store,
    components: [...transforms, ...destinations, ...resolvers, ...sources],
    pipeline,
    answers,
    operations,
    retention,
    numbers,
    listener,
  };
}

/** What rings is not refused for what its sender calls the body. */
function hookOf({ accepts, calls = false }: Component): Hook {
  return { accepts: accepts ?? (calls ? null : ['application/json']), calls };
}

function factsOf(config: Config): RouterFacts {
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

/** Makes one component; what it throws is a failure with its name. */
export function made<K extends Kind>(
  kind: K,
  row: ComponentRow<K>,
  services: Services,
  { directory, country }: Config,
): Made<K> {
  try {
    const instance = row.component.create(row.options, services.toolsFor(row.name, { directory, country }));
    return { kind, name: row.name, type: row.component.type, instance };
  } catch (error) {
    throw new ComponentFailure({ kind, name: row.name, type: row.component.type }, 'could not be made', error);
  }
}

/** Where the component promises what its destinations have not, a batch would be an option without effect. */
function withBatches(destination: Made<'destination'>, { lane }: DestinationRow): Made<'destination'> {
  if (lane.batch === null || destination.instance.deliverMany !== undefined) return destination;
  throw new ComponentFailure(
    destination,
    'cannot be used',
    new Error('it has no deliverMany, although its component says `batches: true`'),
  );
}

function byName<T extends { readonly name: string }, V>(items: readonly T[], pick: (item: T) => V): Map<string, V> {
  return new Map(items.map((item) => [item.name, pick(item)]));
}
