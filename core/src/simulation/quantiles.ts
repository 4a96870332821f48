/** Durations, summed up as people speak of them. */

/** Of some durations, in milliseconds: what half of them, 95 and 99 of 100, and all of them do not exceed. */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Null where there are none. Each is one of the durations (nearest rank), none is made up. */
export function quantilesOf(durations: readonly number[]): Quantiles | null {
  const sorted = durations.toSorted((a, b) => a - b);
  const at = (share: number): number | undefined => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  const [p50, p95, p99, max] = [at(0.5), at(0.95), at(0.99), sorted.at(-1)];
  return p50 === undefined || p95 === undefined || p99 === undefined || max === undefined
    ? null
    : { p50, p95, p99, max };
}
