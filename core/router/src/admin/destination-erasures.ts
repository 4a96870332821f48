/** What was sent of erased events, and its erasure at the destinations that can. */
import {
  type ClaimedDelivery,
  type Clock,
  type Delivery,
  type DeliveryRecord,
  type EventRecord,
  refuse,
  type Store,
  type Transform,
} from '@switchhook/sdk';
import { applyTransforms, type OpenDestination } from '../delivery/attempt.js';
import { calledWithin } from '../delivery/outcome.js';
import type { Current } from '../system/injection.js';
import type { Mask } from '../system/mask.js';
import { located } from '../system/thrown.js';
import { gatheredEvents } from './gathered.js';

/** What is taken from the configuration; the maps are by name. */
export interface ErasurePlan {
  readonly destinations: ReadonlyMap<string, OpenDestination>;
  readonly transforms: ReadonlyMap<string, Transform>;
}

/** A delivery that was sent. */
export interface Sent {
  readonly destination: string;
  readonly eventId: string;
  /** The key that the destination was given. */
  readonly deliveryId: string;
  /** When it arrived, or was tried last; null where the attempt is under way. */
  readonly atMs: number | null;
  /** False: an attempt had no success, but may have arrived. */
  readonly arrived: boolean;
}

/** What became of it at a destination. */
export interface DestinationErasure {
  readonly destination: string;
  /** Deliveries that were sent to it, or may have been. */
  readonly deliveries: number;
  /** Whether the router can erase there. */
  readonly able: boolean;
  /** Records that were removed there. */
  readonly records: number;
  /** Why some may be left; null = none is. */
  readonly failure: string | null;
}

/** A delivery that was sent, with its record. */
export interface SentDelivery {
  readonly sent: Sent;
  readonly record: DeliveryRecord;
}

type Result = { -readonly [K in keyof DestinationErasure]: DestinationErasure[K] };

const mostDeliveries = 1_000;
const mostAtOnce = 500;

export class DestinationErasures {
  readonly #plan: Current<ErasurePlan>;
  readonly #parts: { readonly store: Store; readonly clock: Clock; readonly mask: Mask };
  readonly #results = new Map<string, Result>();

  constructor(
    plan: Current<ErasurePlan>,
    parts: { readonly store: Store; readonly clock: Clock; readonly mask: Mask },
  ) {
    this.#plan = plan;
    this.#parts = parts;
  }

