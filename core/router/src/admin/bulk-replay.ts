/** Replays: many deliveries made waiting again, or made anew by today's routes, in pages and at a pace. */
import {
  Clock,
  type DeliveryQuery,
  type DeliveryRecord,
  type EventQuery,
  type EventRecord,
  Log,
  type Page,
  refuse,
  Store,
  token,
} from '@switchhook/sdk';
import { TimeoutError, withTimeout } from '@switchhook/sdk/internal';
import type { OpenDestination } from '../delivery/attempt.js';
import { Dispatcher } from '../delivery/dispatcher.js';
import { DeliveryTelemetry } from '../delivery/telemetry.js';
import { hasBody } from '../routing/event-record.js';
import { missingDeliveries, type Route, type Wanted } from '../routing/routes.js';
import { newReplayId } from '../system/ids.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { pagesOf } from '../system/lists.js';
import { Mask } from '../system/mask.js';
import { located } from '../system/thrown.js';
import { carriersOf } from './gathered.js';
import { eventWithoutBody } from './missing-bodies.js';

/** What replays take from the configuration. */
export interface ReplayPlan {
  /** In the order of the file. */
  readonly routes: readonly Route[];
  /** By name. */
  readonly destinations: ReadonlyMap<string, OpenDestination>;
}

type Applied = Readonly<Record<'changed' | 'withoutBody', number>>;

export const ReplayPlan = token<Current<ReplayPlan>>('switchhook.ReplayPlan');

/** Which deliveries, or with `reroute` which events. */
export interface ReplayFilter {
  /** Conditions of the deliveries. With `reroute` of those to be made: `eventId`, `route` and `destination`. */
  readonly deliveries: Omit<DeliveryQuery, 'limit' | 'cursor'>;
  /** Conditions of their events; null = none. */
  readonly events: Omit<EventQuery, 'limit' | 'cursor'> | null;
}

/** A request for a replay. */
export interface ReplayRequest {
  readonly filter: ReplayFilter;
  /** Count only. */
  readonly dryRun: boolean;
  /** Instead of making deliveries wait again: make those that today's routes want and the event does not have. */
  readonly reroute: boolean;
  /** So many become due each second, the oldest first. */
  readonly perSecond: number;
}

/** How far a replay is. */
export interface Replay {
  readonly id: string;
  /** `stopped` = the router was closed before its end. */
  readonly state: 'running' | 'done' | 'failed' | 'stopped';
  readonly dryRun: boolean;
  readonly reroute: boolean;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  /** Deliveries that fit; while it counts, those found so far. */
  readonly matched: number;
  readonly replayed: number;
  /** Of what fits, in the order they were found. */
  readonly destinations: readonly string[];
  readonly skipped: {
    /** Running, or gone since they were found. */
    readonly running: number;
    /** Their destination is not configured any more. */
    readonly unconfigured: number;
    /** Retention has removed the body of their event. */
    readonly withoutBody: number;
  };
  /** Why it failed; null otherwise. */
  readonly reason: string | null;
}

type Progress = { -readonly [K in keyof Replay]: Replay[K] };
type Due<T> = T & { readonly dueMs: number };
type Pages<T> = AsyncIterable<readonly T[]>;

const deliveriesPerPage = 500;
/** Fewer, because a page holds their bodies. */
const eventsPerPage = 50;
/** What one event may have. */
const mostDeliveries = 1_000;
/** Replays that are kept in memory after their end. */
const keptReplays = 100;
/** A replay that ends sooner is answered with its end. */
const patienceMs = 1_000;
/** Pages come newest first: a delivery that gathers waits at least so long for the older events of its subject. */
const gatheringMs = 10_000;
/** A page takes milliseconds. */
const closingMs = 5_000;

