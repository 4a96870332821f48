/** The history of the last two days: figures by the minute, kept in the store, so that a restart and every router that shares it has them. */
import { Clock, Log, refuse, Store } from '@switchhook/sdk';
import { errorMessage, withTimeout } from '@switchhook/sdk/internal';
import { addTo, endOfHourMs, Figures, hourOf, type Minutes, minuteMs, packed, unpacked } from '../system/figures.js';
import { inject, injectable } from '../system/injection.js';
import { type HistorySeries, seriesOf } from './history-series.js';

/** Which part of the history to show. */
export interface HistoryQuery {
  readonly sinceMs: number;
  /** Default: now. */
  readonly untilMs?: number | undefined;
  /** Whole minutes. */
  readonly stepMs: number;
  /** Only of this source. */
  readonly source?: string | undefined;
  /** Only of this destination. */
  readonly destination?: string | undefined;
}

/** Its texts in the store begin with it; the hour follows. */
export const historyKey = 'switchhook.history.';

/** How long the history is. */
export const historyMs = 48 * 60 * minuteMs;
/** A store that hangs must not keep the router from ending. */
const lastWriteMs = 5_000;
/** Of a store that fails. */
const readMs = 10_000;
/** With several routers, another one can write first; so often in a row is a fault of the store. */
const mostTries = 100;

@injectable()
export class History {
  #cancel = (): void => {};
  #isClosed = false;
  #hasFailed = false;
  /** Reads and writes follow each other, so that no minute is counted twice or left out. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    @inject(Store) private readonly store: Store,
    @inject(Figures) private readonly figures: Figures,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
  ) {}

  /** Writes once a minute what was counted. */
  open(): void {
    if (this.#isClosed) return;
    this.#cancel = this.clock.after(minuteMs, () => {
      this.open();
      this.figures.dropOldest();
      void this.#next(() => this.#write());
    });
  }

  /** Writes what is left, unless that takes too long. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    const written = this.#next(() => this.#write());
    await withTimeout(this.clock, lastWriteMs, written).catch((error: unknown) => this.#report(error));
  }

  /** Refused as `STORE_UNAVAILABLE` where the store cannot be read. What other routers have counted is at most a minute late. */
  async read({ sinceMs, untilMs = Number.POSITIVE_INFINITY, ...query }: HistoryQuery): Promise<HistorySeries> {
    const nowMs = this.clock.now();
    const step = query.stepMs / minuteMs;
    const first = Math.floor(Math.max(sinceMs, nowMs - historyMs) / minuteMs / step) * step;
    const end = Math.min(Math.ceil(untilMs / minuteMs), Math.floor(nowMs / minuteMs) + 1);
    // A read that hangs holds up the next one, and a write, for no longer.
    const read = this.#next(() => withTimeout(this.clock, readMs, this.#minutes(first, end)));
    const minutes = await withTimeout(this.clock, readMs, read).catch((cause: unknown) => {
      throw refuse('STORE_UNAVAILABLE', `the history cannot be read: ${errorMessage(cause)}`, { cause });
    });
    return seriesOf(minutes, { ...query, first, end, step });
  }

  async #minutes(first: number, end: number): Promise<Minutes> {
    const sum: Minutes = new Map();
    addTo(sum, this.figures.pending);
    const hours = new Set<string>();
    for (let minute = first; minute < end + 60; minute += 60) hours.add(hourOf(Math.min(minute, end)));
    const read = this.store.state?.bind(this.store) ?? (async () => null);
    for (const text of await Promise.all([...hours].map((hour) => read(historyKey + hour))))
      if (text !== null) addTo(sum, await unpacked(text));
    return sum;
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    const hours = new Map<string, Minutes>();
    for (const [minute, counts] of this.figures.take()) {
      const hour = hours.get(hourOf(minute)) ?? new Map();
      hours.set(hourOf(minute), hour.set(minute, counts));
    }
    for (const [hour, minutes] of hours) {
      const isKept = await this.#add(hour, minutes).catch((error: unknown) => this.#report(error));
      if (isKept === true) this.#hasFailed = false;
      else this.figures.giveBack(minutes);
    }
  }

  /** False where the store keeps no texts. Rejects where it takes none. */
  async #add(hour: string, minutes: Minutes): Promise<boolean> {
    const { store } = this;
    if (store.state === undefined || store.setState === undefined) return false;
    for (let tries = 0; tries < mostTries; tries += 1) {
      const text = await store.state(historyKey + hour);
      const sum = text === null ? new Map() : await unpacked(text);
      addTo(sum, minutes);
      if (await store.setState(historyKey + hour, await packed(sum), text, endOfHourMs(hour) + historyMs)) return true;
    }
    throw new Error(`the store has not taken the history in ${mostTries} tries`);
  }

  #next<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => undefined /* Who waits for it gets the error. */);
    return turn;
  }

  #report(error: unknown): void {
    if (!this.#hasFailed) this.log.warn('history.unwritten', { error });
    this.#hasFailed = true;
  }
}
