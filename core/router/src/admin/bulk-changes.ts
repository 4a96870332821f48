/** Changes of all deliveries that match a filter, such as replays: in pages, at a pace, with their progress. */
import {
  type Clock,
  type DeliveryQuery,
  type DeliveryRecord,
  type EventQuery,
  type Page,
  refuse,
  type Store,
} from '@switchhook/sdk';
import { Sleep, TimeoutError, withTimeout } from '@switchhook/sdk/internal';
import { newBulkChangeId } from '../system/ids.js';
import { pagesOf } from '../system/lists.js';
import type { Mask } from '../system/mask.js';
import { located } from '../system/thrown.js';
import { failedAs } from './dead-groups.js';
import { carriersOf } from './gathered.js';

/** Which deliveries, or with `reroute` which events. */
export interface BulkFilter {
  /** Conditions of the deliveries. With `reroute` of those to be made: `eventId`, `route` and `destination`. */
  readonly deliveries: Omit<DeliveryQuery, 'limit' | 'cursor'>;
  /** Only deliveries with this failure, as a group of dead ones has it: null where no attempt came back. Without it: any. */
  readonly failure?: string | null;
  /** Conditions of their events; null = none. */
  readonly events: Omit<EventQuery, 'limit' | 'cursor'> | null;
}

/** A request for a change of many. */
export interface BulkRequest {
  readonly filter: BulkFilter;
  /** Count only. */
  readonly dryRun: boolean;
  /** Of a replay: so many become due each second, the oldest first. Of a discard: so many are discarded each second. */
  readonly perSecond: number;
}

/** How far a change of many is. */
export interface BulkChange extends BulkRequest {
  readonly id: string;
  /** `cancelled` = by an operator; `stopped` = the router was closed before its end. */
  readonly state: 'running' | 'done' | 'failed' | 'cancelled' | 'stopped';
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  /** Deliveries that fit; while it counts, those found so far. */
  readonly matched: number;
  /** Replayed, or discarded. */
  readonly changed: number;
  /** Of what fits, in the order they were found. */
  readonly destinations: readonly string[];
  readonly skipped: {
    /** Running, or gone, or settled otherwise since they were found. */
    readonly running: number;
    /** Of a replay: their destination is not configured any more. */
    readonly unconfigured: number;
    /** Of a replay: retention has removed the body of their event. */
    readonly withoutBody: number;
  };
  /** Why it failed; null otherwise. */
  readonly reason: string | null;
}

/** What became of a batch. */
export interface Applied {
  readonly changed: number;
  readonly unconfigured: number;
  readonly withoutBody: number;
}

/** Where a batch stands in its change. */
export interface BatchPlace {
  /** Of the change. */
  readonly id: string;
  readonly perSecond: number;
  /** When the first batch was applied. */
  readonly startMs: number;
  /** How many there are, and how many of them are done. */
  readonly total: number;
  readonly seen: number;
  /** How long ago the batch was read. */
  readonly ageMs: number;
}

/** How a kind of change is named, refused and logged. */
export interface BulkKind {
  readonly noun: 'replay' | 'discard';
  readonly busy: 'REPLAY_RUNNING' | 'DISCARD_RUNNING';
  started(fields: object): void;
  failed(fields: object): void;
  ended(fields: object): void;
}

export type Pages<T> = AsyncIterable<readonly T[]>;
type Progress<R> = R & { -readonly [K in keyof BulkChange]: BulkChange[K] };

const deliveriesPerPage = 500;
/** Fewer, because a page holds their bodies. */
export const eventsPerPage = 50;
/** What one event may have. */
export const mostDeliveries = 1_000;
/** Changes of one kind that are kept in memory after their end. */
const kept = 100;
/** One that ends sooner is answered with its end. */
const patienceMs = 1_000;
/** A page takes milliseconds. */
const closingMs = 5_000;

