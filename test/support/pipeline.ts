/** A pipeline in a world of its own: a memory store, a fake clock, destinations that are functions. */

import {
  Answers,
  CallTelemetry,
  DeliveryTelemetry,
  IngestTelemetry,
  Pipeline,
  type QueuePolicy,
  type Route,
  Routes,
  unfailing,
  unfailingMetrics,
} from '@switchhook/core/internal';
import {
  type Delivery,
  type Destination,
  type EventDraft,
  isRefusal,
  type Log,
  type Metrics,
  type Outcome,
  phoneNormalizer,
  type Source,
  type Store,
  type Transform,
} from '@switchhook/sdk';
import { aRequest, FakeClock, FakeLog, FakeMetrics } from '@switchhook/testkit';
import { memoryStore } from '../../plugins/memory/src/store.js';

export type Deliver = (delivery: Delivery, signal: AbortSignal) => Promise<Outcome>;
export interface World {
  readonly destinations?: Readonly<Record<string, Deliver>>;
  readonly routes?: readonly Partial<Route>[];
  readonly transforms?: Readonly<Record<string, Transform['apply']>>;
  /** Makes each destination able to take batches. */
  readonly deliverMany?: (deliveries: readonly Delivery[]) => Promise<readonly Outcome[]>;
  readonly policy?: Partial<QueuePolicy>;
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
  const engineLog = fixture.log === undefined ? log : unfailing(fixture.log);
  const metrics = unfailingMetrics(fixture.metrics ?? new FakeMetrics(), engineLog);
  const ingestTelemetry = new IngestTelemetry(engineLog, metrics);
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
  const pipeline = new Pipeline({
    sources: new Map([['agents', fixture.receive === undefined ? source : { receive: fixture.receive }]]),
    routes: new Routes(routes, (route, reason) => ingestTelemetry.unroutable(route.name, reason)),
    transforms: new Map(Object.entries(fixture.transforms ?? {}).map(([name, apply]) => [name, { apply }])),
    destinations: new Map(
      deliveries.map(([name, deliver]) => {
        const destination: Destination = { deliver, ...(fixture.deliverMany && { deliverMany: fixture.deliverMany }) };
        return [name, { destination, policy: { ...policy, ...fixture.policy } }];
      }),
    ),
    answers: new Answers({ rows: [], resolvers: new Map(), clock, log: engineLog }),
    store,
    clock,
    log: engineLog,
    ingestTelemetry,
    deliveryTelemetry: new DeliveryTelemetry(engineLog, metrics),
    callTelemetry: new CallTelemetry(engineLog, metrics),
    numbers: phoneNormalizer(null),
    random: fixture.random ?? (() => 0.5),
  });
  pipeline.open();
  const send = (body: object) =>
    pipeline.receive('agents', aRequest({ body: JSON.stringify(body), receivedAtMs: clock.now() }), clock.elapsed());
  const stateOf = async () =>
    (await plain.deliveries({ limit: 1_000 })).items.map(({ state, reason }) => reason ?? state);
  return { pipeline, clock, log, store: plain, delivered, send, stateOf };
}

/** The same store, but for some of its methods. */
export function storeWith(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name: keyof Store) => methods[name] ?? target[name]?.bind(target),
  });
}

/** 200, or the code of the refusal. */
export const statusOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 200,
    (error: unknown) => (isRefusal(error) ? error.code : String(error)),
  );
