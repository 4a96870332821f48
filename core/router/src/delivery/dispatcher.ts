/** Dispatches events to their destinations: reserves places before the commit, hands deliveries over after it. */
import {
  type Appended,
  Clock,
  deliveryId,
  type Entry,
  type EventRecord,
  Log,
  type NewDelivery,
  Random,
  Store,
  token,
} from '@switchhook/sdk';
import { Cluster } from '../cluster/cluster.js';
import type { DestinationReport, RouterReport } from '../cluster/report.js';
import { SharedCapacity } from '../resilience/capacity.js';
import { eventOf } from '../routing/event-record.js';
import { gatheringOf, type Routes } from '../routing/routes.js';
import type { ErasedThings, Removed } from '../system/erasing.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { Mask } from '../system/mask.js';
import { Pauses } from '../system/pauses.js';
import type { AttemptPlan, AttemptResult, OpenDestination } from './attempt.js';
import { ErasedEvents } from './erased-events.js';
import { DeliveryQueue } from './queue.js';
import type { QueueLoad } from './queue-parts.js';
import { DeliveryTelemetry } from './telemetry.js';
import { Verdicts } from './verdicts.js';

/** What the dispatcher takes from the configuration; the maps are by name. */
export interface DeliveryPlan extends AttemptPlan {
  readonly routeTable: Routes;
  readonly destinations: ReadonlyMap<string, OpenDestination>;
}

export const DeliveryPlan = token<Current<DeliveryPlan>>('switchhook.DeliveryPlan');

/** An event on its way to the store, and the places its deliveries hold. It is ended once: by `dispatch` or by `release`. */
export interface Reservation {
  readonly entry: Entry;
  /** The queue of each delivery, in their order; null where its destination has been removed meanwhile. */
  readonly queues: readonly (DeliveryQueue | null)[];
}

/** Deliveries in memory in all, beyond those in running attempts. */
const heldInAll = 2_000;

@injectable()
export class Dispatcher {
  readonly erased = new ErasedEvents();
  readonly #sharedCapacity = new SharedCapacity(heldInAll);
  /** By destination; also of those that were removed, until they are drained. */
  readonly #queues = new Map<string, DeliveryQueue>();
  /** Their last attempts and commits are under way. */
  readonly #ending = new Set<DeliveryQueue>();
  readonly #verdicts: Verdicts;
  #isOpen = false;
  #stopWaking = (): void => {};

