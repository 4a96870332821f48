/** What happens, as it happens: a stream of the router, followed while the tab is visible. */
import { signal } from '@preact/signals';
import { type ApiFailure, apiUrl, failureAt } from './api.js';
import { after } from './clock.js';
import { parseJson } from './json.js';
import type { Change, ChangePage } from './replies.js';

/** `lost`: the router does not answer; `refused`: it does, with a reason. In both cases the page connects again. */
export type FeedState = 'connecting' | 'open' | 'lost' | 'refused' | 'paused';

/** A change with a number of its own, which counts on. */
export interface Entry {
  readonly number: number;
  readonly change: Change;
}

/** What stays on the page. */
const mostEntries = 200;
/** After a reply that ends the stream for good, e.g. a refusal, or that of a proxy whose router is gone. */
const retryMs = 2_000;

/** Follows the changes that fit a query, from a cursor on. */
export class LiveFeed {
  /** Newest first. */
  readonly entries = signal<readonly Entry[]>([]);
  /** How many came too fast to be shown. */
  readonly hidden = signal(0);
  readonly state = signal<FeedState>('connecting');
  /** Why the router refuses the stream; null where it does not. */
  readonly refusal = signal<ApiFailure | null>(null);
  #source: EventSource | null = null;
  #cancel = (): void => undefined;
  #asking = new AbortController();
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
    const source = new EventSource(apiUrl('live', this.#asked()));
    this.#source = source;
    source.onopen = () => {
      this.state.value = 'open';
      this.refusal.value = null;
    };
    source.onmessage = ({ data, lastEventId }) => {
      if (lastEventId !== '') this.cursor = lastEventId;
      this.#show(parseJson(String(data)) as ChangePage);
    };
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) {
        // The browser itself connects again.
        this.#endedBy(null);
        return;
      }
      this.#close();
      void this.#askWhy().then((isWanted) => {
        if (isWanted) this.#cancel = after(retryMs, () => this.#open());
      });
    };
  }

  #asked(): Readonly<Record<string, string>> {
    return { ...this.query, after: this.cursor };
  }

  /** The browser does not show a script why a stream is refused: the same is asked as an ordinary request. False where the stream was closed meanwhile. */
  async #askWhy(): Promise<boolean> {
    const { signal } = this.#asking;
    const refusal = await failureAt('live', this.#asked(), signal);
    if (signal.aborted) return false;
    this.#endedBy(refusal);
    return true;
  }

  #endedBy(refusal: ApiFailure | null): void {
    this.refusal.value = refusal;
    this.state.value = refusal === null ? 'lost' : 'refused';
  }

  #close(): void {
    this.#cancel();
    this.#asking.abort();
    this.#asking = new AbortController();
    this.#source?.close();
    this.#source = null;
  }

  #show({ changes, hidden }: ChangePage): void {
    const entries = inOrder(changes).map((change): Entry => {
      this.#number += 1;
      return { number: this.#number, change };
    });
    this.entries.value = [...entries.reverse(), ...this.entries.value].slice(0, mostEntries);
    this.hidden.value += hidden;
  }
}

/** When it happened: an event was received, or an attempt ended. */
export function happenedAt(change: Change): string {
  if (change.kind === 'event') return change.event.receivedAt;
  const { startedAt, durationMs } = change.attempt;
  return new Date(Date.parse(startedAt) + durationMs).toISOString();
}

/** Parts a list, newest first, at the start of the router: how many of its changes came after it; null where none came before. */
export function countSince(startMs: number, changes: readonly Change[]): number | null {
  const first = changes.findIndex((change) => Date.parse(happenedAt(change)) < startMs);
  return first < 0 ? null : first;
}

/** The router lists events before attempts: here, what happened first is first. */
export function inOrder(changes: readonly Change[]): readonly Change[] {
  return changes
    .map((change) => ({ change, ms: Date.parse(happenedAt(change)) }))
    .sort((one, other) => one.ms - other.ms)
    .map(({ change }) => change);
}
