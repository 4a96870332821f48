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
  type Transform,
  token,
} from '@switchhook/sdk';
import { SharedCapacity } from '../resilience/capacity.js';
import { eventOf } from '../routing/event-record.js';
import type { Routes } from '../routing/routes.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { Mask } from '../system/mask.js';
import { Pauses } from '../system/pauses.js';
import type { AttemptResult, OpenDestination } from './attempt.js';
import { DeliveryQueue, type QueueLoad } from './queue.js';
import { DeliveryTelemetry } from './telemetry.js';

/** What the dispatcher takes from the configuration; the maps are by name. */
export interface DeliveryPlan {
  readonly routeTable: Routes;
  readonly transforms: ReadonlyMap<string, Transform>;
  readonly destinations: ReadonlyMap<string, OpenDestination>;
}

export const DeliveryPlan = token<Current<DeliveryPlan>>('switchhook.DeliveryPlan');

/** An event on its way to the store, and the places its deliveries hold. It is ended once: by `dispatch` or by `release`. */
export interface Reservation {
  readonly entry: Entry;
  /** The queue of each delivery, in their order. */
  readonly queues: readonly DeliveryQueue[];
}

/** Deliveries in memory in all, beyond those in running attempts. */
const heldInAll = 2_000;

@injectable()
export class Dispatcher {
  readonly #sharedCapacity = new SharedCapacity(heldInAll);
  /** By destination. */
  readonly #queues = new Map<string, DeliveryQueue>();
  #stopWaking = (): void => {};

  constructor(
    @inject(DeliveryPlan) private readonly plan: Current<DeliveryPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) log: Log,
    @inject(DeliveryTelemetry) deliveryTelemetry: DeliveryTelemetry,
    @inject(Random) random: Random,
    @inject(Mask) mask: Mask,
    @inject(Pauses) private readonly pauses: Pauses,
  ) {
    const { destinations, transforms } = plan.value;
    const common = { store, clock, log, deliveryTelemetry, random, mask, transforms };
    for (const [destination, open] of destinations)
      this.#queues.set(
        destination,
        new DeliveryQueue({
          ...{ ...common, sharedCapacity: this.#sharedCapacity, destination, open },
          isPaused: () => this.#isPaused(destination),
        }),
      );
    pauses.onChange(() => this.#expectAll());
  }

  /** Routes an event, and takes a place for each delivery that goes on in memory; the others wait in the store. */
  reserve(event: EventRecord): Reservation {
    const nowMs = this.clock.now();
    const deliveries: NewDelivery[] = [];
    const queues: DeliveryQueue[] = [];
    for (const { name, to, transforms } of this.plan.value.routeTable.match(eventOf(event)))
      for (const destination of to) {
        const queue = this.#queues.get(destination);
        if (queue === undefined) continue;
        deliveries.push(queue.admit(name, transforms, nowMs));
        queues.push(queue);
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
      if (delivery.state === 'waiting') queue.expect(delivery.dueMs);
      else queue.take({ ...delivery, id: deliveryId(event.id, index), attempt: 1, lease: 1, event }, delivery.dueMs);
    }
  }

  /** Nothing was committed: frees the places. */
  release({ entry, queues }: Reservation): void {
    for (const [index, queue] of queues.entries()) if (entry.deliveries[index]?.state === 'running') queue.forget();
  }

  /** The store is open: takes up what it has left from before. */
  open(): void {
    for (const queue of this.#queues.values()) queue.open();
    this.#stopWaking = this.store.onDue?.((name) => this.expect(name, this.clock.now())) ?? this.#stopWaking;
  }

  /** Starts no further attempt; resolves when the running ones are settled. */
  async close(): Promise<void> {
    this.#stopWaking();
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
  }

  /** After `close`, where it took too long: leaves what is not settled to the next start. */
  abandon(): void {
    for (const queue of this.#queues.values()) queue.abandon();
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

  /** Until the store has returned the pauses, each destination may be paused. */
  #isPaused(destination: string): boolean {
    return !this.pauses.areKnown || this.pauses.of('destination', destination) !== null;
  }

  #expectAll(): void {
    for (const queue of this.#queues.values()) queue.expect(this.clock.now());
  }

  /** The load of each queue, by destination. */
  get loads(): ReadonlyMap<string, QueueLoad> {
    return new Map([...this.#queues].map(([destination, queue]) => [destination, queue.load]));
  }
}
