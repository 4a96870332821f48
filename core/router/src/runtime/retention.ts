/** Retention: removes what is settled and old, in small steps between which others get their turn. */
import type { Clock, Log, Store } from '@switchhook/sdk';
import { withTimeout } from '@switchhook/sdk/internal';

/** What retention works with. */
export interface RetentionParts {
  readonly store: Store;
  /** How long settled events are kept after they were received. */
  readonly keepMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Events removed in one step: some milliseconds of the store's time. */
const stepLimit = 200;
/** Between two steps, while there is more. */
const betweenStepsMs = 100;
/** Between two looks, when nothing was left, or the store has failed. */
const betweenLooksMs = 60_000;
/** A store that hangs must not keep the router from ending. */
const lastStepMs = 5_000;

export class Retention {
  readonly #parts: RetentionParts;
  #cancel = (): void => {};
  #closed = false;
  #step: Promise<void> = Promise.resolve();

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  open(): void {
    this.#after(0);
  }

  /** Resolves when the step under way, if any, has ended, or takes too long: what it has not removed is removed later. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    const { clock, log } = this.#parts;
    await withTimeout(clock, lastStepMs, this.#step).catch((error: unknown) =>
      log.warn('store.prune-failed', { error }),
    );
  }

  #after(ms: number): void {
    if (this.#closed) return;
    this.#cancel = this.#parts.clock.after(ms, () => {
      this.#step = this.#prune();
    });
  }

  async #prune(): Promise<void> {
    const { store, keepMs, clock, log } = this.#parts;
    try {
      const removed = await store.prune({ beforeMs: clock.now() - keepMs, limit: stepLimit });
      if (removed > 0) log.debug('store.pruned', { events: removed });
      this.#after(removed < stepLimit ? betweenLooksMs : betweenStepsMs);
    } catch (error) {
      log.warn('store.prune-failed', { error });
      this.#after(betweenLooksMs);
    }
  }
}
