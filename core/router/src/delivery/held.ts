/** Deliveries in the memory of a queue, before their attempt. */
import type { ClaimedDelivery } from '@switchhook/sdk';
import type { ErasedEvents } from './erased-events.js';

/** A delivery in memory whose attempt has not started. */
export interface Held {
  readonly delivery: ClaimedDelivery;
  readonly leaseUntilMs: number;
  /** By the clock that never goes back. */
  readonly sinceMs: number;
}

export class HeldDeliveries {
  #held: Held[] = [];

  get count(): number {
    return this.#held.length;
  }

  /** Since when the first one is held; null where none is. */
  get sinceMs(): number | null {
    return this.#held[0]?.sinceMs ?? null;
  }

  add(deliveries: readonly ClaimedDelivery[], leaseUntilMs: number, sinceMs: number): void {
    for (const delivery of deliveries) this.#held.push({ delivery, leaseUntilMs, sinceMs });
  }

  takeAll(): readonly Held[] {
    return this.#held.splice(0);
  }

  /** The first ones, for an attempt that may last until `endsAtMs`: apart from those whose lease ends before, or whose event is erased. */
  take(
    most: number,
    endsAtMs: number,
    erased: ErasedEvents,
  ): { readonly usable: readonly ClaimedDelivery[]; readonly lapsing: readonly Held[] } {
    const group = this.#held.splice(0, most);
    const isUsable = ({ leaseUntilMs, delivery }: Held): boolean => leaseUntilMs >= endsAtMs && !erased.isIn(delivery);
    const usable = group.filter(isUsable).map(({ delivery }) => delivery);
    return { usable, lapsing: group.filter((held) => !isUsable(held)) };
  }

  /** Those whose lease has ended: the store may hand them out again, although a clock that jumps back makes their leases look good once more. */
  takeLapsed(nowMs: number): readonly Held[] {
    const lapsed = this.#held.filter(({ leaseUntilMs }) => leaseUntilMs <= nowMs);
    this.#held = this.#held.filter(({ leaseUntilMs }) => leaseUntilMs > nowMs);
    return lapsed;
  }
}
