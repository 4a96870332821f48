/** One attempt at a time looks for rows of a sheet and writes them, also of several routers: otherwise two could add the same row. */
import { type Clock, fingerprint, type State } from '@switchhook/sdk';

/** Longer than an attempt by default: after a crash, the next one waits for it. */
const holdMs = 60_000;
const lookAgainMs = 250;

/** The right to write to one sheet. */
export class WriterLock {
  readonly #key: string;
  readonly #state: State;
  readonly #clock: Clock;
  /** Ends when the last attempt of this component has ended. */
  #last: Promise<void> = Promise.resolve();

  constructor(sheet: string, { state, clock }: { readonly state: State; readonly clock: Clock }) {
    this.#key = `writer:${fingerprint(sheet)}`;
    this.#state = state;
    this.#clock = clock;
  }

  /** Does the work when no other attempt does any. `owner` differs from those of all others. Rejects where the signal is aborted before. */
  async hold<T>(owner: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const held = before.then(async () => {
      signal.throwIfAborted();
      await this.#take(owner, signal);
      try {
        return await work();
      } finally {
        await this.#release(owner);
      }
    });
    this.#last = held.then(
      () => {},
      () => {},
    );
    return held;
  }

  async #take(owner: string, signal: AbortSignal): Promise<void> {
    while (!(await this.#state.set(this.#key, owner, { ifVersion: null, expiresInMs: holdMs }))) {
      await new Promise<void>((resolve) => this.#clock.after(lookAgainMs, resolve));
      signal.throwIfAborted();
    }
  }

  async #release(owner: string): Promise<void> {
    try {
      const entry = await this.#state.get(this.#key);
      if (entry?.value === owner) await this.#state.set(this.#key, null, { ifVersion: entry.version });
    } catch {
      // What cannot be released is free when its time is over; what was written counts.
    }
  }
}
