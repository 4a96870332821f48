/** How a delivery queue ends: because it is stopped, or because the store has nothing left for it. */
export class QueueEnding {
  /** Deliveries whose event is being committed. */
  promised = 0;
  isDraining = false;
  #isClosed = false;
  readonly #whenIdle: (() => void)[] = [];
  readonly #whenEnded: (() => void)[] = [];
  #isDrained = false;

  /** True once the queue starts nothing more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when nothing is under way. */
  close(): Promise<void> {
    this.#isClosed = true;
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Resolves when nothing is under way, and no delivery is promised. */
  end(): Promise<void> {
    this.#isClosed = true;
    return new Promise((resolve) => this.#whenEnded.push(resolve));
  }

  /** As `end`, once nothing is left. False where the queue was stopped before. */
  drain(): Promise<boolean> {
    this.isDraining = true;
    return new Promise((resolve) => this.#whenEnded.push(() => resolve(this.#isDrained)));
  }

  /** Nothing is under way. `isEmpty`: nothing is held, and the store has nothing due, now or later. */
  idle(isEmpty: boolean): void {
    if (this.isDraining && !this.#isClosed) this.#isDrained = isEmpty && this.promised === 0;
    if (this.#isDrained) this.#isClosed = true;
    if (!this.#isClosed) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
    if (this.promised === 0) for (const resolve of this.#whenEnded.splice(0)) resolve();
  }
}