  constructor(
    @inject(DeliveryPlan) private readonly plan: Current<DeliveryPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
    @inject(DeliveryTelemetry) private readonly deliveryTelemetry: DeliveryTelemetry,
    @inject(Random) private readonly random: Random,
    @inject(Mask) private readonly mask: Mask,
    @inject(Pauses) private readonly pauses: Pauses,
    @inject(Cluster) private readonly cluster: Cluster,
  ) {
    this.#verdicts = new Verdicts(clock);
    for (const [destination, open] of plan.value.destinations)
      this.#queues.set(destination, this.#queue(destination, open));
    pauses.onChange(() => this.expectAll());
    cluster.onChange(() => this.expectAll());
    cluster.reportBy(() => this.#reports);
    cluster.hearBy((reports) => this.#hear(reports));
  }

  /**
   * Routes an event, and takes a place for each delivery that goes on in memory; the others wait in the store. `routes`: those
   * of the configuration with which the event came.
   */
  reserve(event: EventRecord, routes: Routes = this.plan.value.routeTable): Reservation {
    const nowMs = this.clock.now();
    const deliveries: NewDelivery[] = [];
    const queues: (DeliveryQueue | null)[] = [];
    for (const route of routes.match(eventOf(event))) {
      const { waitMs, ...gathering } = gatheringOf(route, event);
      for (const destination of route.to) {
        const queue = this.#queues.get(destination) ?? null;
        const place = { route: route.name, destination, transforms: route.transforms };
        const waiting: NewDelivery = { ...place, state: 'waiting', dueMs: nowMs + waitMs, ...gathering };
        deliveries.push(queue?.admit(waiting, nowMs) ?? waiting);
        queues.push(queue);
      }
    }
    return { entry: { event, deliveries }, queues };
  }

  /** The store has answered: hands the deliveries over, or releases them where the event was there already. */
  dispatch(reservation: Reservation, committed: Appended | undefined): void {
    if (committed?.duplicate === true) {
      this.release(reservation);
      return;
    }
    const { event, deliveries } = reservation.entry;
    for (const [index, queue] of reservation.queues.entries()) {
      const delivery = deliveries[index];
      if (delivery === undefined) continue;
      if (queue === null) this.expect(delivery.destination, delivery.dueMs);
      else if (delivery.state === 'waiting') queue.queued(delivery.dueMs);
      else queue.take({ ...delivery, id: deliveryId(event.id, index), attempt: 1, lease: 1, event }, delivery.dueMs);
    }
  }

  /** Nothing was committed: frees the places. */
  release({ entry, queues }: Reservation): void {
    for (const [index, queue] of queues.entries()) queue?.release(entry.deliveries[index]?.state === 'running');
  }

  /** The store is open: takes up what it has left from before. */
  open(): void {
    this.#isOpen = true;
    this.cluster.open();
    for (const queue of this.#queues.values()) queue.open();
    this.#stopWaking = this.store.onDue?.((name) => this.expect(name, this.clock.now())) ?? this.#stopWaking;
  }

  /** Drops the reasons of the last failures: of which events they are is not known. */
  forget(_: ErasedThings, isDryRun: boolean): Removed {
    if (!isDryRun) for (const queue of [...this.#queues.values(), ...this.#ending]) queue.throttle.forget();
    return {};
  }

  /** Starts no further attempt; resolves when the running ones are settled. */
  async close(): Promise<void> {
    this.#stopWaking();
    this.cluster.closing();
    await Promise.all(this.#all.map((queue) => queue.close()));
    await this.cluster.close();
  }

  /** Adds the queue of a destination, in place of an earlier one; resolves when that one has ended. */
  async replace(destination: string, open: OpenDestination): Promise<void> {
    const ended = this.stop(destination);
    const queue = this.#queue(destination, open);
    this.#queues.set(destination, queue);
    if (this.#isOpen) queue.open();
    await ended;
  }

  /** Of a destination that has been removed: true when all its deliveries are settled, false where its queue was stopped before. */
  async drain(destination: string): Promise<boolean> {
    const queue = this.#queues.get(destination);
    const isDrained = (await queue?.drain()) ?? false;
    if (isDrained && this.#queues.get(destination) === queue) this.#queues.delete(destination);
    return isDrained;
  }

  /** Starts no further attempt for a destination: what is left waits in the store. Resolves when its queue has ended. */
  async stop(destination: string): Promise<void> {
    const queue = this.#queues.get(destination);
    if (queue === undefined) return;
    this.#queues.delete(destination);
    this.#ending.add(queue);
    await queue.end();
    this.#ending.delete(queue);
  }

  /** After `close`, where it took too long: leaves what is not settled to the next start. */
  abandon(): void {
    for (const queue of this.#all) queue.abandon();
    void this.cluster.close();
  }

  /** The store has something for a destination, due at this time. */
  expect(destination: string, dueMs: number): void {
    this.#queues.get(destination)?.expect(dueMs);
  }

  /** One attempt now: see `DeliveryQueue.probe`. Null where nothing is due. */
  async probe(destination: string): Promise<AttemptResult | 'busy' | null> {
    return (await this.#queues.get(destination)?.probe()) ?? null;
  }

  /** Closes the circuit breaker of a destination, and ends its wait. */
  reset(destination: string): void {
    this.#queues.get(destination)?.reset();
  }

  #queue(destination: string, open: OpenDestination): DeliveryQueue {
    const { plan, store, clock, log, deliveryTelemetry, random, mask } = this;
    return new DeliveryQueue({
      ...{ plan, store, clock, log, deliveryTelemetry, random, mask, destination, open },
      sharedCapacity: this.#sharedCapacity,
      limits: {
        share: (whole) => this.cluster.share(destination, whole),
        bucket: (rate, onLease) => this.cluster.bucket(destination, rate, onLease),
      },
      erased: this.erased,
      isPaused: () => this.#isPaused(destination),
      expect: (dueMs) => this.expect(destination, dueMs),
    });
  }

  /** What this router has of each destination. */
  get #reports(): Readonly<Record<string, DestinationReport>> {
    const rows = [...this.#queues].map(([name, { load, throttle }]) => {
      const { attempts, held, unsettled } = load;
      const verdict = this.#verdicts.of(name, throttle);
      return [name, { attempts, deliveries: held + unsettled, takes: true, verdict }] as const;
    });
    return Object.fromEntries(rows);
  }

  #hear(reports: readonly RouterReport[]): void {
    for (const { destinations } of reports)
      for (const [name, { verdict }] of Object.entries(destinations)) {
        const queue = this.#queues.get(name);
        if (verdict === null || queue === undefined) continue;
        if (this.#verdicts.hear(name, queue.throttle, verdict)) queue.expect(this.clock.now());
      }
  }

  get #all(): readonly DeliveryQueue[] {
    return [...this.#queues.values(), ...this.#ending];
  }

  /** Until the store has returned the pauses, each destination may be paused. */
  #isPaused(destination: string): boolean {
    return !this.pauses.areKnown || this.pauses.of('destination', destination) !== null;
  }

  /** The store may have something for every destination. */
  expectAll(): void {
    for (const queue of this.#queues.values()) queue.expect(this.clock.now());
  }

  /** The load of each queue, by destination. */
  get loads(): ReadonlyMap<string, QueueLoad> {
    return new Map([...this.#queues].map(([destination, queue]) => [destination, queue.load]));
  }
}
