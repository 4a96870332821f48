/** One configuration at work: its components, and what the parts of the router take from it. */
import { hostname } from 'node:os';
import { Clock, type Instances, type Kind, Log, type Plugin, phoneNormalizer, Store } from '@switchhook/sdk';
import type { ReplayPlan } from '../admin/bulk-replay.js';
import type { ControlPlan } from '../admin/control.js';
import type { ErasuresPlan } from '../admin/erasures.js';
import type { AdminPlan } from '../admin/operations.js';
import type { StatusPlan } from '../admin/status.js';
import type { TrialPlan } from '../admin/trials.js';
import type { AnswerPlan } from '../calls/answer.js';
import type { OpenResolver } from '../calls/resolver-bulkhead.js';
import type { ClusterPlan } from '../cluster/cluster.js';
import type { ComponentRow, Config } from '../config/config.js';
import { routerEventSource } from '../config/router-row.js';
import { digestOf } from '../config/written.js';
import type { OpenDestination } from '../delivery/attempt.js';
import type { DeliveryPlan } from '../delivery/dispatcher.js';
import { draftMask } from '../ingest/draft-mask.js';
import type { EmitPlan } from '../ingest/emitters.js';
import type { LaterPlan } from '../ingest/later-answers.js';
import type { Pulling, PullPlan } from '../ingest/pulling.js';
import type { RefusedPlan } from '../ingest/refused-requests.js';
import { IngestTelemetry } from '../ingest/telemetry.js';
import type { IncompletePlan } from '../monitor/incomplete.js';
import type { MonitorPlan } from '../monitor/monitor.js';
import type { SourcePlan } from '../pipeline.js';
import { longestMs } from '../routing/retention-policy.js';
import { routerSource } from '../routing/router-events.js';
import { Routes } from '../routing/routes.js';
import { Mask } from '../system/mask.js';
import { StateKept, StateOf, stateIn } from '../system/plugin-state.js';
import { version } from '../system/version.js';
import { ComponentFailure, type CreatedComponent, createComponent, namesOf, withBatches } from './component-factory.js';
import { ComponentLifecycle, resolverUntilOpen } from './component-lifecycle.js';
import type { Container } from './container.js';
import { type ComponentSection, componentSections, isUnchanged, rowsOf } from './difference.js';
import type { ServicePlugin } from './plugin-providers.js';
import { type Peers, PluginServices } from './plugin-services.js';
import type { RetentionPlan } from './retention.js';
import { type ServerPlan, serverPlan } from './server-plan.js';

/** What a router takes from its configuration. */
export interface Generation
  extends SourcePlan,
    EmitPlan,
    PullPlan,
    RefusedPlan,
    LaterPlan,
    DeliveryPlan,
    AnswerPlan,
    AdminPlan,
    TrialPlan,
    ControlPlan,
    ReplayPlan,
    StatusPlan,
    ClusterPlan,
    RetentionPlan,
    ErasuresPlan,
    MonitorPlan,
    IncompletePlan {
  readonly config: Config;
  readonly server: ServerPlan;
  /** Of all components but the store, by kind and name, in the order in which they are opened. */
  readonly lifecycles: ReadonlyMap<string, ComponentLifecycle>;
}

/** What a generation is made with. */
export interface GenerationParts {
  readonly container: Container;
  readonly engine: Container;
  /** The one at work, whose unchanged components stay; null at the start. */
  readonly earlier: Generation | null;
}

/** Leases of sources that pull; no plugin can have the name of a package with a colon. */
const pullNamespace = 'switchhook:pull';

