/** Operations over a pipeline in a world of its own. */

import {
  Answers,
  ChangeFeed,
  Cluster,
  Controls,
  DeliveryTelemetry,
  Discards,
  Dispatcher,
  Erasures,
  EventSearches,
  Figures,
  History,
  Ingest,
  maskFor,
  Observations,
  type OpenResolver,
  Operations,
  Pauses,
  ProcessLoadReader,
  Pullers,
  RefusedRequests,
  Replays,
  type Route,
  retentionPolicy,
  StatusReader,
  Trials,
} from '@switchhook/core/internal';
import {
  type Destination,
  type JsonObject,
  type Outcome,
  phoneNormalizer,
  type Source,
  type Store,
} from '@switchhook/sdk';
import { FakeMetrics } from '@switchhook/testkit';
import { aPipeline, type Deliver, policy, resolversOf, type World } from './pipeline.js';

export interface OperatorsWorld extends Omit<World, 'routes'> {
  readonly routes?: readonly Route[];
  readonly previews?: Readonly<Record<string, NonNullable<Destination['preview']>>>;
  readonly erases?: Readonly<Record<string, NonNullable<Destination['erase']>>>;
  readonly probes?: Readonly<Record<string, NonNullable<OpenResolver['probe']>>>;
  readonly sources?: Readonly<Record<string, Source>>;
  /** Destinations that only the store knows. */
  readonly gone?: readonly string[];
}

/** A route; give only what matters. */
export function aRoute(given: Partial<Route> = {}): Route {
  return { name: 'calls', from: ['agents'], on: ['*'], where: null, to: ['crm'], transforms: [], ...given };
}

/** A destination that refuses until it is told otherwise. */
export function fickle(first: Outcome = { kind: 'rejected', reason: 'status 400' }) {
  const seen: string[] = [];
  const fate = { outcome: first };
  const deliver: Deliver = async ({ id }) => {
    seen.push(id);
    return fate.outcome;
  };
  return { seen, fate, deliver };
}

export function anOperator(fixture: OperatorsWorld = {}) {
  const {
    routes = [aRoute()],
    destinations,
    previews = {},
    erases = {},
    probes = {},
    sources = {},
    gone = [],
    transforms = {},
  } = fixture;
  let store: Store | undefined;
  const wrapped = (plain: Store): Store => {
    store = fixture.store?.(plain) ?? plain;
    return store;
  };
  const made = aPipeline({ ...fixture, routes, store: wrapped });
  const metrics = new FakeMetrics();
  const telemetry = new DeliveryTelemetry(made.log, metrics, new Observations());
  const names = Object.keys(destinations ?? { crm: 1 }).filter((name) => !gone.includes(name));
  const captures = new Set<string>();
  const plan = {
    sources: new Map(Object.entries(sources)),
    callSources: ['calls'],
    routes,
    transforms: new Map(Object.entries(transforms).map(([name, apply]) => [name, { apply }])),
    destinations: new Map(
      names.map((name) => {
        const preview = previews[name];
        const erase = erases[name];
        const destination = { deliver: () => Promise.reject(), ...(preview && { preview }), ...(erase && { erase }) };
        return [name, { destination, policy: { ...policy, ...fixture.policy }, probe: probes[name] ?? null }];
      }),
    ),
    resolvers: resolversOf(fixture),
    answers: fixture.answers ?? [],
    captures,
    normalizePhone: phoneNormalizer(null),
    ...{
      number: 1,
      sinceMs: 0,
      changedMs: new Map(),
      routerName: 'router-1',
      digest: 'aaaaaaaa',
      keepMs: 86_400_000,
      retention: retentionPolicy({ events: 86_400_000 }, []),
      emitters: new Set<string>(),
    },
  };
  const current = { value: plan };
  const mask = maskFor(['hunter2']);
  const kept = store ?? made.store;
  const { clock, log, engine } = made;
  const [dispatcher, ingest] = [engine.get(Dispatcher), engine.get(Ingest)];
  const discards = new Discards(kept, dispatcher, telemetry, clock, log, mask);
  const replays = new Replays(current, kept, dispatcher, telemetry, clock, log, mask);
  const [answers, pauses] = [engine.get(Answers), engine.get(Pauses)];
  const refused = new RefusedRequests(current, clock, mask);
  const controls = new Controls(current, kept, pauses, dispatcher, answers, telemetry, clock, log, mask);
  const erasures = new Erasures(current, kept, dispatcher, [answers, refused, ingest], clock, log, mask);
  const operations = new Operations(
    current,
    kept,
    dispatcher,
    telemetry,
    clock,
    replays,
    discards,
    erasures,
    refused,
    mask,
  );
  const [pullers, load, figures] = [engine.get(Pullers), new ProcessLoadReader(clock), new Figures(clock)];
  const cluster = engine.get(Cluster);
  const status = new StatusReader(
    ...([current, kept, dispatcher, ingest, answers, pauses, pullers, refused, figures, load, cluster, clock] as const),
  );
  const inUse = { ...current, use: <R>(run: (value: typeof plan) => Promise<R>) => run(plan), hold: () => () => {} };
  const trials = new Trials(inUse, answers, clock, log, mask);
  const changes = new ChangeFeed(current, kept, clock);
  const searches = new EventSearches(current, kept, clock, mask);
  const history = new History(kept, figures, clock, log);
  /** Sends bodies and lets everything come to rest; returns the ids of the events. */
  const received = async (...bodies: readonly JsonObject[]): Promise<readonly string[]> => {
    const ids: string[] = [];
    for (const body of bodies) ids.push(String((await made.send(body)).body?.id));
    await made.clock.advance(1);
    return ids;
  };
  return {
    ...made,
    operations,
    controls,
    pauses,
    answers,
    status,
    refused,
    captures,
    duplicates: ingest.duplicates,
    changes,
    searches,
    trials,
    history,
    metrics,
    received,
  };
}
