/** The timer of a delivery queue. */
import type { Clock } from '@switchhook/sdk';

/** Set again for a later time, it stays: an early wake-up does no harm, and a timer for every delivery would cost more than it. */
export class WakeTimer {
  readonly #clock: Clock;
  readonly #wake: () => void;
  #set: { readonly atMs: number; readonly cancel: () => void } | null = null;

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** Wakes after this time at the latest. */
  within(ms: number): void {
    const atMs = this.#clock.elapsed() + ms;
    if (this.#set !== null && this.#set.atMs <= atMs) return;
    this.cancel();
    const cancel = this.#clock.after(ms, () => {
      this.#set = null;
      this.#wake();
    });
    this.#set = { atMs, cancel };
  }

  cancel(): void {
    this.#set?.cancel();
    this.#set = null;
  }
}
