/** What is wrong with a destination, how bad it is, and what to do; the levels and sentences of all that is wrong. */
import { durationText } from '@switchhook/sdk';
import type { QueuePolicy } from '../delivery/policy.js';
import type { Failure, Hold } from '../resilience/hold.js';
import type { RecentAttempts } from '../system/figures.js';
import type { DestinationStanding, DestinationStatus } from './status.js';

/** `bad`: something fails; `warn`: something waits; `busy`: deliveries are on the way; `well`: nothing is to be done. */
export const levels = ['bad', 'warn', 'busy', 'well'] as const;

/** How something stands. `advice` is empty where nothing is to be done. */
export interface Trouble {
  readonly level: (typeof levels)[number];
  readonly what: string;
  readonly advice: string;
  /** Absent where it is about the router itself, its store, or all. */
  readonly about?: Subject;
}

/** What a problem is about. `source`: its refused requests; `calls`: calls of a source that no answer matched; `pull`: a source that pulls; `route`: events for which its condition could not be evaluated. */
export const subjectKinds = ['destination', 'resolver', 'source', 'calls', 'pull', 'route'] as const;
interface Subject {
  readonly kind: (typeof subjectKinds)[number];
  readonly name: string;
}

/** Deliveries that wait longer are late: attempts take seconds. */
const lateMs = 60_000;
/** From how many attempts of the last ten minutes on, and from which share of failed ones: as `alerts.destinationFailing` has it by default. */
const failing = { attempts: 5, share: 0.5 };

/** How a destination stands. */
export function troubleOf(status: DestinationStatus, nowMs: number): Trouble {
  const { policy, draining, waitMs, backlog, holds, load } = status;
  if (backlog === null) return warn('Its numbers are unknown: the store does not answer.', 'Fix the store first.');
  const { waiting, running, dead, oldestOpenMs } = backlog;
  const left = waiting === 0 ? '' : ` ${deliveries(waiting, 'wait')}.`;
  const failure = failureText(load?.lastFailure ?? null, nowMs);
  if (policy === null && draining)
    return { level: 'busy', what: `It was removed, and is draining.${left}`, advice: '' };
  if (policy === null)
    return warn(`It is not configured any more.${left}`, 'Configure it again, or discard its deliveries.');
  const open = holds.find(({ kind }) => kind === 'breaker-open');
  const paused = holds.find(({ kind }) => kind === 'paused');
  const waits = paused === undefined ? left : ` ${pausedText(paused, nowMs)}${left}`;
  const resume = paused === undefined ? '' : ' Resume it when the reason is gone.';
  if (open !== undefined)
    return bad(
      `${openText(open, nowMs)}${failure}${waits}${dead === 0 ? '' : ` ${deliveries(dead, 'dead')}.`}`,
      `Fix the cause, then probe it. ${probeText(open, nowMs)}${resume}`,
    );
  if (dead > 0)
    return bad(
      `${deliveries(dead, 'dead')}.${failure}${paused === undefined ? '' : waits}`,
      `Fix the cause, then replay or discard them.${resume}`,
    );
  if (paused !== undefined) return warn(waits.trimStart(), resume.trimStart());
  const failingNow = failingText(status, nowMs);
  if (failingNow !== null)
    return warn(
      `${failingNow}${failure}${left}`,
      waiting + running === 0
        ? 'Nothing waits any more.'
        : 'What waits is tried again. Fix the cause before attempts run out.',
    );
  const oldestMs = oldestOpenMs === null ? 0 : nowMs - oldestOpenMs;
  const asked = holds.find(({ kind }) => kind === 'asked-to-wait');
  if (asked?.untilMs != null && asked.untilMs - nowMs > lateMs)
    return warn(
      `It has asked to wait for ${durationText(asked.untilMs - nowMs)}.${left}`,
      'Deliveries continue after that.',
    );
  const limited = isRateLimited(status) ? ` ${rateText(policy.rateLimit)}` : '';
  if (oldestMs > lateMs + waitMs)
    return warn(
      `The oldest of ${deliveries(waiting + running, 'open')} is ${durationText(oldestMs)} old.${limited}${failure}`,
      'Compare its concurrency and rate limit with what arrives.',
    );
  if (waiting + running > 0)
    return { level: 'busy', what: `${deliveries(waiting + running, 'open')}.${limited}`, advice: '' };
  return { level: 'well', what: 'Nothing waits.', advice: '' };
}

/**
 * What holds a destination back at present, a sentence for each reason; null where nothing does.
 * `dueMs`: when the delivery that is asked about is due. Only one that is due may wait for the rate limit.
 */
export function heldBackText(
  { destination, policy, draining, load, holds }: DestinationStanding,
  dueMs: number,
  nowMs: number,
): string | null {
  if (policy === null && !draining) return `${destination} is not configured any more.`;
  const limit = load?.isRateLimited === true && dueMs <= nowMs ? policy?.rateLimit : null;
  const sentences = holds.map((hold) => holdText(destination, hold, load?.lastFailure ?? null, nowMs));
  if (limit != null)
    sentences.push(
      `The rate limit of ${destination}, ${limit.count} per ${durationText(limit.perMs)} spread evenly, allows no attempt at this moment.`,
    );
  return sentences.length === 0 ? null : sentences.join(' ');
}

