/** From a checked configuration to what a router is made of. Nothing is opened here. */
import type { RequestListener } from 'node:http';
import type { ComponentRow, Config } from '../config/config.js';
import type { Component, Kind, Source } from '../contract/component.js';
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
import { type Services, tokens } from './container.js';
import { maskFor } from './log.js';
import { type Made, made, withBatches } from './made.js';
import { resolverOnceOpen, storeOnceOpen } from './once-open.js';
import { Opening } from './opening.js';

/** All parts of a router. */
export interface Assembly {
  readonly store: Opening;
  /** All others. */
  readonly components: readonly Opening[];
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

  const [clock, log, metrics] = [services.get(tokens.clock), services.get(tokens.log), services.get(tokens.metrics)];
  const openingOf = (component: Made) => new Opening(component, clock, log);
  const plainStore = services.get(tokens.store);
  const { type } = config.store.component;
  const storeOpening = openingOf({ kind: 'store', name: 'store', type, instance: plainStore });
  const store = storeOnceOpen(plainStore, storeOpening);
  const callSources = config.sources.filter(({ component }) => component.calls === true).map(({ name }) => name);
  const recent = recentMadeBy(({ within: withinMs, limit }) =>
    recentResolver({ store, clock, callSources, withinMs, limit }),
  );
  const resolvers = config.resolvers.map((row) => {
    const component = row.component === recentComponent ? recent : row.component;
    const resolver = make('resolver', { ...row, component });
    return { ...resolver, row, opening: openingOf(resolver) };
  });
  const numbers = numberReader(config.country);
  const observer = new Observer(log, metrics);
  observer.expect(config);
  metrics.gauge('build_info', 'Always 1; the version is in the label', 1, { version });
  const answers = new Answers({
    rows: config.answers,
    resolvers: byName(resolvers, ({ name, instance, opening, row: { timeoutMs, after, concurrency, breaker } }) => {
      return { name, resolver: resolverOnceOpen(instance, opening), timeoutMs, after, concurrency, breaker };
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
    receive: (source, request, startedAtMs) => pipeline.receive(source, request, startedAtMs),
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
    store: storeOpening,
    components: [
      ...[...transforms, ...destinations].map(openingOf),
      ...resolvers.map(({ opening }) => opening),
      ...sources.map(openingOf),
    ],
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

function byName<T extends { readonly name: string }, V>(items: readonly T[], pick: (item: T) => V): Map<string, V> {
  return new Map(items.map((item) => [item.name, pick(item)]));
}
