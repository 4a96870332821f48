/** Why nothing is attempted at present, as an operator sees it. */
/** One reason, and until when. Times are milliseconds since the epoch, or from the clock that the owner of the hold uses. */
export interface Hold {
  /** `paused`: by an operator. `breaker-open`: after repeated failures. `asked-to-wait`: a `Retry-After` of the other side. */
  readonly kind: 'paused' | 'breaker-open' | 'asked-to-wait';
  readonly sinceMs: number;
  /** Null where no time ends it: a pause, or a probe that is under way. */
  readonly untilMs: number | null;
  /** Who paused it; null otherwise. */
  readonly by: string | null;
  /** Why it was paused; null otherwise. */
  readonly reason: string | null;
}

/** The last failure. */
export interface Failure {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly reason: string;
}

/** Reaches what a component depends on, without effect. */
export type ComponentProbe = (
  timeoutMs: number,
) => Promise<{ readonly failure: string | null; readonly note: string | null }>;

/** A hold without an operator. */
export function holdOf(kind: Hold['kind'], sinceMs: number, untilMs: number | null): Hold {
  return { kind, sinceMs, untilMs, by: null, reason: null };
}

/** Holds by another clock, which is so far ahead. */
export function shifted(holds: readonly Hold[], byMs: number): readonly Hold[] {
  return holds.map(({ sinceMs, untilMs, ...rest }) => {
    return { ...rest, sinceMs: sinceMs + byMs, untilMs: untilMs === null ? null : untilMs + byMs };
  });
}