/** The changes of one kind since the router was started. One runs at a time. */
export abstract class BulkChanges<R extends BulkRequest, T extends { readonly destination: string }> {
  /** Oldest first. */
  readonly #kept: Progress<R>[] = [];
  readonly #pauses: Sleep;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(
    private readonly kind: BulkKind,
    private readonly clock: Clock,
    private readonly mask: Mask,
  ) {
    this.#pauses = new Sleep(clock);
  }

  /** What fits, newest first. */
  protected abstract pages(request: R): Pages<T>;
  /** Changes a batch. */
  protected abstract apply(batch: readonly T[], place: BatchPlace, request: R): Promise<Applied>;
  /** Whether batches are of what a second allows, one each second. Otherwise they are whole pages, one after the other. */
  protected abstract readonly isPaced: boolean;

  /** Newest first, without those that have ended and found nothing. */
  list(): readonly (R & BulkChange)[] {
    const found = this.#kept.filter(({ state, matched }) => state !== 'done' || matched > 0);
    return found.map((change) => ({ ...change })).toReversed();
  }

  /** Refused as `NOT_KEPT` where it is not known. */
  get(id: string): R & BulkChange {
    return { ...this.#find(id) };
  }

  /** Starts one, and resolves when it is done or has run for a second; `get` returns its progress. */
  async start(request: R): Promise<R & BulkChange> {
    const { noun, busy } = this.kind;
    if (this.#closed) throw refuse('SHUTTING_DOWN', 'the router is closing');
    if (this.#running !== null) throw refuse(busy, `${noun} ${this.#kept.at(-1)?.id} is still running`);
    const change = this.#begun(request);
    const running = this.#run(change, request);
    this.#running = running;
    await this.#waitFor(running, patienceMs);
    return { ...change };
  }

  /** Ends one after its batch; what it has changed stays changed. Refused as `WRONG_STATE` where it has ended already. */
  async cancel(id: string): Promise<R & BulkChange> {
    const change = this.#find(id);
    if (change.state !== 'running' || this.#running === null)
      throw refuse('WRONG_STATE', `${this.kind.noun} ${id} has ended: it is ${change.state}`);
    const running = this.#running;
    change.state = 'cancelled';
    this.#pauses.wake();
    await this.#waitFor(running, patienceMs);
    return { ...change };
  }

  /** Resolves when the one that runs has stopped, after its batch; or soon, where the store hangs. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pauses.end();
    if (this.#running !== null) await this.#waitFor(this.#running, closingMs);
  }

  #find(id: string): Progress<R> {
    const change = this.#kept.find((one) => one.id === id);
    if (change === undefined) throw refuse('NOT_KEPT', `there is no ${this.kind.noun} ${id}; a restart drops them`);
    return change;
  }

  async #waitFor(running: Promise<void>, ms: number): Promise<void> {
    await withTimeout(this.clock, ms, () => running).catch((error: unknown) => {
      if (!(error instanceof TimeoutError)) throw error;
    });
  }

  #begun(request: R): Progress<R> {
    const change: Progress<R> = {
      ...request,
      id: newBulkChangeId(),
      state: 'running',
      startedAtMs: this.clock.now(),
      endedAtMs: null,
      matched: 0,
      changed: 0,
      destinations: [],
      skipped: { running: 0, unconfigured: 0, withoutBody: 0 },
      reason: null,
    };
    this.#kept.push(change);
    if (this.#kept.length > kept) this.#kept.shift();
    return change;
  }

  /** Never rejects. */
  async #run(change: Progress<R>, request: R): Promise<void> {
    const { id } = change;
    this.kind.started({ id, ...request });
    try {
      await this.#sweep(change, request);
      if (change.state === 'running') change.state = this.#closed ? 'stopped' : 'done';
    } catch (error) {
      // An operator who has cancelled it sees that.
      if (change.state === 'running') change.state = 'failed';
      change.reason = located(error, this.mask);
      this.kind.failed({ id, error });
    }
    change.endedAtMs = this.clock.now();
    this.#running = null;
    this.kind.ended({ ...change });
  }

  /**
   * Counts first: lists come newest first, and the oldest can only be due first once their number is known.
   */
  async #sweep(change: Progress<R>, request: R): Promise<void> {
    const isOver = (): boolean => this.#closed || change.state !== 'running';
    for await (const page of this.pages(request)) {
      if (isOver()) return;
      change.matched += page.length;
      change.destinations = [...new Set([...change.destinations, ...page.map(({ destination }) => destination)])];
    }
    if (request.dryRun) return;
    const { perSecond } = request;
    const startMs = this.clock.now();
    const total = change.matched;
    let seen = 0;
    let freeMs = this.clock.elapsed();
    for await (const page of this.pages(request)) {
      if (isOver()) return;
      const readMs = this.clock.elapsed();
      for (let done = 0; done < page.length; ) {
        if (freeMs > this.clock.elapsed()) await this.#pauses.for(freeMs - this.clock.elapsed());
        if (isOver()) return;
        const batch = page.slice(done, done + (this.isPaced ? perSecond : page.length));
        const place = { id: change.id, perSecond, startMs, total, seen, ageMs: this.clock.elapsed() - readMs };
        // A store that hung is not asked for more than a second's worth at once.
        if (this.isPaced) freeMs = Math.max(freeMs, this.clock.elapsed() - 1_000) + (1_000 * batch.length) / perSecond;
        const { changed, unconfigured, withoutBody } = await this.apply(batch, place, request);
        seen += batch.length;
        done += batch.length;
        change.matched = Math.max(total, seen);
        change.changed += changed;
        change.skipped = {
          running: change.skipped.running + batch.length - changed - unconfigured - withoutBody,
          unconfigured: change.skipped.unconfigured + unconfigured,
          withoutBody: change.skipped.withoutBody + withoutBody,
        };
      }
    }
    change.matched = seen;
  }
}

/** The deliveries that match a filter; discarded ones only if the filter names them, and of gathered ones those that take them along. */
export async function* deliveriesOf(
  store: Store,
  { deliveries: query, events, failure }: BulkFilter,
): Pages<DeliveryRecord> {
  const seen = new Set<string>();
  const fitting = async ({ items }: Page<DeliveryRecord>) => {
    const chosen = items
      .filter(({ reason }) => reason !== 'discarded' || query.reason === 'discarded')
      .filter((one) => failure === undefined || failedAs(one, failure));
    return carriersOf(store, chosen, seen);
  };
  if (events === null) {
    for await (const page of pagesOf(deliveriesPerPage, (part) => store.deliveries({ ...query, ...part })))
      yield await fitting(page);
    return;
  }
  for await (const page of pagesOf(eventsPerPage, (part) => store.events({ ...events, ...part, bodies: false }))) {
    const ofEach = page.items.map(({ id }) => store.deliveries({ ...query, eventId: id, limit: mostDeliveries }));
    const items = (await Promise.all(ofEach)).flatMap((found) => found.items);
    yield await fitting({ items, cursor: null });
  }
}