  /** By destination. */
  get results(): readonly DestinationErasure[] {
    return [...this.#results.values()].map((result) => ({ ...result }));
  }

  /** Destination and state of every delivery of these events, and those that were sent. `isAttempted`: whether an attempt is under way. */
  async deliveriesOf(eventIds: readonly string[], isAttempted: (deliveryId: string) => boolean) {
    const { store } = this.#parts;
    const pages = await Promise.all(eventIds.map((eventId) => store.deliveries({ eventId, limit: mostDeliveries })));
    const records = pages.flatMap(({ items }) => items);
    const sent: SentDelivery[] = [];
    for (const record of [...records, ...(await this.#takenAlong(records))]) {
      const one = await this.#sentOf(record, isAttempted);
      if (one !== null) sent.push({ sent: one, record });
    }
    return { deliveries: records.map(({ destination, state }) => [destination, state] as const), sent };
  }

  /** Deliveries of other events that have gathered these. */
  async #takenAlong(records: readonly DeliveryRecord[]): Promise<readonly DeliveryRecord[]> {
    const own = new Set(records.map(({ id }) => id));
    const others = new Set(records.flatMap(({ gathered }) => (gathered == null ? [] : gathered.by)));
    const found = [...others].filter((id) => !own.has(id)).map((id) => this.#parts.store.delivery(id));
    return (await Promise.all(found)).flatMap((record) => record ?? []);
  }

  /** Counts what was sent to each destination. */
  note(sent: readonly SentDelivery[]): void {
    for (const { record } of sent) this.#resultOf(record.destination).deliveries += 1;
  }

  /** What destinations that can erase are given: made before the events are gone. */
  async prepared(sent: readonly SentDelivery[]): Promise<readonly Delivery[]> {
    const able = sent.filter(({ record }) => this.#resultOf(record.destination).able);
    const { store } = this.#parts;
    const events = new Map<string, EventRecord | null>();
    const prepared: Delivery[] = [];
    for (const { record } of able) {
      const { eventId } = record;
      if (!events.has(eventId)) events.set(eventId, await store.event(eventId));
      const event = events.get(eventId) ?? null;
      if (event !== null) prepared.push(...this.#prepared(record, (await gatheredEvents(store, record)) ?? { event }));
    }
    return prepared;
  }

  /** The results as they are if the erasure is interrupted before these deliveries are erased. */
  interrupted(deliveries: readonly Delivery[]): readonly DestinationErasure[] {
    return this.results.map((result) => {
      const ids = deliveries.flatMap(({ id, destination }) => (destination === result.destination ? [id] : []));
      const failure = `the erasure was interrupted before it erased here: ${ids.join(', ')}`;
      return ids.length === 0 ? result : { ...result, failure };
    });
  }

  /** Erases what these deliveries have left. Never rejects. */
  async erase(deliveries: readonly Delivery[]): Promise<void> {
    const names = new Set(deliveries.map(({ destination }) => destination));
    const ofEach = [...names].map((name) =>
      this.#erase(
        name,
        deliveries.filter(({ destination }) => destination === name),
      ),
    );
    await Promise.all(ofEach);
  }

  async #erase(name: string, deliveries: readonly Delivery[]): Promise<void> {
    const { clock, mask } = this.#parts;
    const result = this.#resultOf(name);
    const open = this.#plan.value.destinations.get(name);
    const { destination, policy } = open ?? {};
    for (let first = 0; first < deliveries.length; first += mostAtOnce)
      try {
        if (destination?.erase === undefined || policy === undefined)
          throw refuse('DESTINATION_GONE', `there is no destination ${name} any more`);
        const some = deliveries.slice(first, first + mostAtOnce);
        const erase = destination.erase.bind(destination);
        const records: unknown = await calledWithin(clock, policy.timeoutMs, (signal) => erase(some, signal));
        if (typeof records !== 'number' || !(records >= 0)) throw new Error('erase has returned no number');
        result.records += records;
      } catch (error) {
        result.failure = located(error, mask);
      }
  }

  #prepared(record: DeliveryRecord, events: Pick<ClaimedDelivery, 'event' | 'events'>): readonly Delivery[] {
    const { id, destination, route, transforms, attempts } = record;
    const claimed = { id, destination, route, transforms, attempt: Math.max(1, attempts), ...events };
    const prepared = applyTransforms(claimed, { transforms: this.#plan.value.transforms, mask: this.#parts.mask });
    if ('event' in prepared) return [prepared];
    // A transform that is not configured any more, or fails.
    if ('reason' in prepared) this.#resultOf(destination).failure = prepared.reason ?? null;
    return [];
  }

  async #sentOf(record: DeliveryRecord, isAttempted: (deliveryId: string) => boolean): Promise<Sent | null> {
    const { id: deliveryId, eventId, destination, state, settledAtMs } = record;
    const of = { destination, eventId, deliveryId };
    if (state === 'delivered') return { ...of, atMs: settledAtMs, arrived: true };
    // In a shared store, its attempt may be that of another router.
    const isRunning = state === 'running' && (isAttempted(deliveryId) || this.#parts.store.onDue !== undefined);
    if (isRunning) return { ...of, atMs: null, arrived: false };
    // A replay leaves the attempts as they are.
    const attempts = (await this.#parts.store.attempts(deliveryId)).filter(({ outcome }) => outcome !== 'skipped');
    const last = attempts.findLast(({ outcome }) => outcome === 'delivered') ?? attempts.at(-1);
    return last === undefined ? null : { ...of, atMs: last.startedAtMs, arrived: last.outcome === 'delivered' };
  }

  #resultOf(destination: string): Result {
    const known = this.#results.get(destination);
    if (known !== undefined) return known;
    const able = this.#plan.value.destinations.get(destination)?.destination.erase !== undefined;
    const result: Result = { destination, deliveries: 0, able, records: 0, failure: null };
    this.#results.set(destination, result);
    return result;
  }
}
