/** The state of a router, read on request: backlog and its age, load of each queue, health of the store. */
import { type Backlog, Clock, type Labels, Store, type StoreSize, token } from '@switchhook/sdk';
import { errorMessage, withTimeout } from '@switchhook/sdk/internal';
import { Answers } from '../calls/answer.js';
import type { ResolverLoad } from '../calls/resolver-bulkhead.js';
import { Cluster, type RouterStanding } from '../cluster/cluster.js';
import type { OpenDestination } from '../delivery/attempt.js';
import { Dispatcher } from '../delivery/dispatcher.js';
import type { QueuePolicy } from '../delivery/policy.js';
import type { QueueLoad } from '../delivery/queue-parts.js';
import { Ingest } from '../ingest/ingest.js';
import { Pullers, type PullStatus } from '../ingest/pulling.js';
import { RefusedRequests, type SourceTraffic } from '../ingest/refused-requests.js';
import type { SecretUse } from '../ingest/secret-uses.js';
import type { BreakerState } from '../resilience/breaker.js';
import type { Hold } from '../resilience/hold.js';
import { longestWaitMs, type Route } from '../routing/routes.js';
import { Figures, type RecentAttempts, type RecentCalls, type RecentFailures } from '../system/figures.js';
import { type Current, inject, injectable } from '../system/injection.js';
import type { Reading } from '../system/metrics.js';
import { holdOfPause, type PausableKind, Pauses } from '../system/pauses.js';
import { type ProcessLoad, ProcessLoadReader } from '../system/process-load.js';

const breakerStates: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

/** The gauges of a router. Values that the store does not return are left out. */
function gaugesOf(
  { nowMs, storeFailure, destinations, resolvers, routers, generation }: Status,
  { committing, self }: { readonly committing: number; readonly self: RouterStanding },
): readonly Reading[] {
  const isUp = storeFailure === null && destinations.every(({ backlog }) => backlog !== null);
  return [
    reading('store_up', '1 if the store answers and can commit', isUp ? 1 : 0),
    reading('events_committing', 'Events that wait for their commit', committing),
    reading('config_generation', '1 at the start; each reload of the configuration counts one up', generation.number),
    ...routerGauges(routers.length === 0 ? [self] : routers),
    ...resolvers.map(({ resolver, holds }) =>
      reading('resolver_paused', '1 while an operator has paused the resolver', pausedOf(holds), { resolver }),
    ),
    ...destinations.flatMap(({ destination, load, backlog, holds }) => [
      ...(load === null ? [] : loadGauges(destination, load, holds)),
      ...(backlog === null ? [] : backlogGauges(backlog, nowMs)),
    ]),
  ];
}

function routerGauges(routers: readonly RouterStanding[]): readonly Reading[] {
  const stateOf = ({ goneSinceMs }: RouterStanding) => (goneSinceMs === null ? 'there' : 'gone');
  const help = 'Routers that use the store, as this one sees them; gone: without a heartbeat, in the last ten minutes';
  return [
    ...['there', 'gone'].map((state) =>
      reading('routers', help, routers.filter((one) => stateOf(one) === state).length, { state }),
    ),
    ...routers.flatMap((one) => {
      const { name: router, version, configuration, isSelf, sinceMs, deliveries } = one;
      const labels = { router, state: stateOf(one) };
      const facts = { router, version, configuration, state: labels.state, self: String(isSelf) };
      const held = Object.values(deliveries).reduce((sum, count) => sum + count, 0);
      return [
        reading('router_info', 'Always 1; a router that uses the store is in the labels', 1, facts),
        reading('router_start_time_seconds', 'When the router was started, since the epoch', sinceMs / 1_000, labels),
        reading('router_deliveries', 'Deliveries that the router has taken over, by its last heartbeat', held, labels),
      ];
    }),
  ];
}

function pausedOf(holds: readonly Hold[]): number {
  return holds.some(({ kind }) => kind === 'paused') ? 1 : 0;
}

function loadGauges(
  destination: string,
  { running, held, breaker }: QueueLoad,
  holds: readonly Hold[],
): readonly Reading[] {
  const labels = { destination };
  return [
    reading('queue_running', 'Deliveries whose attempt is under way in this router', running, labels),
    reading('queue_held', 'Deliveries in the memory of this router, before their attempt', held, labels),
    reading('queue_paused', '1 while an operator has paused the destination', pausedOf(holds), labels),
    reading('breaker_state', 'Circuit breaker: 0 closed, 1 half-open, 2 open', breakerStates[breaker], labels),
  ];
}

