/** The texts that the memory store keeps beside its events. */
import type { Clock, StoredText } from '@switchhook/sdk';

export class Texts {
  readonly #clock: Clock;
  readonly #kept = new Map<string, { readonly value: string; readonly expiresAtMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async state(key: string): Promise<string | null> {
    return this.#textOf(key);
  }

  async setState(
    key: string,
    value: string | null,
    expected: string | null,
    expiresAtMs: number | null = null,
  ): Promise<boolean> {
    if (this.#textOf(key) !== expected) return false;
    if (value === null) this.#kept.delete(key);
    else this.#kept.set(key, { value, expiresAtMs: expiresAtMs ?? Number.POSITIVE_INFINITY });
    return true;
  }

  async stateKeys(prefix: string, limit: number): Promise<readonly string[]> {
    const kept = [...this.#kept.keys()].filter((key) => key.startsWith(prefix) && this.#textOf(key) !== null);
    return kept.slice(0, limit);
  }

  /** Keeps the text of another store in place of its own. */
  keep({ key, value, expiresAtMs }: StoredText): void {
    this.#kept.set(key, { value, expiresAtMs: expiresAtMs ?? Number.POSITIVE_INFINITY });
  }

  /** Removes texts that have ended, at most `limit`; returns how many. */
  removeEnded(limit: number): number {
    const ended = [...this.#kept]
      .filter(([, { expiresAtMs }]) => expiresAtMs <= this.#clock.now())
      .sort(([a, { expiresAtMs: endA }], [b, { expiresAtMs: endB }]) => endA - endB || (a < b ? -1 : 1))
      .slice(0, limit);
    for (const [key] of ended) this.#kept.delete(key);
    return ended.length;
  }

  #textOf(key: string): string | null {
    const kept = this.#kept.get(key);
    return kept === undefined || kept.expiresAtMs <= this.#clock.now() ? null : kept.value;
  }
}
