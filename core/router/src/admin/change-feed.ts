/** What happens, as it happens: the changes of the store for clients that follow them, read once however many there are. */
import { type Change, type Changes, Clock, isRefusal, refuse, Store } from '@switchhook/sdk';
import { type Current, inject, injectable } from '../system/injection.js';
import { AdminPlan } from './operations.js';

/** Which changes a client wants to see. */
export interface ChangeFilter {
  readonly source?: string | undefined;
  readonly type?: string | undefined;
  readonly subject?: string | undefined;
  readonly agent?: string | undefined;
  readonly party?: string | undefined;
  /** Of attempts; no events then. */
  readonly destination?: string | undefined;
}

/** What happened since a cursor. */
export interface ChangePage {
  readonly changes: readonly Change[];
  /** More that fit, and are not shown because so many came at once. */
  readonly hidden: number;
  readonly cursor: string;
}

/** A person reads no faster, and the store is read twice a second at most. */
const betweenReadsMs = 500;
/** Of each kind, read from the store at once: some milliseconds of its thread. */
const partSize = 500;
/** In one page. With more each half second, a client lags behind, and misses nothing. */
const mostParts = 8;
const shownLive = 100;
/** Of each kind, where a client follows everything: what it is not shown anyway need not be read. Takes a millisecond. */
const mostCounted = 10_000;
/** Proxies end connections that are silent for a minute. */
const pingMs = 15_000;
/** Then a client connects again, and its access is checked again. */
const longestStreamMs = 15 * 60_000;
const mostStreams = 32;

@injectable()
export class ChangeFeed {
  /** What was read since the last tick. */
  readonly #parts = new Map<string, Promise<Changes>>();
  #tick: { readonly ended: Promise<void>; end(): void } | null = null;
  #streams = 0;
  #isClosed = false;

  constructor(
    @inject(AdminPlan) private readonly plan: Current<AdminPlan>,
    @inject(Store) private readonly store: Store,
    @inject(Clock) private readonly clock: Clock,
  ) {}

  /** What happened after a cursor, at most `most` changes; null = nothing yet, and the cursor of this moment. */
  async read(filter: ChangeFilter, after: string | null, most: number): Promise<ChangePage> {
    const isWhole = Object.values(filter).every((one) => one === undefined);
    if (isWhole && after !== null) {
      const part = await this.#part(after, most, mostCounted);
      // A store that counts none is read to the end.
      if (part.more !== undefined) return { ...mixed(part.changes, most, part.more), cursor: part.cursor };
    }
    const fits = this.#fitting(filter);
    const changes: Change[] = [];
    let [hidden, cursor] = [0, after];
    for (let parts = 1; ; parts += 1) {
      const part: Changes = await this.#part(cursor, partSize, 0);
      cursor = part.cursor;
      for (const change of part.changes.filter(fits))
        if (changes.length < most) changes.push(change);
        else hidden += 1;
      if (part.changes.length < partSize || parts === mostParts) return { changes, hidden, cursor };
    }
  }

  /**
   * Pages until the client goes (`signal`), a quarter of an hour is over, or the router closes; the first one at once, and one without changes
   * every 15 s. A cursor that the store does not know begins now. Refused as `TOO_MANY_STREAMS`.
   */
  follow(filter: ChangeFilter, after: string | null, signal: AbortSignal): AsyncIterable<ChangePage> {
    this.#requireChanges();
    if (this.#streams >= mostStreams) throw refuse('TOO_MANY_STREAMS', `${mostStreams} are open`);
    return this.#followed(filter, after, signal);
  }

  async *#followed(filter: ChangeFilter, after: string | null, signal: AbortSignal): AsyncGenerator<ChangePage> {
    const { clock } = this;
    const endMs = clock.elapsed() + longestStreamMs;
    let cursor = after;
    let sentMs: number | null = null;
    this.#streams += 1;
    try {
      while (!this.#isClosed && !signal.aborted && clock.elapsed() < endMs) {
        // While the store does not answer, which another endpoint reports, nothing is sent.
        const page = await this.read(filter, cursor, shownLive).catch((error: unknown) => {
          if (isRefusal(error) && error.code === 'MALFORMED') cursor = null;
          return null;
        });
        const isDue = sentMs === null || clock.elapsed() - sentMs >= pingMs;
        if (page !== null) cursor = page.cursor;
        if (page !== null && (isDue || page.changes.length > 0)) {
          sentMs = clock.elapsed();
          yield page;
        }
        await this.#nextTick();
      }
    } finally {
      this.#streams -= 1;
    }
  }

  /** Ends all streams. */
  close(): void {
    this.#isClosed = true;
    this.#tick?.end();
  }

  #part(after: string | null, size: number, counted: number): Promise<Changes> {
    const key = `${size} ${counted} ${after ?? ''}`;
    const known = this.#parts.get(key);
    if (known !== undefined) return known;
    const part = this.#requireChanges()(after, size, counted);
    this.#parts.set(key, part);
    void this.#nextTick();
    return part;
  }

  #requireChanges(): NonNullable<Store['changes']> {
    const { store } = this;
    if (store.changes === undefined) throw refuse('CHANGES_NOT_KEPT', 'the store has no method changes');
    return store.changes.bind(store);
  }

  #nextTick(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    if (this.#tick !== null) return this.#tick.ended;
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      const cancel = this.clock.after(betweenReadsMs, () => end());
      end = () => {
        cancel();
        this.#tick = null;
        this.#parts.clear();
        resolve();
      };
    });
    this.#tick = { ended, end };
    return ended;
  }

  #fitting(filter: ChangeFilter): (change: Change) => boolean {
    const { source, type, subject, agent, destination } = filter;
    const party = filter.party === undefined ? undefined : this.plan.value.normalizePhone(filter.party);
    return (change) => {
      const { event } = change;
      return (
        (source ?? event.source) === event.source &&
        (type ?? event.type) === event.type &&
        (subject ?? event.subject) === event.subject &&
        (agent ?? event.agent) === event.agent &&
        (party ?? event.party) === event.party &&
        (destination === undefined || (change.kind === 'attempt' && change.delivery.destination === destination))
      );
    };
  }
}

/** At most `most` changes, half of them attempts where there are as many of both. */
function mixed(all: readonly Change[], most: number, more: number): Pick<ChangePage, 'changes' | 'hidden'> {
  const [events, attempts] = (['event', 'attempt'] as const).map((wanted) => all.filter(({ kind }) => kind === wanted));
  const [kept = [], ended = []] = [events, attempts];
  const shownEnded = Math.min(ended.length, Math.max(Math.floor(most / 2), most - kept.length));
  const changes = [...kept.slice(0, most - shownEnded), ...ended.slice(0, shownEnded)];
  return { changes, hidden: all.length - changes.length + more };
}