function backlogGauges(backlog: Backlog, nowMs: number): readonly Reading[] {
  const { destination, waiting, running, dead, oldestOpenMs } = backlog;
  const ageMs = oldestOpenMs === null ? 0 : Math.max(0, nowMs - oldestOpenMs);
  const help = 'Deliveries in the store that are not done, by state';
  return [
    ...Object.entries({ waiting, running, dead }).map(([state, value]) =>
      reading('deliveries', help, value, { destination, state }),
    ),
    reading('oldest_waiting_age_seconds', 'Age of the oldest delivery that waits or is running', ageMs / 1_000, {
      destination,
    }),
  ];
}

function reading(name: string, help: string, value: number, labels: Labels = {}): Reading {
  return { name, help, labels, value };
}

/** How a destination stands. */
export interface DestinationStatus {
  readonly destination: string;
  /** Null where the destination is not configured any more. */
  readonly policy: QueuePolicy | null;
  /** True where it has been removed, and what is left for it is still delivered. */
  readonly draining: boolean;
  /** For how long its events may have to wait because routes gather them. */
  readonly waitMs: number;
  readonly load: QueueLoad | null;
  /** Null if the store did not return it. */
  readonly backlog: Backlog | null;
  /** Of the last ten minutes, in this router. */
  readonly attempts: RecentAttempts;
  /** Why nothing is attempted at present. */
  readonly holds: readonly Hold[];
}

/** What is known of a destination without the store. */
export type DestinationStanding = Pick<DestinationStatus, 'destination' | 'policy' | 'draining' | 'load' | 'holds'>;

/** How each destination stands at one time, by its name. */
export interface Standings {
  readonly nowMs: number;
  of(destination: string): DestinationStanding;
}

/** How a resolver stands. */
export interface ResolverStatus {
  readonly resolver: string;
  readonly load: ResolverLoad;
  /** Why it is skipped at present. */
  readonly holds: readonly Hold[];
}

/** What a source has received and refused. */
export interface SourceStanding extends SourceTraffic {
  readonly secrets: readonly SecretUse[];
  readonly calls: RecentCalls;
}

/** A route whose condition could not be evaluated for some events. */
export interface RouteStanding extends RecentFailures {
  readonly route: string;
}

/** How the router stands. */
export interface Status {
  readonly nowMs: number;
  readonly uptimeMs: number;
  /** Why the store cannot commit; null where it can. */
  readonly storeFailure: string | null;
  /** How long an empty commit took; null where it failed. */
  readonly commitMs: number | null;
  /** Null where the store does not return it. */
  readonly storeSize: StoreSize | null;
  readonly load: ProcessLoad;
  /** In the order of the file, then those that are not configured any more. */
  readonly destinations: readonly DestinationStatus[];
  /** In the order of the file. */
  readonly resolvers: readonly ResolverStatus[];
  /** What was received and refused, in the order of the file. */
  readonly sources: readonly SourceStanding[];
  /** Sources that pull, in the order of the file. */
  readonly pulls: readonly PullStatus[];
  /** Those that share the store, this one first; empty where it is not shared. */
  readonly routers: readonly RouterStanding[];
  /** Why those that share the store cannot see each other, although it answers; null where they can. */
  readonly routersFailure: string | null;
  /** Routes with a condition that could not be evaluated in the last hour, in the order of the file. */
  readonly routes: readonly RouteStanding[];
  /** The configuration at work. */
  readonly generation: Pick<StatusPlan, 'number' | 'sinceMs' | 'changedMs'>;
}

/** What the status takes from the configuration. */
export interface StatusPlan {
  /** 1 at the start; each reload counts one up. */
  readonly number: number;
  readonly sinceMs: number;
  /** When rows such as `sources.agents` were last changed by a reload, `answers` as a whole, and `''`: settings that concern all. */
  readonly changedMs: ReadonlyMap<string, number>;
  /** By name. */
  readonly destinations: ReadonlyMap<string, OpenDestination>;
  readonly routes: readonly Route[];
}

export const StatusPlan = token<Current<StatusPlan>>('switchhook.StatusPlan');

/** A status is wanted most when the store hangs. */
const statusMs = 2_000;

