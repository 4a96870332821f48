/** A pipeline in a world of its own: a memory store, a fake clock, destinations that are functions. */

import {
  type AnswerRow,
  type Expectation,
  IngestTelemetry,
  type OpenResolver,
  Pipeline,
  type QueuePolicy,
  type Route,
  Routes,
} from '@switchhook/core/internal';
import {
  type Delivery,
  type Destination,
  type EventDraft,
  isRefusal,
  type Log,
  type Metrics,
  type Outcome,
  type Source,
  type Store,
  type Transform,
} from '@switchhook/sdk';
import { aRequest, FakeClock, FakeLog, FakeMetrics } from '@switchhook/testkit';
import { memoryStore } from '../../plugins/memory/src/store.js';
import { anEngine } from './engine.js';

export type Deliver = (delivery: Delivery, signal: AbortSignal) => Promise<Outcome>;
export interface World {
  readonly destinations?: Readonly<Record<string, Deliver>>;
  readonly routes?: readonly Partial<Route>[];
  readonly transforms?: Readonly<Record<string, Transform['apply']>>;
  /** Makes each destination able to take batches. */
  readonly deliverMany?: (deliveries: readonly Delivery[]) => Promise<readonly Outcome[]>;
  readonly policy?: Partial<QueuePolicy>;
  readonly answers?: readonly AnswerRow[];
  readonly expectations?: readonly Expectation[];
  /** Destinations that emit events. */
  readonly emitters?: ReadonlySet<string>;
  /** By name. */
  readonly resolvers?: Readonly<Record<string, Partial<OpenResolver> & Pick<OpenResolver, 'resolver'>>>;
  readonly clock?: FakeClock;
  /** In place of the source that takes every body. */
  readonly receive?: Source['receive'];
  /** Wraps the store, to make it fail. */
  readonly store?: (store: Store) => Store;
  /** Wrapped as the router wraps what replaces its own. */
  readonly log?: Log;
  readonly metrics?: Metrics;
  readonly random?: () => number;
}

export const policy: QueuePolicy = {
  concurrency: 2,
  timeoutMs: 10_000,
  retry: { attempts: 3, firstMs: 5_000, maxMs: 60_000 },
  rateLimit: null,
  breaker: null,
  ordered: false,
  batch: null,
};

/** A source that takes a body for an event, without further questions. */
const source: Source = {
  receive: ({ body }) => {
    const data = JSON.parse(Buffer.from(body).toString());
    const draft: EventDraft = {
      key: data.key,
      type: data.type ?? 'ended',
      subject: data.subject ?? null,
      agent: null,
      occurredAtMs: data.occurredAtMs === undefined ? null : Number(data.occurredAtMs),
      data,
    };
    return { kind: 'events', events: [draft] };
  },
};

export function aPipeline(fixture: World = {}) {
  const clock = fixture.clock ?? new FakeClock();
  const log = new FakeLog();
  const delivered: Delivery[] = [];
  const take: Deliver = async (delivery) => {
    delivered.push(delivery);
    return { kind: 'delivered' };
  };
  const deliveries = Object.entries(fixture.destinations ?? { crm: take });
  const plain = memoryStore(clock);
  const store = fixture.store?.(plain) ?? plain;
  const routes = (fixture.routes ?? [{}]).map((route, index): Route => {
    const names = deliveries.map(([name]) => name);
    return { name: `route-${index}`, from: ['agents'], on: ['*'], where: null, to: names, transforms: [], ...route };
  });
  const engine = anEngine({
    clock,
    log: fixture.log ?? log,
    metrics: fixture.metrics ?? new FakeMetrics(),
    store,
    ...(fixture.random && { random: fixture.random }),
    plan: {
      ...{ resolvers: resolversOf(fixture), answers: fixture.answers ?? [], expectations: fixture.expectations ?? [] },
      emitters: fixture.emitters ?? new Set<string>(),
      sources: new Map([['agents', fixture.receive === undefined ? source : { receive: fixture.receive }]]),
      routes,
      routeTable: new Routes(routes, (route, reason) => engine.get(IngestTelemetry).unroutable(route.name, reason)),
      transforms: new Map(Object.entries(fixture.transforms ?? {}).map(([name, apply]) => [name, { apply }])),
      destinations: new Map(
        deliveries.map(([name, deliver]) => {
          const destination: Destination = {
            deliver,
            ...(fixture.deliverMany && { deliverMany: fixture.deliverMany }),
          };
          return [name, { destination, policy: { ...policy, ...fixture.policy } }];
        }),
      ),
    },
  });
  const pipeline = engine.get(Pipeline);
  void pipeline.open();
  const send = (body: object) =>
    pipeline.receive('agents', aRequest({ body: JSON.stringify(body), receivedAtMs: clock.now() }), clock.elapsed());
  const stateOf = async () =>
    (await plain.deliveries({ limit: 1_000 })).items.map(({ state, reason }) => reason ?? state);
  return { pipeline, engine, clock, log, store: plain, delivered, send, stateOf };
}

/** The resolvers of a world, ready to look. */
export function resolversOf({ resolvers = {} }: World): ReadonlyMap<string, OpenResolver> {
  const usual = { timeoutMs: null, after: [], concurrency: 64, breaker: null };
  return new Map(Object.entries(resolvers).map(([name, given]) => [name, { name, ...usual, ...given }]));
}

/** The same store, but for some of its methods. */
export function storeWith(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name: keyof Store) => {
      const own = methods[name] ?? target[name];
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}

/** 200, or the code of the refusal. */
export const statusOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 200,
    (error: unknown) => (isRefusal(error) ? error.code : String(error)),
  );
