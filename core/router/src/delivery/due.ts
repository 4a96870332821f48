/** When the store has something due for a queue, as far as is known. */
export class Due {
  #atMs: number | null = null;

  /** Null = nothing, now or later. */
  get atMs(): number | null {
    return this.#atMs;
  }

  /** There is something at this time, too; null = there is not. */
  expect(atMs: number | null): void {
    if (atMs !== null) this.#atMs = Math.min(atMs, this.#atMs ?? atMs);
  }

  /** A claim is under way: it returns what else is due. */
  clear(): void {
    this.#atMs = null;
  }

  /** Infinite where there is nothing. */
  waitMs(nowMs: number): number {
    return Math.max(0, (this.#atMs ?? Number.POSITIVE_INFINITY) - nowMs);
  }

  isNow(nowMs: number): boolean {
    return this.#atMs !== null && this.#atMs <= nowMs;
  }
}