@injectable()
export class Replays {
  /** Oldest first. */
  readonly #kept: Progress[] = [];
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(
    @inject(ReplayPlan) private readonly plan: Current<ReplayPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Dispatcher) private readonly dispatcher: Dispatcher,
    @inject(DeliveryTelemetry) private readonly telemetry: DeliveryTelemetry,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
    @inject(Mask) private readonly mask: Mask,
  ) {}

  /** Newest first. */
  list(): readonly Replay[] {
    return this.#kept.map((replay) => ({ ...replay })).toReversed();
  }

  /** Refused as `NOT_KEPT` where it is not known. */
  get(id: string): Replay {
    const replay = this.#kept.find((one) => one.id === id);
    if (replay === undefined) throw refuse('NOT_KEPT', `there is no replay ${id}; a restart drops them`);
    return { ...replay };
  }

  /** Starts one, and resolves when it is done or has run for a second; `get` returns its progress. One at a time. */
  async start(request: ReplayRequest): Promise<Replay> {
    if (this.#closed) throw refuse('SHUTTING_DOWN', 'the router is closing');
    if (this.#running !== null) throw refuse('REPLAY_RUNNING', `replay ${this.#kept.at(-1)?.id} is still running`);
    const replay = this.#begun(request);
    const running = this.#run(replay, request);
    this.#running = running;
    await this.#waitFor(running, patienceMs);
    return { ...replay };
  }

  /** Resolves when the one that runs has stopped, after its page; or soon, where the store hangs. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running !== null) await this.#waitFor(this.#running, closingMs);
  }

  async #waitFor(running: Promise<void>, ms: number): Promise<void> {
    await withTimeout(this.clock, ms, () => running).catch((error: unknown) => {
      if (!(error instanceof TimeoutError)) throw error;
    });
  }

  #begun({ dryRun, reroute }: ReplayRequest): Progress {
    const replay: Progress = {
      id: newReplayId(),
      state: 'running',
      dryRun,
      reroute,
      startedAtMs: this.clock.now(),
      endedAtMs: null,
      matched: 0,
      replayed: 0,
      destinations: [],
      skipped: { running: 0, unconfigured: 0, withoutBody: 0 },
      reason: null,
    };
    this.#kept.push(replay);
    if (this.#kept.length > keptReplays) this.#kept.shift();
    return replay;
  }

  /** Never rejects. */
  async #run(replay: Progress, request: ReplayRequest): Promise<void> {
    const { clock, log } = this;
    const { filter } = request;
    log.info('replay.started', { id: replay.id, ...request });
    try {
      if (request.reroute) await this.#sweep(replay, request, () => this.#wanted(filter), this.#make);
      else await this.#sweep(replay, request, () => this.#found(filter), this.#again);
      replay.state = this.#closed ? 'stopped' : 'done';
    } catch (error) {
      replay.state = 'failed';
      replay.reason = located(error, this.mask);
      log.error('replay.failed', { id: replay.id, error });
    }
    replay.endedAtMs = clock.now();
    this.#running = null;
    log.info('replay.ended', { ...replay });
  }

  /**
   * Counts first: lists come newest first, and the oldest can only be due first once their number is known.
   */
  async #sweep<T extends { readonly destination: string }>(
    replay: Progress,
    { dryRun, perSecond }: ReplayRequest,
    pages: () => Pages<T>,
    apply: (page: readonly Due<T>[]) => Promise<Applied>,
  ): Promise<void> {
    for await (const page of pages()) {
      if (this.#closed) return;
      replay.matched += page.length;
      replay.destinations = [...new Set([...replay.destinations, ...page.map(({ destination }) => destination)])];
    }
    if (dryRun) return;
    const startMs = this.clock.now();
    const total = replay.matched;
    let seen = 0;
    for await (const page of pages()) {
      if (this.#closed) return;
      const dueOf = (index: number) => startMs + 1_000 * Math.floor(Math.max(0, total - 1 - seen - index) / perSecond);
      const due = page.map((piece, index) => ({ ...piece, dueMs: dueOf(index) }));
      const configured = due.filter(({ destination }) => this.plan.value.destinations.has(destination));
      const { changed, withoutBody } = await apply(configured);
      seen += page.length;
      replay.matched = Math.max(total, seen);
      replay.replayed += changed;
      this.telemetry.replayed(changed);
      replay.skipped = {
        running: replay.skipped.running + configured.length - changed - withoutBody,
        unconfigured: replay.skipped.unconfigured + due.length - configured.length,
        withoutBody: replay.skipped.withoutBody + withoutBody,
      };
      for (const { destination, dueMs } of configured) this.dispatcher.expect(destination, dueMs);
    }
    replay.matched = seen;
  }

  readonly #again = async (page: readonly Due<DeliveryRecord>[]): Promise<Applied> => {
    const groups = grouped(page, ({ dueMs }) => dueMs);
    const changes = groups.map(([dueMs, group]) => this.store.replay(group.map(idOf), dueMs));
    const changed = new Set((await Promise.all(changes)).flat());
    const left = page.filter(({ id }) => !changed.has(id));
    let withoutBody = 0;
    for (const one of left) if ((await eventWithoutBody(this.store, one)) !== null) withoutBody += 1;
    return { changed: changed.size, withoutBody };
  };

  readonly #make = async (page: readonly Due<Wanted>[]): Promise<Applied> => {
    const changes = grouped(page, ({ eventId }) => eventId).map(([eventId, group]) => {
      const deliveries = group.map(({ eventId: _, waitMs, dueMs, ...wanted }) => {
        const soonestMs = wanted.gather === undefined ? 0 : this.clock.now() + gatheringMs;
        return { ...wanted, state: 'waiting' as const, dueMs: Math.max(dueMs + waitMs, soonestMs) };
      });
      return this.store.extend(eventId, deliveries);
    });
    return { changed: (await Promise.all(changes)).flat().length, withoutBody: 0 };
  };

  /** The deliveries that match a filter; discarded ones only if the filter names them. */
  async *#found({ deliveries: query, events }: ReplayFilter): Pages<DeliveryRecord> {
    const { store } = this;
    const seen = new Set<string>();
    const fitting = async ({ items }: Page<DeliveryRecord>) => {
      const chosen = items.filter(({ reason }) => reason !== 'discarded' || query.reason === 'discarded');
      return carriersOf(store, chosen, seen);
    };
    if (events === null) {
      for await (const page of pagesOf(deliveriesPerPage, (part) => store.deliveries({ ...query, ...part })))
        yield await fitting(page);
      return;
    }
    for await (const page of pagesOf(eventsPerPage, (part) => store.events({ ...events, ...part }))) {
      const ofEach = page.items.map(({ id }) => store.deliveries({ ...query, eventId: id, limit: mostDeliveries }));
      const items = (await Promise.all(ofEach)).flatMap((found) => found.items);
      yield await fitting({ items, cursor: null });
    }
  }

  /** The deliveries that today's routes want, of events that do not have them. */
  async *#wanted({ deliveries: { eventId, ...query }, events }: ReplayFilter): Pages<Wanted> {
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
