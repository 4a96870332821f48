/** Counts what has happened within a time that ends now, in slices of ten seconds. */

const sliceMs = 10_000;

interface Slice {
  readonly number: number;
  all: number;
  hits: number;
  most: number;
}

/** Times are from a clock that never goes back. */
export class SlidingCount {
  /** Oldest first. */
  #slices: Slice[] = [];

  /** `value`: of which the greatest is kept. */
  add(nowMs: number, isHit: boolean, value = 0): void {
    const number = Math.floor(nowMs / sliceMs);
    let slice = this.#slices.at(-1);
    if (slice?.number !== number) {
      slice = { number, all: 0, hits: 0, most: 0 };
      this.#slices.push(slice);
    }
    slice.all += 1;
    if (isHit) slice.hits += 1;
    slice.most = Math.max(slice.most, value);
  }

  /** All, the hits among them and their share, and the greatest value; older slices are dropped. */
  within(windowMs: number, nowMs: number): Readonly<Record<'all' | 'hits' | 'share' | 'most', number>> {
    this.#slices = this.#slices.filter(({ number }) => (number + 1) * sliceMs > nowMs - windowMs);
    const all = this.#slices.reduce((sum, slice) => sum + slice.all, 0);
    const hits = this.#slices.reduce((sum, slice) => sum + slice.hits, 0);
    const most = Math.max(0, ...this.#slices.map((slice) => slice.most));
    return { all, hits, share: all === 0 ? 0 : hits / all, most };
  }
}
