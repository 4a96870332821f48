/** What a view shows of the API: loaded, loaded again, and kept while it cannot be loaded. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { ApiFailure, access } from './api.js';
import { after, now } from './clock.js';

/** A piece of the API's data. */
export interface Resource<T> {
  /** Null until it is loaded. The last known value while a reload fails. */
  readonly data: ReadonlySignal<T | null>;
  /** Why the last load failed; null where it did not. */
  readonly failure: ReadonlySignal<ApiFailure | null>;
  /** Since when each load has failed, in milliseconds since 1970; null where the last one did not. */
  readonly failedSinceMs: ReadonlySignal<number | null>;
  /** Loads it now. What is being added to it is cancelled. */
  reload(): void;
  /**
   * Adds to the value, as the next page of a list: `more` makes the new one of the one that is there. A load that is under way is
   * cancelled, so that it does not replace what was added. Rejects as `more` does, with nothing changed. Resolves to null, also
   * where it was cancelled for a reload.
   */
  grow(more: (value: T, abort: AbortSignal) => Promise<T>): Promise<null>;
}

/** Loads the value. */
export type Load<T> = (abort: AbortSignal) => Promise<T>;
/** After how many milliseconds a value is loaded again; null = not by itself. */
export type Again<T> = (value: T) => number | null;

/** How soon a load that failed is repeated: at first, and at most. */
const [retryMs, longestRetryMs] = [2_000, 30_000];

/**
 * After how many milliseconds a load is repeated that has failed so many times in a row. Null where only signing in helps. A router
 * that does not answer is asked every two seconds; what it refuses may stay refused, so the pauses grow.
 */
export function retryAfterMs({ code }: Pick<ApiFailure, 'code'>, times: number): number | null {
  if (code?.startsWith('API_TOKEN') === true) return null;
  return code === null ? retryMs : Math.min(longestRetryMs, retryMs * 2 ** (times - 1));
}

/** Loads a piece of data until it is stopped. */
export class LiveResource<T> implements Resource<T> {
  readonly data = signal<T | null>(null);
  readonly failure = signal<ApiFailure | null>(null);
  readonly failedSinceMs = signal<number | null>(null);
  #failures = 0;
  #abort = new AbortController();
  #cancel = (): void => undefined;

  /** `later`: sets a timer, and returns how to prevent it. */
  constructor(
    private readonly load: Load<T>,
    private readonly again: Again<T>,
    private readonly later: typeof after = afterVisible,
  ) {}

  readonly reload = (): void => void this.#run();

  /** Returns how to stop. */
  start(): () => void {
    this.reload();
    // After signing in, without a click.
    const unsubscribe = access.subscribe((value) => {
      if (value === 'granted' && this.failure.peek()?.code?.startsWith('API_TOKEN') === true) this.reload();
    });
    return () => {
      unsubscribe();
      this.#cancel();
      this.#abort.abort();
    };
  }

  async grow(more: (value: T, abort: AbortSignal) => Promise<T>): Promise<null> {
    const value = this.data.peek();
    if (value === null) return null;
    const abort = this.#begin();
    try {
      const grown = await more(value, abort);
      if (!abort.aborted) this.#loaded(grown);
    } catch (error) {
      if (abort.aborted) return null;
      this.#goOn(value);
      throw error;
    }
    return null;
  }

  async #run(): Promise<void> {
    const abort = this.#begin();
    try {
      const value = await this.load(abort);
      if (!abort.aborted) this.#loaded(value);
    } catch (error) {
      if (abort.aborted) return;
      const failure = error instanceof ApiFailure ? error : new ApiFailure(String(error), 'PAGE');
      this.#failures += 1;
      this.failure.value = failure;
      this.failedSinceMs.value ??= now();
      this.#next(retryAfterMs(failure, this.#failures));
    }
  }

  /** As it would without what was cancelled. */
  #goOn(value: T): void {
    const failure = this.failure.peek();
    this.#next(failure === null ? this.again(value) : retryAfterMs(failure, this.#failures));
  }

  /** In place of what is under way. */
  #begin(): AbortSignal {
    this.#cancel();
    this.#abort.abort();
    this.#abort = new AbortController();
    return this.#abort.signal;
  }

  #loaded(value: T): void {
    this.#failures = 0;
    this.data.value = value;
    this.failure.value = null;
    this.failedSinceMs.value = null;
    this.#next(this.again(value));
  }

  /** Loads again after a while, unless the value has become one that is not loaded again. */
  #next(ms: number | null): void {
    if (ms === null) return;
    this.#cancel = this.later(ms, () => {
      const value = this.data.peek();
      if (value !== null && this.failure.peek() === null && this.again(value) === null) return;
      this.reload();
    });
  }
}

/** Waits as long again while the tab is hidden. */
function afterVisible(ms: number, run: () => void): () => void {
  let cancel = (): void => undefined;
  const wait = (): void => {
    cancel = after(ms, () => (document.visibilityState === 'visible' ? run() : wait()));
  };
  wait();
  return () => cancel();
}
