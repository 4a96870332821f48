/** Which class or value serves each token of the router. Nothing is opened here. */
import type { RequestListener } from 'node:http';
import { Clock, Log, Metrics, Store, StoreReader } from '@switchhook/sdk';
import { Discards } from '../admin/bulk-discard.js';
import { ReplayPlan, Replays } from '../admin/bulk-replay.js';
import { ChangeFeed } from '../admin/change-feed.js';
import { ControlPlan, Controls } from '../admin/control.js';
import { Erasures, ErasuresPlan } from '../admin/erasures.js';
import { EventSearches } from '../admin/event-search.js';
import { History } from '../admin/history.js';
import { AdminPlan, Operations } from '../admin/operations.js';
import { StatusPlan, StatusReader } from '../admin/status.js';
import { TrialPlan, Trials } from '../admin/trials.js';
import { AnswerPlan, Answers } from '../calls/answer.js';
import { SharedCalls } from '../calls/shared-calls.js';
import { storeReader } from '../calls/store-reader.js';
import { CallTelemetry } from '../calls/telemetry.js';
import { Cluster, ClusterPlan } from '../cluster/cluster.js';
import type { Config } from '../config/config.js';
import { DeliveryPlan, Dispatcher } from '../delivery/dispatcher.js';
import { DeliveryTelemetry } from '../delivery/telemetry.js';
import { apiFor } from '../http/admin-api.js';
import { ConnectionFairness } from '../http/connection-fairness.js';
import type { Answering } from '../http/endpoint.js';
import type { ServerParts } from '../http/hooks.js';
import { listenerFor } from '../http/server.js';
import { CallRecorder } from '../ingest/call-recorder.js';
import { EmitPlan, EmitterOf, Emitters } from '../ingest/emitters.js';
import { Ingest } from '../ingest/ingest.js';
import { LaterAnswers, LaterPlan } from '../ingest/later-answers.js';
import { OpenCalls } from '../ingest/open-calls.js';
import { Pullers, PullPlan } from '../ingest/pulling.js';
import { RefusedPlan, RefusedRequests } from '../ingest/refused-requests.js';
import { IngestTelemetry } from '../ingest/telemetry.js';
import { VerificationQueue } from '../ingest/verification-queue.js';
import { Incomplete, IncompletePlan } from '../monitor/incomplete.js';
import { Monitor, MonitorPlan } from '../monitor/monitor.js';
import { Pipeline, SourcePlan } from '../pipeline.js';
import { type Forgetful, ForgetfulParts } from '../system/erasing.js';
import { Figures } from '../system/figures.js';
import type { Current, CurrentInUse } from '../system/injection.js';
import { type LineWriter, openLog } from '../system/log.js';
import { Mask, Secrets } from '../system/mask.js';
import { ExposedMetrics } from '../system/metrics.js';
import { Observations } from '../system/observations.js';
import { Pauses } from '../system/pauses.js';
import { ProcessLoadReader } from '../system/process-load.js';
import { Swappable } from '../system/swappable.js';
import { version } from '../system/version.js';
import { createComponent } from './component-factory.js';
import { ComponentLifecycle, storeUntilOpen } from './component-lifecycle.js';
import { type Configure, Container } from './container.js';
import { createGeneration, type Generation, pluginServices } from './generation.js';
import { intakeParts } from './intake-parts.js';
import { Retention, RetentionPlan } from './retention.js';
import { servedPages } from './served-pages.js';
import { componentRows } from './server-plan.js';

/** How to make a router, beside its configuration. */
export interface RouterOptions {
  /** Replaces services of the router, or adds some. */
  readonly configure?: Configure;
  /** Where log lines go; default standard output. */
  readonly logTo?: LineWriter;
  /** How long `close` still takes requests on idle connections of its own server, if there are any; default 500. */
  readonly lingerMs?: number;
  /** How `reload` reads the configuration; default: its file. */
  readonly load?: () => Promise<Config>;
  /**
   * Has another process take over from this router, e.g. with a newer version. Resolves when that one is prepared; this router
   * is closed afterwards. Rejects where there will be no other process. Default: the router cannot be replaced.
   */
  readonly restart?: () => Promise<void>;
}

/** What the server asks the router itself. */
export interface RouterQuestions extends Pick<Answering, 'reload' | 'restart'> {
  /** Serves `/readyz`. */
  ready(): Promise<void>;
}

/** A router, ready to be opened. */
export interface Composition {
  /** The services that a program may replace or ask for. */
  readonly container: Container;
  /** The router's own classes; its store refuses everything until it is open. */
  readonly engine: Container;
  readonly current: Swappable<Generation>;
  readonly secrets: Secrets;
  readonly store: ComponentLifecycle;
  readonly listener: RequestListener;
  readonly fairness: ConnectionFairness;
}

const plans = [
  SourcePlan,
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
  MonitorPlan,
  IncompletePlan,
  ErasuresPlan,
] as const;
const classes = [
  Observations,
  ...[IngestTelemetry, DeliveryTelemetry, CallTelemetry],
  ...[
    Pauses,
    Cluster,
    Dispatcher,
    Ingest,
    Emitters,
    Pullers,
    CallRecorder,
    OpenCalls,
    LaterAnswers,
    VerificationQueue,
    RefusedRequests,
    SharedCalls,
    Answers,
    Pipeline,
  ],
  ...[Replays, Discards, Operations, Controls, StatusReader, ChangeFeed, Figures, History, ProcessLoadReader],
  ...[Retention, Monitor, Incomplete, Erasures, EventSearches, Trials],
] as const;

