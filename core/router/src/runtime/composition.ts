/** Which class or value serves each token of the router. Nothing is opened here. */
import type { RequestListener } from 'node:http';
import { Clock, type Component, Log, Metrics, type Source, Store } from '@switchhook/sdk';
import { ReplayPlan, Replays } from '../admin/bulk-replay.js';
import { ChangeFeed } from '../admin/change-feed.js';
import { ControlPlan, Controls } from '../admin/control.js';
import { AdminPlan, Operations } from '../admin/operations.js';
import { StatusPlan, StatusReader } from '../admin/status.js';
import { AnswerPlan, Answers } from '../calls/answer.js';
import { CallTelemetry } from '../calls/telemetry.js';
import type { Config } from '../config/config.js';
import { DeliveryPlan, Dispatcher } from '../delivery/dispatcher.js';
import { DeliveryTelemetry } from '../delivery/telemetry.js';
import { apiFor } from '../http/admin-api.js';
import { ConnectionFairness } from '../http/connection-fairness.js';
import type { RouterInfo } from '../http/endpoint.js';
import type { Hook, ServerParts } from '../http/hooks.js';
import { PageFiles, type Pages, readPages } from '../http/page-files.js';
import { listenerFor } from '../http/server.js';
import { CallRecorder } from '../ingest/call-recorder.js';
import { EmitPlan, Emitters } from '../ingest/emitters.js';
import { Ingest } from '../ingest/ingest.js';
import { LaterAnswers, LaterPlan } from '../ingest/later-answers.js';
import { OpenCalls } from '../ingest/open-calls.js';
import { Pullers, PullPlan } from '../ingest/pulling.js';
import { IngestTelemetry } from '../ingest/telemetry.js';
import { VerificationQueue } from '../ingest/verification-queue.js';
import { Pipeline, SourcePlan } from '../pipeline.js';
import { type LineWriter, openLog } from '../system/log.js';
import { Mask, maskFor } from '../system/mask.js';
import { ExposedMetrics } from '../system/metrics.js';
import { Pauses } from '../system/pauses.js';
import { version } from '../system/version.js';
import { createComponent } from './component-factory.js';
import { ComponentLifecycle, storeUntilOpen } from './component-lifecycle.js';
import { type Configure, Container } from './container.js';
import { componentRows, createGeneration, type Generation, pluginServices } from './generation.js';
import { Retention, RetentionPlan } from './retention.js';

/** How to make a router, beside its configuration. */
export interface RouterOptions {
  /** Replaces services of the router, or adds some. */
  readonly configure?: Configure;
  /** Where log lines go; default standard output. */
  readonly logTo?: LineWriter;
}

/** A router, ready to be opened. */
export interface Composition {
  /** The services that a program may replace or ask for. */
  readonly container: Container;
  /** The router's own classes; its store refuses everything until it is open. */
  readonly engine: Container;
  readonly generation: Generation;
  readonly store: ComponentLifecycle;
  readonly listener: RequestListener;
  readonly fairness: ConnectionFairness;
}

const plans = [
  SourcePlan,
  EmitPlan,
  PullPlan,
  LaterPlan,
  DeliveryPlan,
  AnswerPlan,
  AdminPlan,
  ControlPlan,
  ReplayPlan,
  StatusPlan,
  RetentionPlan,
] as const;
const classes = [
  ...[IngestTelemetry, DeliveryTelemetry, CallTelemetry],
  ...[
    Pauses,
    Dispatcher,
    Ingest,
    Emitters,
    Pullers,
    CallRecorder,
    OpenCalls,
    LaterAnswers,
    VerificationQueue,
    Answers,
    Pipeline,
  ],
  ...[Replays, Operations, Controls, StatusReader, ChangeFeed, Retention],
] as const;