function holdText(destination: string, hold: Hold, lastFailure: Failure | null, nowMs: number): string {
  switch (hold.kind) {
    case 'paused':
      return `${destination} is paused by ${pauseOf(hold)}`;
    case 'breaker-open': {
      const failure = lastFailure === null ? '' : ` Last failure: ${ended(lastFailure.reason)}`;
      return `The circuit breaker of ${destination} is open.${failure} ${probeText(hold, nowMs)}`;
    }
    case 'asked-to-wait':
      return `${destination} has asked to wait for ${durationText(Math.max(0, (hold.untilMs ?? nowMs) - nowMs))}.`;
  }
}

/** Whether deliveries wait for its rate limit, rather than for something that fails. */
export function isRateLimited({ load, backlog }: DestinationStatus): boolean {
  const left = (backlog?.waiting ?? 0) + (load?.held ?? 0);
  return load?.isRateLimited === true && left > 0;
}

/** How many attempts fail, where that is many, and one has failed in the last minute; null where not. */
function failingText({ attempts, load }: DestinationStatus, nowMs: number): string | null {
  const { delivered, failed } = attempts;
  const all = delivered + failed;
  const isRecent = load !== null && load.lastFailure !== null && nowMs - load.lastFailure.atMs <= lateMs;
  if (!isRecent || all < failing.attempts || shareOf(attempts) < failing.share) return null;
  return `${failed} of the ${all} attempts of the last ten minutes failed.`;
}

function shareOf({ delivered, failed }: RecentAttempts): number {
  return failed / Math.max(1, delivered + failed);
}

/** The destinations, the worst first; those that are alike in the order of the file. */
export function worstFirst(destinations: readonly DestinationStatus[], nowMs: number): readonly DestinationStatus[] {
  const rated = destinations.map((row) => ({ row, rank: levels.indexOf(troubleOf(row, nowMs).level) }));
  const ageOf = ({ backlog }: DestinationStatus): number => nowMs - (backlog?.oldestOpenMs ?? nowMs);
  const rates = rated.toSorted(
    (a, b) =>
      a.rank - b.rank ||
      ageOf(b.row) - ageOf(a.row) ||
      (b.row.backlog?.dead ?? 0) - (a.row.backlog?.dead ?? 0) ||
      shareOf(b.row.attempts) - shareOf(a.row.attempts),
  );
  return rates.map(({ row }) => row);
}

/** Something fails. */
export function bad(what: string, advice: string): Trouble {
  return { level: 'bad', what, advice };
}

/** Something waits, or will fail. */
export function warn(what: string, advice: string): Trouble {
  return { level: 'warn', what, advice };
}

/** Within another sentence. */
export function lowered(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

/** `1 delivery waits`, `2 dead deliveries`. */
export function deliveries(count: number, how: 'wait' | 'dead' | 'open'): string {
  const noun = count === 1 ? 'delivery' : 'deliveries';
  return how === 'wait' ? `${count} ${noun} ${count === 1 ? 'waits' : 'wait'}` : `${count} ${how} ${noun}`;
}

function rateText(rate: QueuePolicy['rateLimit']): string {
  return rate === null
    ? ''
    : `Its rate limit of ${rate.count} per ${durationText(rate.perMs)}, spread evenly, allows no attempt at this moment.`;
}

/** Since when it is paused, by whom, and why. */
export function pausedText(hold: Hold, nowMs: number): string {
  return `Paused ${ageText(hold.sinceMs, nowMs)} ago by ${pauseOf(hold)}`;
}

function pauseOf({ by, reason }: Hold): string {
  return `${by ?? 'an operator'}: ${ended(reason ?? 'no reason was given')}`;
}

/** Since when nothing is attempted after repeated failures. */
export function openText({ sinceMs }: Hold, nowMs: number): string {
  return `Its circuit breaker has been open for ${ageText(sinceMs, nowMs)}.`;
}

/** With a space in front; empty where there was none. */
export function failureText(failure: Failure | null, nowMs: number): string {
  return failure === null ? '' : ` Last failure, ${ageText(failure.atMs, nowMs)} ago: ${ended(failure.reason)}`;
}

/** In whole minutes, so that a sentence seldom changes while it is read. */
function ageText(sinceMs: number, nowMs: number): string {
  const minutes = Math.floor((nowMs - sinceMs) / 60_000);
  return minutes < 1 ? 'less than a minute' : durationText(minutes * 60_000);
}

/** When the next attempt is made while a breaker is open. */
export function probeText({ untilMs }: Hold, nowMs: number): string {
  return untilMs === null ? 'A probe is under way.' : `The next attempt is ${untilText(untilMs, nowMs)}.`;
}

function untilText(ms: number, nowMs: number): string {
  return ms <= nowMs ? 'due now' : `in ${durationText(ms - nowMs)}`;
}

/** With a full stop. */
export function ended(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
