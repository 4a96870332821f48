/** Whether routers keep away from a destination that fails: what one of them finds out holds for all, and they return to it when it is back. */
import type { Clock } from '@switchhook/sdk';
import { cooldownMs, timeoutMs } from './configuration.js';
import type { Trial } from './ledger.js';

/** What a trial works with. */
export interface TrialParts {
  readonly clock: Clock;
  /** Since when the circuit breaker of each router is open, in milliseconds since the epoch; null where it is closed. */
  readonly openSince: () => Promise<readonly (number | null)[]>;
  /** From now on the destination fails at each call, or no more. */
  readonly setDown: (isDown: boolean) => void;
  /** Calls to the destination so far. */
  readonly calls: () => number;
  /** Resolves after so long, or earlier where the trial is to stop. */
  readonly pause: (ms: number) => Promise<void>;
  readonly stop: AbortSignal;
}

/** For how long calls are counted, a second after all breakers are open. */
export const failingMs = 4_000;
/** Attempts that were under way when the breakers opened arrive until then: twice their timeout. */
const underWayMs = 2 * timeoutMs;
/** Between two looks at the routers. */
const againMs = 100;
/** Without a breaker that opens. */
const openMs = 30_000;
/** A verdict reaches the others within a second; 4 s more are for a machine that is busy, where heartbeats and these looks take long: 2.1 s were seen. */
const verdictMs = 5_000;
/** A router may begin a probe a second after another one should have, and its verdict takes as long as the first one. */
const closeMs = cooldownMs + 1_000 + verdictMs;
/** The time of one verdict, by the clocks of several routers on one machine. */
const sameMs = 50;

/** Each router makes one probe in each cooldown at most, and one may be under way when it begins. */
export function mostCalls(routers: number): number {
  return routers * (Math.ceil(failingMs / cooldownMs) + 1);
}

/** Runs it; null where it was stopped before its end. Rejects where a router does not answer. */
export async function breakerTrial(parts: TrialParts): Promise<Trial | null> {
  const { setDown, calls, pause, stop } = parts;
  setDown(true);
  try {
    if ((await untilAll(parts, openMs, (all) => all.some((since) => since !== null))) === null)
      return stop.aborted ? null : { verdictMs: null, calls: 0, fault: 'not-opened' };
    const tookMs = await untilAll(parts, verdictMs, haveOneVerdict);
    if (tookMs === null) return stop.aborted ? null : { verdictMs: null, calls: 0, fault: 'not-shared' };
    await pause(underWayMs);
    const before = calls();
    await pause(failingMs);
    if (stop.aborted) return null;
    const made = calls() - before;
    const { length: routers } = await parts.openSince();
    setDown(false);
    const isClosed = (await untilAll(parts, closeMs, (all) => all.every((since) => since === null))) !== null;
    if (!isClosed && stop.aborted) return null;
    const fault = made > mostCalls(routers) ? 'called' : isClosed ? null : 'not-closed';
    return { verdictMs: tookMs, calls: made, fault };
  } finally {
    setDown(false);
  }
}

/** Routers that have found out the same by themselves have other times. */
function haveOneVerdict([first = null, ...others]: readonly (number | null)[]): boolean {
  return first !== null && others.every((since) => since !== null && Math.abs(since - first) < sameMs);
}

/** How long it took until all routers stood like that; null where it took too long, or the trial is to stop. */
async function untilAll(
  { clock, openSince, pause, stop }: TrialParts,
  longestMs: number,
  isReached: (all: readonly (number | null)[]) => boolean,
): Promise<number | null> {
  const startedMs = clock.elapsed();
  while (!stop.aborted) {
    const all = await openSince();
    const tookMs = clock.elapsed() - startedMs;
    if (isReached(all)) return tookMs;
    if (tookMs >= longestMs) return null;
    await pause(againMs);
  }
  return null;
}