/** Creates all components but the store, and takes over those that are the same as before. Nothing is opened. Throws a `ComponentFailure`. */
export function createGeneration(config: Config, { container, engine, earlier }: GenerationParts): Generation {
  const [clock, log, mask] = [engine.get(Clock), engine.get(Log), engine.get(Mask)];
  const ingestTelemetry = engine.get(IngestTelemetry);
  const store = engine.get(Store);
  const own = container.child();
  const keep = container.has(StateKept) ? container.get(StateKept) : stateIn;
  const stateOf = stateOfPlugins(config, keep(store, clock));
  own.register(StateOf, { useValue: stateOf });
  const kept = (section: ComponentSection, name: string): ComponentLifecycle | undefined =>
    earlier !== null && isUnchanged(section, name, earlier.config, config)
      ? earlier.lifecycles.get(`${section}.${name}`)
      : undefined;
  const plugins = pluginServices(config, own, [
    ...(earlier === null ? [config.store] : []),
    ...componentSections.flatMap((section) =>
      rowsOf(config, section).filter(({ name }) => kept(section, name) === undefined),
    ),
  ]);
  const lifecycles = new Map<string, ComponentLifecycle>();
  const add = (section: ComponentSection, row: ComponentRow, create: () => CreatedComponent): ComponentLifecycle => {
    const lifecycle = kept(section, row.name) ?? new ComponentLifecycle(create(), clock, log, mask);
    lifecycles.set(`${section}.${row.name}`, lifecycle);
    return lifecycle;
  };
  const create = <K extends Kind>(row: ComponentRow<K>) => createComponent(row, plugins(row.plugin));
  const transforms = byName(config.transforms, (row) =>
    instanceOf<'transform'>(add('transforms', row, () => create(row))),
  );
  const destinations = byName(config.destinations, (row): OpenDestination => {
    const lifecycle = add('destinations', row, () => withBatches(create(row), row));
    const same = kept('destinations', row.name) && earlier?.destinations.get(row.name);
    if (same !== undefined) return same;
    const destination = instanceOf<'destination'>(lifecycle);
    return { destination, policy: row.queue, emits: emits(row), probe: probeOf(lifecycle) };
  });
  const resolvers = byName(config.resolvers, (row): OpenResolver => {
    const lifecycle = add('resolvers', row, () => create(row));
    const same = kept('resolvers', row.name) && earlier?.resolvers.get(row.name);
    if (same !== undefined) return same;
    const { name, timeoutMs, after, concurrency, breaker } = row;
    const resolver = resolverUntilOpen(instanceOf<'resolver'>(lifecycle), lifecycle);
    const digest = resolverDigest(config, name);
    return { name, resolver, timeoutMs, after, concurrency, breaker, digest, probe: probeOf(lifecycle) };
  });
  const sources = byName(config.sources, (row) => {
    const why = config.expectations.some(({ source }) => source === row.name) ? 'it has followedBy' : null;
    const needs = row.component.answerBy === 'call' ? 'it answers by a call' : why;
    if (needs !== null && (!store.state || !store.setState || !store.stateKeys))
      throw new ComponentFailure(namesOf(row), 'cannot be used', noState(needs), mask);
    return instanceOf<'source'>(add('sources', row, () => create(row)));
  });
  const pulling = config.sources.flatMap((row): readonly Pulling[] => {
    const [source, { name, plugin }] = [sources.get(row.name), row];
    if (source?.start === undefined) return [];
    const same = kept('sources', name) && earlier?.pulling.find((one) => one.name === name);
    if (same !== undefined) return [same];
    try {
      const leases = store.onDue === undefined ? null : stateOf(pullNamespace);
      return [{ name, source, state: stateOf(plugin?.name ?? 'switchhook'), leases }];
    } catch (error) {
      throw new ComponentFailure(namesOf(row), 'cannot be used', error, mask);
    }
  });
  return {
    ...{ config, lifecycles, pulling, destinations, resolvers },
    ...{ alerts: config.alerts, expectations: config.expectations },
    sources: sources.set(routerSource, routerEventSource),
    number: (earlier?.number ?? 0) + 1,
    sinceMs: clock.now(),
    changedMs: earlier?.changedMs ?? new Map(),
    ...{ routerName: config.server.name ?? `${hostname()}:${process.pid}`, digest: digestOf(config.written) },
    server: serverPlan(config, sources, clock),
    captures: new Set(config.sources.flatMap(({ name, capture }) => (capture ? [name] : []))),
    masks: new Map(
      config.sources.flatMap(({ name, mask }) => (mask === null ? [] : [[name, draftMask(mask)] as const])),
    ),
    callSources: config.sources.filter(({ component }) => component.calls === true).map(({ name }) => name),
    // Deliveries that wait may name one that has been removed.
    transforms: new Map([...(earlier?.transforms ?? []), ...transforms]),
    emitters: new Set(config.destinations.filter(emits).map(({ name }) => name)),
    routes: config.routes,
    routeTable: new Routes(config.routes, reportTo(ingestTelemetry)),
    answers: config.answers,
    normalizePhone: phoneNormalizer(config.country),
    retention: config.retention,
    keepMs: longestMs(config.retention),
  };
}

/** Of its row, of the options of plugins, and of what else its facts depend on. */
function resolverDigest({ written, country }: Config, name: string): string {
  const rows = [`resolvers.${name}`, 'plugins'].map((row) => [row, written.get(row) ?? ''] as const);
  return `${name}@${digestOf(new Map([...rows, ['country', country ?? ''], ['version', version]]))}`;
}

/** Made outside of the generation: a function within it would keep all that went before it. */
function reportTo(telemetry: IngestTelemetry): ConstructorParameters<typeof Routes>[1] {
  return ({ name }, reason) => telemetry.unroutable(name, reason);
}

function noState(needs: string): Error {
  const message = `${needs}, and the store has no state, setState and stateKeys`;
  return Object.assign(new Error(message), { code: 'STATE_NOT_KEPT' });
}

function emits({ component }: ComponentRow): boolean {
  return component.emits !== undefined;
}

/** The kind of a component stands in the key of its lifecycle; its type does not express that. */
function instanceOf<K extends Kind>({ made }: ComponentLifecycle): Instances[K] {
  return made.instance as Instances[K];
}

/** Plugins are distinguished by their names: two that are called alike would share their keys. */
function stateOfPlugins(config: Config, stateOf: StateOf): StateOf {
  return (name) => {
    if ([...config.loaded].filter((plugin) => plugin.name === name).length > 1)
      throw new Error(`it requires State, and another plugin has the name ${name}, too: give each its own name`);
    return stateOf(name);
  };
}

/** Null where the component has none. */
function probeOf(lifecycle: ComponentLifecycle): ComponentLifecycle['probe'] | null {
  return lifecycle.made.lifecycle.probe === undefined ? null : (timeoutMs) => lifecycle.probe(timeoutMs);
}

/** The services of each plugin, for these rows; the router's own components have those of the router and of plugins. */
export function pluginServices(
  config: Config,
  container: Container,
  rows: readonly ComponentRow[],
): (plugin: Plugin | null) => PluginServices {
  const router: ServicePlugin = { name: 'switchhook' };
  const created = new Map<ServicePlugin, PluginServices>();
  const of = (plugin: ServicePlugin): PluginServices => {
    const known = created.get(plugin);
    if (known !== undefined) return known;
    const services = new PluginServices(plugin, rows, container, config, config.pluginOptions.get(plugin), peers);
    created.set(plugin, services);
    return services;
  };
  const peers: Peers = {
    loaded: config.loaded,
    unlisted: config.unlistedServices,
    of,
    pluginOf: ({ plugin }) => plugin ?? router,
  };
  return (plugin) => of(plugin ?? router);
}

function byName<T extends { readonly name: string }, V>(items: readonly T[], pick: (item: T) => V): Map<string, V> {
  return new Map(items.map((item) => [item.name, pick(item)]));
}