/** They keep something of events or calls. */
const forgetfulParts = [
  ...[Answers, LaterAnswers, CallRecorder, RefusedRequests, Ingest, Pullers, Incomplete],
  ...[Monitor, Dispatcher],
] as const;

/** Creates all components and registers all classes. Throws a `ComponentFailure`. */
export function composeRouter(config: Config, options: RouterOptions, questions: RouterQuestions): Composition {
  const secrets = new Secrets();
  secrets.add(config.secrets);
  let current: Swappable<Generation> | null = null;
  const level = () => (current?.value.config ?? config).log.level;
  const container = Container.forRouter(
    () => openLog({ level, mask: secrets.mask, ...(options.logTo && { to: options.logTo }) }),
    options.configure,
    secrets.mask,
  );
  const engine = container.child();
  registerClasses(engine);
  engine.register(ForgetfulParts, { useFactory: () => forgetfulParts.map((part) => engine.get<Forgetful>(part)) });
  const metrics = container.get(Metrics);
  engine.register(Metrics, { useFactory: () => engine.get(Figures).recorded(metrics) });
  const store = createStore(config, container);
  engine.register(Store, { useValue: storeUntilOpen(container.get(Store), store) });
  if (!container.has(StoreReader)) {
    const callSources = () => current?.value.callSources ?? [];
    container.register(StoreReader, { useValue: storeReader(engine.get(Store), callSources) });
  }
  // What is emitted is routed by the configuration of the moment.
  container.register(EmitterOf, {
    useValue: (name) => ({ emit: (drafts) => engine.get(Emitters).emit(name, drafts) }),
  });
  current = new Swappable(createGeneration(config, { container, engine, earlier: null }));
  registerPlan(engine, current);
  expectRows(engine, config);
  metrics.gauge('build_info', 'Always 1; the version is in the label', 1, { version });
  const fairness = new ConnectionFairness();
  return {
    ...{ container, engine, current, secrets, store },
    listener: listenerFor(serverParts(current, engine, questions), fairness),
    fairness,
  };
}

/** One instance of each class for the container. */
export function registerClasses(container: Container): void {
  for (const each of classes) container.registerClass(each);
}

/** What the classes take from the configuration. */
export function registerPlan(
  container: Container,
  current: CurrentInUse<Omit<Generation, 'config' | 'lifecycles' | 'server'>>,
): void {
  for (const plan of plans) container.register<unknown>(plan, { useValue: current });
}

/** The counters of all rows exist from the beginning. */
export function expectRows(engine: Container, { sources, destinations, answers }: Config): void {
  engine.get(IngestTelemetry).expect(sources);
  engine.get(DeliveryTelemetry).expect(destinations);
  engine.get(CallTelemetry).expect(answers);
  for (const { name, component } of sources)
    if (component.answerBy === 'call') engine.get(CallTelemetry).expectSent(name);
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
  const created = createComponent(
    config.store,
    pluginServices(config, container, componentRows(config))(config.store.plugin),
  );
  container.register(Store, { useValue: created.instance });
  return new ComponentLifecycle(created, ...system);
}

function serverParts(
  current: Current<Generation>,
  engine: Container,
  { ready, reload, restart }: RouterQuestions,
): ServerParts {
  const [clock, log, mask, status] = [engine.get(Clock), engine.get(Log), engine.get(Mask), engine.get(StatusReader)];
  const pages = servedPages(engine);
  const { receive, refused, intake } = intakeParts(engine, () => current.value.server.publicUrl);
  const api = apiFor({
    ...{ operations: engine.get(Operations), searches: engine.get(EventSearches), controls: engine.get(Controls) },
    ...{ status, reload, restart, mask, clock, log, intake, trials: engine.get(Trials) },
    duplicates: engine.get(Ingest).duplicates,
    changes: engine.get(ChangeFeed),
    incomplete: engine.get(Incomplete),
    history: engine.get(History),
    pruned: () => engine.get(Retention).last,
    retention: () => engine.get(RetentionPlan).value.retention,
    get info() {
      return current.value.server.info;
    },
    get generation() {
      return current.value;
    },
    get access() {
      return current.value.server.access;
    },
    get trustProxy() {
      return current.value.server.trustProxy;
    },
    get limits() {
      return current.value.server.limits;
    },
  });
  return {
    get hooks() {
      return current.value.server.hooks;
    },
    get metricsAccess() {
      return current.value.server.metricsAccess;
    },
    get limits() {
      return current.value.server.limits;
    },
    get trustProxy() {
      return current.value.server.trustProxy;
    },
    get pages() {
      return current.value.config.server.dashboard ? pages : null;
    },
    get publicUrl() {
      return current.value.server.publicUrl;
    },
    metrics: async () => engine.get(ExposedMetrics).expose(await status.gauges()),
    ...{ receive, refused, ready, api, clock, log },
  };
}
