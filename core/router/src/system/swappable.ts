/** A value that another one can take the place of, while earlier users still work with theirs. */
import type { CurrentInUse } from './injection.js';

export class Swappable<T> implements CurrentInUse<T> {
  #version: Version<T>;
  /** Resolves when nothing uses what came before the value. */
  #unused: Promise<unknown> = Promise.resolve();

  constructor(value: T) {
    this.#version = new Version(value);
  }

  get value(): T {
    return this.#version.value;
  }

  async use<R>(run: (value: T) => Promise<R>): Promise<R> {
    const version = this.#version;
    version.taken();
    try {
      return await run(version.value);
    } finally {
      version.left();
    }
  }

  /** In one step. Resolves when nothing uses the earlier value any more, nor those before it: they may have parts in common. */
  async swap(next: T): Promise<void> {
    const earlier = this.#version;
    this.#version = new Version(next);
    this.#unused = Promise.all([this.#unused, earlier.end()]);
    await this.#unused;
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