/** Creates all components and registers all classes. `ready` serves `/readyz`. Throws a `ComponentFailure`. */
export function composeRouter(config: Config, options: RouterOptions, ready: () => Promise<void>): Composition {
  const mask = maskFor(config.secrets);
  const container = Container.forRouter(
    () => openLog({ level: config.log.level, mask, ...(options.logTo && { to: options.logTo }) }),
    options.configure,
    mask,
  );
  const engine = container.child();
  registerClasses(engine);
  const store = createStore(config, container);
  engine.register(Store, { useValue: storeUntilOpen(container.get(Store), store) });
  const generation = createGeneration(config, container, engine);
  registerPlan(engine, generation);
  engine.get(IngestTelemetry).expect(config.sources);
  engine.get(DeliveryTelemetry).expect(config.destinations);
  engine.get(CallTelemetry).expect(config.answers);
  for (const { name, component } of config.sources)
    if (component.answerBy === 'call') engine.get(CallTelemetry).expectSent(name);
  container.get(Metrics).gauge('build_info', 'Always 1; the version is in the label', 1, { version });
  const fairness = new ConnectionFairness();
  return {
    container,
    engine,
    generation,
    store,
    listener: listenerFor(serverParts(config, engine, ready), fairness),
    fairness,
  };
}

/** One instance of each class for the container. */
export function registerClasses(container: Container): void {
  for (const each of classes) container.registerClass(each);
}

/** What the classes take from the configuration. */
export function registerPlan(container: Container, generation: Omit<Generation, 'config' | 'lifecycles'>): void {
  for (const plan of plans) container.register<unknown>(plan, { useValue: { value: generation } });
}

/** Creates the store of the configuration, unless the program has registered one. */
function createStore(config: Config, container: Container): ComponentLifecycle {
  const { name, component } = config.store;
  const system = [container.get(Clock), container.get(Log), container.get(Mask)] as const;
  if (container.has(Store)) {
    const instance = container.get(Store);
    return new ComponentLifecycle(
      { kind: 'store', name, type: component.type, instance, lifecycle: instance },
      ...system,
    );
  }
  const created = createComponent('store', config.store, pluginServices(config, container)(config.store.plugin));
  container.register(Store, { useValue: created.instance });
  return new ComponentLifecycle(created, ...system);
}

function serverParts(config: Config, engine: Container, ready: () => Promise<void>): ServerParts {
  const { adminToken, trustProxy, publicUrl, publicMetrics, bodyLimitBytes, bodyTimeoutMs } = config.server;
  const access = { token: adminToken, proxied: trustProxy || publicUrl !== null };
  const [clock, log, status] = [engine.get(Clock), engine.get(Log), engine.get(StatusReader)];
  const [pipeline, ingestTelemetry] = [engine.get(Pipeline), engine.get(IngestTelemetry)];
  const { sources } = engine.get(SourcePlan).value;
  const limits = { maxBytes: bodyLimitBytes, timeoutMs: bodyTimeoutMs };
  const api = apiFor({
    operations: engine.get(Operations),
    status,
    controls: engine.get(Controls),
    duplicates: engine.get(Ingest).duplicates,
    changes: engine.get(ChangeFeed),
    info: infoOf(config),
    access,
    trustProxy,
    limits,
    mask: engine.get(Mask),
    clock,
    log,
  });
  return {
    hooks: new Map(config.sources.map(({ name, component }) => [name, hookOf(component, sources.get(name))])),
    receive: (source, request, startedAtMs) => pipeline.receive(source, request, startedAtMs),
    refused: (...refusal) => ingestTelemetry.refused(...refusal),
    ready,
    metrics: async () => engine.get(ExposedMetrics).expose(await status.gauges()),
    metricsAccess: publicMetrics ? null : access,
    pages: config.server.dashboard ? pagesOf(engine, trustProxy) : null,
    ...{ api, limits, trustProxy, publicUrl, clock, log },
  };
}

/** A router without its dashboard is still a router. */
function pagesOf(container: Container, trustProxy: boolean): Pages | null {
  if (!container.has(PageFiles)) return null;
  const [folder, log] = [container.get(PageFiles), container.get(Log)];
  try {
    return readPages(folder, trustProxy);
  } catch (error) {
    log.warn('dashboard.unread', { folder, error });
    return null;
  }
}

/** A call is not refused for the media type that its sender names. */
function hookOf({ accepts, calls = false }: Component, source: Source | undefined): Hook {
  const handshake = source?.handshake !== undefined;
  return { accepts: accepts ?? (calls ? null : ['application/json']), calls, handshake };
}

function infoOf(config: Config): RouterInfo {
  const components = componentRows(config).map(({ name, component: { kind, type: use, description } }) => {
    return { kind, name, use, description };
  });
  return { version, node: process.version, routes: config.routes, components };
}
