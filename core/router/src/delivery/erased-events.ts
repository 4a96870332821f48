/** Events that are being erased, or were: no attempt for them begins any more, and nothing is emitted because of them. */
import type { ClaimedDelivery } from '@switchhook/sdk';

/** Ids are needed until what was taken over before the erasure has ended; a lease takes minutes. */
const mostKept = 200_000;

export class ErasedEvents {
  /** In order of their erasure. */
  readonly #ids = new Set<string>();
  /** Attempts under way. */
  readonly #attempts = new Map<Promise<unknown>, readonly ClaimedDelivery[]>();

  has(eventId: string): boolean {
    return this.#ids.has(eventId);
  }

  /** Whether one of the events of a delivery is. Of several, the others are delivered when its lease ends. */
  isIn({ event, events = [event] }: ClaimedDelivery): boolean {
    return events.some(({ id }) => this.#ids.has(id));
  }

  /** From now on no attempt begins for these events. Call it before the store erases them. */
  add(eventIds: readonly string[]): void {
    for (const id of eventIds) this.#ids.add(id);
    for (const id of this.#ids) {
      if (this.#ids.size <= mostKept) return;
      this.#ids.delete(id);
    }
  }

  /** The store could not erase them. */
  remove(eventIds: readonly string[]): void {
    for (const id of eventIds) this.#ids.delete(id);
  }

  /** Runs an attempt for these deliveries. */
  async during<T>(deliveries: readonly ClaimedDelivery[], attempt: () => Promise<T>): Promise<T> {
    const running = attempt();
    this.#attempts.set(running, deliveries);
    try {
      return await running;
    } finally {
      this.#attempts.delete(running);
    }
  }

  /** Ids of the deliveries of these events whose attempt is under way, and when all of these attempts have ended. */
  running(eventIds: ReadonlySet<string>): { readonly deliveries: readonly string[]; readonly ended: Promise<void> } {
    const found = [...this.#attempts].flatMap(([attempt, deliveries]) => {
      const own = deliveries
        .filter(({ event, events = [event] }) => events.some(({ id }) => eventIds.has(id)))
        .map(({ id }) => id);
      return own.length === 0 ? [] : [{ attempt, own }];
    });
    const ended = Promise.allSettled(found.map(({ attempt }) => attempt)).then(() => {});
    return { deliveries: found.flatMap(({ own }) => own), ended };
  }
}
