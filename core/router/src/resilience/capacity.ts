/** How many deliveries are in memory: each lane has its own places, and some of them only while the router has any left. */
/** Places of all lanes together. */
export class SharedCapacity {
  taken = 0;

  constructor(readonly most: number) {}
}

/** Places of one lane. */
export class Capacity {
  readonly #most: number;
  readonly #guaranteed: number;
  readonly #shared: SharedCapacity;
  #taken = 0;

  /** `guaranteed` of the `most` are there whatever the other lanes hold. */
  constructor(most: number, guaranteed: number, shared: SharedCapacity) {
    this.#most = most;
    this.#guaranteed = guaranteed;
    this.#shared = shared;
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
