/** The claims of a delivery queue: takes deliveries over from the store, and waits after a failure of the store. */
import type { Claim, Clock, Log, Store } from '@switchhook/sdk';
import { backoffMs, Sleep } from '@switchhook/sdk/internal';
import type { ErasedEvents } from './erased-events.js';
import { leaseMsOf, type QueuePolicy } from './policy.js';

/** What claims work with. */
export interface ClaimsParts {
  readonly destination: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly open: { readonly policy: QueuePolicy };
  readonly erased: ErasedEvents;
}

/** What a claim brought, and until when it is held. */
export interface Claimed extends Claim {
  readonly leaseUntilMs: number;
}

export class Claims {
  readonly #parts: ClaimsParts;
  readonly #sleep: Sleep;
  #failures = 0;
  /** Whether the last claim brought as many as it asked for. */
  #wasFull = false;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
    this.#sleep = new Sleep(parts.clock);
  }

  /** Ends the wait after a failure. */
  wake(): void {
    this.#sleep.wake();
  }

  /** Waits no longer. */
  end(): void {
    this.#sleep.end();
  }

  /** How many to ask for: half of the room, so that what is accepted meanwhile can be handed over in memory, unless much is due. */
  limit(room: number): number {
    return this.#wasFull ? room : Math.ceil(room / 2);
  }

  /** Never rejects: after a failure it waits, and returns nothing, with the next claim due at once. */
  async next(limit: number): Promise<Claimed> {
    const { store, destination, clock, log, open, erased } = this.#parts;
    const { ordered, retry } = open.policy;
    const nowMs = clock.now();
    const leaseUntilMs = nowMs + leaseMsOf(open.policy);
    const asked = { destination, nowMs, leaseUntilMs, limit, maxAttempts: retry.attempts, ordered };
    try {
      const claim = await store.claim(asked);
      this.#failures = 0;
      this.#wasFull = claim.deliveries.length + claim.exhausted.length === limit;
      const deliveries = claim.deliveries.filter((one) => !erased.isIn(one));
      return { ...claim, deliveries, leaseUntilMs };
    } catch (error) {
      log.warn('queue.claim-failed', { destination, error });
      this.#failures += 1;
      await this.#sleep.for(backoffMs(this.#failures));
      return { deliveries: [], exhausted: [], nextDueMs: clock.now(), leaseUntilMs };
    }
  }
}
