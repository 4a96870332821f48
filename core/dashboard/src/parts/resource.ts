/** What a view shows of the API: loaded, loaded again, and kept while the router does not answer. */

import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { ApiFailure, access } from '../model/api.js';
import { after } from '../model/clock.js';

/** A piece of the API's data. */
export interface Resource<T> {
  /** Null until it is loaded. The last known value while a reload fails. */
  readonly data: Signal<T | null>;
  /** Why the last load failed; null where it did not. */
  readonly failure: ReadonlySignal<ApiFailure | null>;
  /** Loads it now. */
  reload(): void;
}

type Load<T> = (abort: AbortSignal) => Promise<T>;
/** After how many milliseconds a value is loaded again; null = not by itself. */
type Again<T> = (value: T) => number | null;

/** Loads for a key, which stands for everything that `load` uses: another key is another piece. */
export function useResource<T>(key: string, load: Load<T>, again: Again<T> = () => null): Resource<T> {
  const resource = useMemo(() => new LiveResource(load, again), [key]);
  useEffect(() => resource.start(), [resource]);
  return resource;
}

/** While the router does not answer. */
const retryMs = 2_000;

class LiveResource<T> implements Resource<T> {
  readonly data = signal<T | null>(null);
  readonly failure = signal<ApiFailure | null>(null);
  #abort = new AbortController();
  #cancel = (): void => undefined;

  constructor(
    private readonly load: Load<T>,
    private readonly again: Again<T>,
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

  async #run(): Promise<void> {
    this.#cancel();
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      const value = await this.load(signal);
      if (signal.aborted) return;
      this.data.value = value;
      this.failure.value = null;
      this.#next(this.again(value));
    } catch (error) {
      if (signal.aborted) return;
      this.failure.value = error instanceof ApiFailure ? error : new ApiFailure(String(error), 'PAGE');
      if (this.failure.value.code === null) this.#next(retryMs);
    }
  }

  /** Loads again after a while, unless the tab is hidden, or the value has become one that is not loaded again. */
  #next(ms: number | null): void {
    if (ms === null) return;
    this.#cancel = after(ms, () => {
      const value = this.data.peek();
      if (value !== null && this.failure.peek() === null && this.again(value) === null) return;
      if (document.visibilityState === 'visible') this.reload();
      else this.#next(ms);
    });
  }
}
