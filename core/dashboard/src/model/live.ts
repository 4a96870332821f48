/** What happens, as it happens: a stream of the router, followed while the tab is visible. */
import { signal } from '@preact/signals';
import { apiUrl } from './api.js';
import { after } from './clock.js';
import { parseJson } from './json.js';
import type { Change, ChangePage } from './replies.js';

/** `lost`: the router does not answer, and the page connects again. */
export type FeedState = 'connecting' | 'open' | 'lost' | 'paused';

/** A change with a number of its own, which counts on. */
export interface Entry {
  readonly number: number;
  readonly change: Change;
}

/** What stays on the page. */
const mostEntries = 200;
/** After a reply that ends the stream for good, e.g. of a proxy whose router is gone. */
const retryMs = 2_000;

/** Follows the changes that fit a query, from a cursor on. */
export class LiveFeed {
  /** Newest first. */
  readonly entries = signal<readonly Entry[]>([]);
  /** How many came too fast to be shown. */
  readonly hidden = signal(0);
  readonly state = signal<FeedState>('connecting');
  #source: EventSource | null = null;
  #cancel = (): void => undefined;
  #number = 0;

  constructor(
    private readonly query: Readonly<Record<string, string>>,
    private cursor: string,
  ) {}

  /** Returns how to stop. */
  start(): () => void {
    const followTab = (): void => (document.visibilityState === 'visible' ? this.#open() : this.#close());
    document.addEventListener('visibilitychange', followTab);
    this.#open();
    return () => {
      document.removeEventListener('visibilitychange', followTab);
      this.#close();
    };
  }

  /** Stops showing changes; `resume` shows what came meanwhile. */
  pause(): void {
    this.#close();
    this.state.value = 'paused';
  }

  resume(): void {
    this.state.value = 'connecting';
    this.#open();
  }

  #open(): void {
    if (this.state.peek() === 'paused' || this.#source !== null) return;
    const source = new EventSource(apiUrl('live', { ...this.query, after: this.cursor }));
    this.#source = source;
    source.onopen = () => {
      this.state.value = 'open';
    };
    source.onmessage = ({ data, lastEventId }) => {
      if (lastEventId !== '') this.cursor = lastEventId;
      this.#show(parseJson(String(data)) as ChangePage);
    };
    source.onerror = () => {
      this.state.value = 'lost';
      // Otherwise the browser itself connects again.
      if (source.readyState !== EventSource.CLOSED) return;
      this.#close();
      this.#cancel = after(retryMs, () => this.#open());
    };
  }

  #close(): void {
    this.#cancel();
    this.#source?.close();
    this.#source = null;
  }

  #show({ changes, hidden }: ChangePage): void {
    const entries = changes.map((change): Entry => {
      this.#number += 1;
      return { number: this.#number, change };
    });
    this.entries.value = [...entries.reverse(), ...this.entries.value].slice(0, mostEntries);
    this.hidden.value += hidden;
  }
}
