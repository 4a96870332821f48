/** Replays: many deliveries made waiting again, or made anew by today's routes. */
import { Clock, type DeliveryRecord, type EventRecord, Log, type Page, Store, token } from '@switchhook/sdk';
import type { OpenDestination } from '../delivery/attempt.js';
import { Dispatcher } from '../delivery/dispatcher.js';
import { DeliveryTelemetry } from '../delivery/telemetry.js';
import { hasBody } from '../routing/event-record.js';
import { missingDeliveries, type Route, type Wanted } from '../routing/routes.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { pagesOf } from '../system/lists.js';
import { Mask } from '../system/mask.js';
import {
  type Applied,
  type BatchPlace,
  type BulkChange,
  BulkChanges,
  type BulkFilter,
  type BulkRequest,
  deliveriesOf,
  eventsPerPage,
  mostDeliveries,
  type Pages,
} from './bulk-changes.js';
import { eventWithoutBody } from './missing-bodies.js';
import { OutcomesOfReplays, type ReplayOutcomes } from './replay-outcomes.js';

/** What replays take from the configuration. */
export interface ReplayPlan {
  /** In the order of the file. */
  readonly routes: readonly Route[];
  /** By name. */
  readonly destinations: ReadonlyMap<string, OpenDestination>;
}

export const ReplayPlan = token<Current<ReplayPlan>>('switchhook.ReplayPlan');

/** A request for a replay. */
export interface ReplayRequest extends BulkRequest {
  /** Instead of making deliveries wait again: make those that today's routes want and the event does not have. */
  readonly reroute: boolean;
}

/** How far a replay is. */
export type Replay = BulkChange & ReplayRequest;

type Found = DeliveryRecord | Wanted;
type Due<T> = T & { readonly dueMs: number };

/** Pages come newest first: a delivery that gathers waits at least so long for the older events of its subject. */
const gatheringMs = 10_000;

@injectable()
export class Replays extends BulkChanges<ReplayRequest, Found> {
  /** Due times pace what it changes. */
  protected readonly isPaced = false;
  readonly #outcomes: OutcomesOfReplays;

  constructor(
    @inject(ReplayPlan) private readonly plan: Current<ReplayPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @inject(DeliveryTelemetry) private readonly telemetry: DeliveryTelemetry,
    @inject(Clock) private readonly time: Clock,
    @inject(Log) log: Log,
    @inject(Mask) mask: Mask,
  ) {
    const kind = {
      ...({ noun: 'replay', busy: 'REPLAY_RUNNING' } as const),
      started: (fields: object) => log.info('replay.started', { ...fields }),
      failed: (fields: object) => log.error('replay.failed', { ...fields }),
      ended: (fields: object) => log.info('replay.ended', { ...fields }),
    };
    super(kind, time, mask);
    this.#outcomes = new OutcomesOfReplays(store);
  }

  /** What became of what a replay has changed; null where it is not one of the latest, or has changed nothing. */
  outcomes(id: string): Promise<ReplayOutcomes | null> {
    return this.#outcomes.read(id);
  }

  /** Deliveries that were replayed one by one: what became of them is not of the replays before. */
  replayedByHand(deliveries: readonly string[]): void {
    this.#outcomes.replayedAgain(deliveries);
  }

  protected pages({ filter, reroute }: ReplayRequest): Pages<Found> {
    return reroute ? this.#wanted(filter) : deliveriesOf(this.store, filter);
  }

  protected async apply(page: readonly Found[], { id, startMs, total, seen, perSecond }: BatchPlace): Promise<Applied> {
    const dueOf = (index: number) => startMs + 1_000 * Math.floor(Math.max(0, total - 1 - seen - index) / perSecond);
    const due = page.map((piece, index) => ({ ...piece, dueMs: dueOf(index) }));
    const configured = due.filter(({ destination }) => this.plan.value.destinations.has(destination));
    const made = await this.#make(configured.filter(isWanted));
    const { ids, withoutBody } = await this.#again(configured.filter(isMade));
    this.#outcomes.add(id, [...made, ...ids]);
    const changed = made.length + ids.length;
    this.telemetry.replayed(changed);
    for (const { destination, dueMs } of configured) this.dispatcher.expect(destination, dueMs);
    return { changed, withoutBody, unconfigured: due.length - configured.length };
  }

  /** The ids of those that wait again, and how many do not because a body is missing. */
  async #again(page: readonly Due<DeliveryRecord>[]) {
    const groups = grouped(page, ({ dueMs }) => dueMs);
    const changes = groups.map(([dueMs, group]) => this.store.replay(group.map(idOf), dueMs));
    const changed = new Set((await Promise.all(changes)).flat());
    const left = page.filter(({ id }) => !changed.has(id));
    let withoutBody = 0;
    for (const one of left) if ((await eventWithoutBody(this.store, one)) !== null) withoutBody += 1;
    return { ids: [...changed], withoutBody };
  }

  /** The ids of those that were made. */
  async #make(page: readonly Due<Wanted>[]): Promise<readonly string[]> {
    const changes = grouped(page, ({ eventId }) => eventId).map(([eventId, group]) => {
      const deliveries = group.map(({ eventId: _, waitMs, dueMs, ...wanted }) => {
        const soonestMs = wanted.gather === undefined ? 0 : this.time.now() + gatheringMs;
        return { ...wanted, state: 'waiting' as const, dueMs: Math.max(dueMs + waitMs, soonestMs) };
      });
      return this.store.extend(eventId, deliveries);
    });
    return (await Promise.all(changes)).flat();
  }

  /** The deliveries that today's routes want, of events that do not have them. */
  async *#wanted({ deliveries: { eventId, ...query }, events }: BulkFilter): Pages<Wanted> {
    const { store } = this;
    const pages =
      eventId === undefined
        ? pagesOf(eventsPerPage, (part) => store.events({ ...events, ...part }))
        : [await this.#pageOf(eventId)];
    for await (const page of pages) {
      const ofEach = page.items.map(async (event) => {
        const { items } = await store.deliveries({ eventId: event.id, limit: mostDeliveries });
        return !hasBody(event) ? [] : missingDeliveries(event, items, this.plan.value.routes, query);
      });
      yield (await Promise.all(ofEach)).flat();
    }
  }

  async #pageOf(eventId: string): Promise<Page<EventRecord>> {
    const event = await this.store.event(eventId);
    return { items: event === null ? [] : [event], cursor: null };
  }
}

function grouped<K, T>(items: readonly T[], keyOf: (item: T) => K): readonly (readonly [K, readonly T[]])[] {
  const groups = new Map<K, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups];
}

const idOf = ({ id }: DeliveryRecord): string => id;

const isWanted = (one: Due<Found>): one is Due<Wanted> => 'waitMs' in one;
const isMade = (one: Due<Found>): one is Due<DeliveryRecord> => !isWanted(one);
