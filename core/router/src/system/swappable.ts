/** A value that another one can take the place of, while earlier users still work with theirs. */
import type { CurrentInUse } from './injection.js';

export class Swappable<T extends object> implements CurrentInUse<T> {
  #version: Version<T>;
  /** Of the values that have been swapped for another one, too. */
  readonly #versions = new WeakMap<T, Version<T>>();
  /** Resolves when nothing uses what came before the value. */
  #unused: Promise<unknown> = Promise.resolve();

  constructor(value: T) {
    this.#version = this.#versionOf(value);
  }

  get value(): T {
    return this.#version.value;
  }

  async use<R>(run: (value: T) => Promise<R>): Promise<R> {
    const { value } = this.#version;
    const leave = this.hold(value);
    try {
      return await run(value);
    } finally {
      leave();
    }
  }

  hold(value: T): () => void {
    const version = this.#versions.get(value);
    version?.taken();
    return () => version?.left();
  }

  /** In one step. Resolves when nothing uses the earlier value any more, nor those before it: they may have parts in common. */
  async swap(next: T): Promise<void> {
    const earlier = this.#version;
    this.#version = this.#versionOf(next);
    this.#unused = Promise.all([this.#unused, earlier.end()]);
    await this.#unused;
  }

  #versionOf(value: T): Version<T> {
    const version = new Version(value);
    this.#versions.set(value, version);
    return version;
  }
}

class Version<T> {
  readonly value: T;
  #users = 0;
  #ended: (() => void) | null = null;

  constructor(value: T) {
    this.value = value;
  }

  taken(): void {
    this.#users += 1;
  }

  left(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#ended?.();
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#ended = resolve;
      if (this.#users === 0) resolve();
    });
  }
}
