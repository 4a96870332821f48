/** A map with a limit: entries that were not used recently are evicted. */
/**
 * Two generations: when the younger one has half of what may be held, it becomes the older one, and the older one is
 * dropped. Taking out single entries from the front of a large Map costs 5 to 50 µs each; this costs nothing.
 */
export class BoundedMap<V> {
  readonly #half: number;
  readonly #sizeOf: (value: V) => number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #youngSize = 0;

  /** `limit` is the sum of the sizes of all values; by default each counts as 1. The last used half is never evicted. */
  constructor(limit: number, sizeOf: (value: V) => number = () => 1) {
    this.#half = limit / 2;
    this.#sizeOf = sizeOf;
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  /** Evicts what was not used since the last call. */
  age(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngSize = 0;
  }

  set(key: string, value: V): void {
    const before = this.#young.get(key);
    const size = this.#sizeOf(value) - (before === undefined ? 0 : this.#sizeOf(before));
    if (this.#youngSize + size > this.#half && this.#young.size > 0) {
      this.age();
      this.set(key, value);
      return;
    }
    this.#young.set(key, value);
    this.#youngSize += size;
  }
}
