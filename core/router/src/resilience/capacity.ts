/** How many deliveries may be in memory: each queue has its own capacity, part of it only while the router has some left. */
/** Capacity of all queues together. */
export class SharedCapacity {
  taken = 0;

  constructor(readonly most: number) {}
}

/** Capacity of one queue. */
export class Capacity {
  readonly #most: number;
  readonly #guaranteed: number;
  readonly #shared: SharedCapacity;
  #taken = 0;

  /** `guaranteed` of the `most` are available whatever the other queues hold. */
  constructor(most: number, guaranteed: number, shared: SharedCapacity) {
    this.#most = most;
    this.#guaranteed = guaranteed;
    this.#shared = shared;
  }

  get taken(): number {
    return this.#taken;
  }

  get left(): number {
    const sharedLeft = this.#shared.most - this.#shared.taken;
    return Math.min(this.#most - this.#taken, Math.max(this.#guaranteed - this.#taken, sharedLeft));
  }

  take(count: number): void {
    this.#taken += count;
    this.#shared.taken += count;
  }

  free(count: number): void {
    this.take(-count);
  }
}
