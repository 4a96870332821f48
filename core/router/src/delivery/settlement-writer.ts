/** Writes settlements until the store has them: a known outcome must survive any failure of the store. */
import type { Clock, Log, Settled, Store } from '@switchhook/sdk';
import { backoffMs, Sleep } from '@switchhook/sdk/internal';

/** What a settlement writer works with. */
export interface SettlementWriterParts {
  readonly destination: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

export class SettlementWriter {
  readonly #parts: SettlementWriterParts;
  #pending = 0;
  #abandoned = false;
  readonly #sleep: Sleep;

  constructor(parts: SettlementWriterParts) {
    this.#parts = parts;
    this.#sleep = new Sleep(parts.clock);
  }

  /** Deliveries whose attempt has begun or ended and is not settled yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Counts deliveries whose settlement will come. */
  expect(count: number): void {
    this.#pending += count;
  }

  /** Stops trying: the leases end, and the attempts are repeated later. */
  abandon(): void {
    this.#abandoned = true;
    this.#sleep.end();
  }

  /** Resolves when the store has the settlements, or they are abandoned; they must have been expected. */
  async settle(settled: readonly Settled[]): Promise<void> {
    const { store, log, destination } = this.#parts;
    // Of this settlement: all that fail in one moment must not wait for as long as after many failures in a row.
    for (let failures = 1; ; failures += 1) {
      try {
        await store.settle(settled);
        this.#pending -= settled.length;
        return;
      } catch (error) {
        // What is known is tried once, also when it is known late.
        if (this.#abandoned) return;
        log.warn('queue.settle-failed', { destination, error });
        await this.#sleep.for(backoffMs(failures));
      }
    }
  }
}