/** Reads the state of the router, its store and its queues. */
@injectable()
export class StatusReader {
  readonly #startedAt: number;

  constructor(
    @inject(StatusPlan) private readonly plan: Current<StatusPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @inject(Ingest) private readonly ingest: Ingest,
    @inject(Answers) private readonly answers: Answers,
    @inject(Pauses) private readonly pauses: Pauses,
    @inject(Pullers) private readonly pullers: Pullers,
    @inject(RefusedRequests) private readonly refusedRequests: RefusedRequests,
    @inject(Figures) private readonly figures: Figures,
    @inject(ProcessLoadReader) private readonly load: ProcessLoadReader,
    @inject(Cluster) private readonly cluster: Cluster,
    @inject(Clock) private readonly clock: Clock,
  ) {
    this.#startedAt = clock.elapsed();
  }

  /** Never rejects; what the store does not answer within 2 s is null. */
  async read(): Promise<Status> {
    const { clock, dispatcher } = this;
    const { destinations, routes, number, sinceMs, changedMs } = this.plan.value;
    const begunMs = clock.elapsed();
    const [backlogs, commit, storeSize] = await Promise.all([
      withTimeout(clock, statusMs, () => this.store.backlog()).catch(() => null),
      withTimeout(clock, statusMs, () => this.ingest.canCommit()).then(
        () => ({ failure: null, ms: clock.elapsed() - begunMs }),
        (error: unknown) => ({ failure: errorMessage(error), ms: null }),
      ),
      withTimeout(clock, statusMs, async () => (await this.store.size?.()) ?? null).catch(() => null),
    ]);
    const { loads } = dispatcher;
    const standings = this.#standings(loads);
    const kept = (backlogs ?? []).map(({ destination }) => destination);
    const names = new Set([...destinations.keys(), ...loads.keys(), ...kept]);
    return {
      nowMs: clock.now(),
      uptimeMs: clock.elapsed() - this.#startedAt,
      storeFailure: commit.failure,
      commitMs: commit.ms,
      storeSize,
      load: this.load.read(),
      destinations: [...names].map((destination) => ({
        ...standings.of(destination),
        waitMs: longestWaitMs(routes, destination),
        backlog:
          backlogs === null ? null : (backlogs.find((one) => one.destination === destination) ?? empty(destination)),
        attempts: this.figures.recentAttempts(destination),
      })),
      resolvers: [...this.answers.loads].map(([resolver, load]) => {
        return { resolver, load, holds: this.#holds('resolver', resolver, load) };
      }),
      sources: this.refusedRequests.traffic().map((traffic) => {
        const { source } = traffic;
        return { ...traffic, secrets: this.ingest.secretUses.of(source), calls: this.figures.recentCalls(source) };
      }),
      pulls: this.pullers.statuses,
      routes: routes
        .map(({ name: route }) => ({ route, ...this.figures.recentlyUnevaluated(route) }))
        .filter(({ events }) => events > 0),
      routers: this.cluster.routers,
      routersFailure: this.cluster.failure,
      generation: { number, sinceMs, changedMs },
    };
  }

  /** How each destination stands now, as `read` has it; the store is not asked. */
  standings(): Standings {
    return this.#standings(this.dispatcher.loads);
  }

  #standings(loads: Dispatcher['loads']): Standings {
    const { destinations } = this.plan.value;
    const of = (destination: string): DestinationStanding => ({
      destination,
      policy: destinations.get(destination)?.policy ?? null,
      draining: loads.has(destination) && !destinations.has(destination),
      load: loads.get(destination) ?? null,
      holds: this.#holds('destination', destination, loads.get(destination)),
    });
    return { nowMs: this.clock.now(), of };
  }

  #holds(kind: PausableKind, name: string, load: QueueLoad | ResolverLoad | undefined): readonly Hold[] {
    const pause = this.pauses.of(kind, name);
    return [...(pause === null ? [] : [holdOfPause(pause)]), ...(load?.holds ?? [])];
  }

  /** The values of all gauges. */
  async gauges(): Promise<readonly Reading[]> {
    return gaugesOf(await this.read(), { committing: this.ingest.pending, self: this.cluster.self });
  }
}

function empty(destination: string): Backlog {
  return { destination, waiting: 0, running: 0, dead: 0, oldestOpenMs: null };
}
