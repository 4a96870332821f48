/** Dispatches events to their destinations: reserves places before the commit, hands deliveries over after it. */
import { type Appended, deliveryId, type Entry, type EventRecord, type NewDelivery } from '@switchhook/sdk';
import { SharedPlaces } from '../resilience/capacity.js';
import { eventOf } from '../routing/event-record.js';
import type { Routes } from '../routing/routes.js';
import type { OpenDestination } from './attempt.js';
import { Lane, type LaneLoad, type LaneParts } from './queue.js';

/** What a dispatcher works with. */
export interface DispatcherParts extends Omit<LaneParts, 'destination' | 'open' | 'sharedPlaces'> {
  readonly routes: Routes;
  /** By name. */
  readonly destinations: ReadonlyMap<string, OpenDestination>;
}

/** An event on its way to the store, and the places its deliveries hold. It is ended once: by `dispatch` or by `release`. */
export interface Reservation {
  readonly entry: Entry;
  /** The lane of each delivery, in their order. */
  readonly lanes: readonly Lane[];
}

/** Deliveries in memory in all, beyond what the lanes run. */
const heldInAll = 2_000;

export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #sharedPlaces = new SharedPlaces(heldInAll);
  /** By destination. */
  readonly #lanes = new Map<string, Lane>();

  constructor(parts: DispatcherParts) {
    const { destinations, routes: _, ...common } = parts;
    this.#parts = parts;
    for (const [destination, open] of destinations)
      this.#lanes.set(destination, new Lane({ ...common, destination, open, sharedPlaces: this.#sharedPlaces }));
  }

  /** Routes an event, and takes a place for each delivery that goes on in memory; the others wait in the store. */
  reserve(event: EventRecord): Reservation {
    const nowMs = this.#parts.clock.now();
    const deliveries: NewDelivery[] = [];
    const lanes: Lane[] = [];
    for (const { name, to, transforms } of this.#parts.routes.match(eventOf(event)))
      for (const destination of to) {
        const lane = this.#lanes.get(destination);
        if (lane === undefined) continue;
        deliveries.push(lane.admit(name, transforms, nowMs));
        lanes.push(lane);
      }
    return { entry: { event, deliveries }, lanes };
  }

  /** The store has answered: hands the deliveries over, or releases them where the event was there already. */
  dispatch(reservation: Reservation, committed: Appended | undefined): void {
    if (committed?.duplicate === true) {
      this.release(reservation);
      return;
    }
    const { event, deliveries } = reservation.entry;
    for (const [index, lane] of reservation.lanes.entries()) {
      const delivery = deliveries[index];
      if (delivery === undefined) continue;
      if (delivery.state === 'waiting') lane.expect(delivery.dueMs);
      else lane.take({ ...delivery, id: deliveryId(event.id, index), attempt: 1, lease: 1, event }, delivery.dueMs);
    }
  }

  /** Nothing was committed: frees the places. */
  release({ entry, lanes }: Reservation): void {
    for (const [index, lane] of lanes.entries()) if (entry.deliveries[index]?.state === 'running') lane.forget();
  }

  /** The store is open: takes up what it has left from before. */
  open(): void {
    for (const lane of this.#lanes.values()) lane.open();
  }

  /** Starts no further attempt; resolves when the running ones are settled. */
  async close(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()));
  }

  /** After `close`, where it took too long: leaves what is not settled to the next start. */
  abandon(): void {
    for (const lane of this.#lanes.values()) lane.abandon();
  }

  /** The store has something for a destination, due at this time. */
  expect(destination: string, dueMs: number): void {
    this.#lanes.get(destination)?.expect(dueMs);
  }

  /** What each lane is doing, by destination. */
  get loads(): ReadonlyMap<string, LaneLoad> {
    return new Map([...this.#lanes].map(([destination, lane]) => [destination, lane.load]));
  }
}
