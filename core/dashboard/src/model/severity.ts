/** Which destination is in the worst trouble, why, and what to do: the order of the overview and its first sentence. */
import type { DestinationStatus, Hold, PullStatus, ResolverStatus, Status } from './replies.js';
import { count, duration, ends } from './wording.js';

/** How bad it is, the worst first. */
export type Level = 'bad' | 'warn' | 'busy' | 'well';
export const levels: readonly Level[] = ['bad', 'warn', 'busy', 'well'];

/** What is wrong with a row; `advice` is empty where there is nothing to do. */
export interface Trouble {
  readonly level: Level;
  readonly what: string;
  readonly advice: string;
}

/** A destination with its trouble. */
export interface RatedDestination {
  readonly row: DestinationStatus;
  readonly trouble: Trouble;
}

/** Deliveries that wait longer are late: attempts take seconds. */
const lateSeconds = 60;

/** The state of one destination. */
export function troubleOf(row: DestinationStatus, nowMs: number): Trouble {
  const { waiting, dead, oldestSeconds, holds } = row;
  const backlog =
    waiting === null ? '' : `${count(waiting, 'delivery', 'deliveries')} ${waiting === 1 ? 'waits' : 'wait'}.`;
  const holdOf = (kind: Hold['kind']) => holds.find((hold) => hold.kind === kind);
  const [open, paused, asked] = [holdOf('breaker-open'), holdOf('paused'), holdOf('asked-to-wait')];
  if (!row.configured)
    return {
      level: (waiting ?? 0) + (dead ?? 0) > 0 ? 'warn' : 'well',
      what: 'It is not in the configuration any more.',
      advice: 'Add it to the configuration again, or discard its deliveries.',
    };
  if (open !== undefined)
    return {
      level: 'bad',
      what: `Attempts fail: ${reasonOf(row)} ${backlog}`.trim(),
      advice: `${probeTime(open, nowMs)} Fix the cause, then probe it to try at once.`,
    };
  if (dead !== null && dead > 0)
    return {
      level: 'bad',
      what: `${count(dead, 'delivery is', 'deliveries are')} dead.${row.lastFailure === null ? '' : ` Last failure: ${reasonOf(row)}`}`,
      advice: 'Open the dead deliveries, fix the cause, then replay or discard them.',
    };
  if (paused !== undefined)
    return {
      level: 'warn',
      what: `Paused${paused.by === null ? '' : ` by ${paused.by}`}${paused.reason === null ? '' : `: ${ends(paused.reason)}`} ${backlog}`.trim(),
      advice: 'Resume it when the reason is gone.',
    };
  if (asked !== undefined)
    return {
      level: 'warn',
      what: `It asked the router to wait${asked.until === null ? '' : ` ${untilText(asked.until, nowMs)}`}. ${backlog}`.trim(),
      advice: 'Deliveries go on by themselves after that.',
    };
  if (waiting === null)
    return {
      level: 'warn',
      what: 'Its numbers are unknown: the store does not answer.',
      advice: 'Look at the store below.',
    };
  if (oldestSeconds !== null && oldestSeconds > lateSeconds)
    return {
      level: 'warn',
      what: `The oldest delivery waits since ${duration(oldestSeconds * 1_000)}.${row.lastFailure === null ? '' : ` Last failure: ${reasonOf(row)}`}`,
      advice: 'Compare its rate limit and concurrency with what arrives.',
    };
  const underWay = waiting + (row.running ?? 0);
  if (underWay > 0)
    return { level: 'busy', what: `${count(underWay, 'delivery is', 'deliveries are')} on the way.`, advice: '' };
  return { level: 'well', what: 'Nothing waits.', advice: '' };
}

/** The destinations, worst first. */
export function worstFirst(destinations: readonly DestinationStatus[], nowMs: number): readonly RatedDestination[] {
  const rated = destinations.map((row) => ({ row, trouble: troubleOf(row, nowMs) }));
  const weight = ({ row }: RatedDestination): readonly number[] => [
    row.oldestSeconds ?? 0,
    row.dead ?? 0,
    row.waiting ?? 0,
  ];
  return rated.sort((one, other) => {
    const byLevel = levels.indexOf(one.trouble.level) - levels.indexOf(other.trouble.level);
    if (byLevel !== 0) return byLevel;
    const [a, b] = [weight(one), weight(other)];
    const index = a.findIndex((value, at) => value !== b[at]);
    return index === -1 ? one.row.destination.localeCompare(other.row.destination) : (b[index] ?? 0) - (a[index] ?? 0);
  });
}

/** The first sentence of the overview: the one thing that is worst. `destination`: which one it is about. */
export function headline(status: Status, nowMs: number): Trouble & { readonly destination: string | null } {
  const { store, destinations, resolvers, pulls } = status;
  if (!store.canCommit)
    return {
      level: 'bad',
      what: `The store cannot commit: ${ends(store.reason ?? 'no reason is known')} Senders are refused and must repeat their events.`,
      advice: 'Free disk space or repair the database; senders repeat what was refused.',
      destination: null,
    };
  const [worst] = worstFirst(destinations, nowMs);
  const ofDestination =
    worst === undefined
      ? []
      : [
          {
            ...worst.trouble,
            what: `${worst.row.destination}: ${worst.trouble.what}`,
            destination: worst.row.destination,
          },
        ];
  const others = [...resolvers.flatMap(resolverTrouble), ...pulls.flatMap(pullTrouble)];
  const all = [...ofDestination, ...others].filter(({ level }) => level === 'bad' || level === 'warn');
  const [first] = all.sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level));
  if (first !== undefined) return first;
  const waiting = destinations.reduce((sum, row) => sum + (row.waiting ?? 0) + (row.running ?? 0), 0);
  const what =
    waiting === 0
      ? 'All well. Every event has been delivered.'
      : `All well. ${count(waiting, 'delivery is', 'deliveries are')} on the way.`;
  return { level: 'well', what, advice: '', destination: null };
}

function resolverTrouble({ resolver, holds, lastFailure }: ResolverStatus) {
  const hold = holds.find(({ kind }) => kind !== 'asked-to-wait');
  if (hold === undefined) return [];
  const [level, why] =
    hold.kind === 'paused'
      ? (['warn', `is paused: ${ends(hold.reason ?? 'no reason was given')}`] as const)
      : (['bad', `fails: ${ends(lastFailure?.reason ?? 'the reason is unknown')}`] as const);
  const advice = 'Calls are answered without it. Fix the cause, then probe or resume it.';
  return [{ level, what: `The resolver ${resolver} ${why}`, advice, destination: null }];
}

function pullTrouble({ source, state, lastFailure }: PullStatus) {
  if (state !== 'waiting') return [];
  const what = `The source ${source} cannot pull its events: ${ends(lastFailure?.reason ?? 'the reason is unknown')}`;
  return [
    { level: 'bad' as const, what, advice: 'The router starts it again by itself. Fix the cause.', destination: null },
  ];
}

function reasonOf({ lastFailure }: DestinationStatus): string {
  return ends(lastFailure?.reason ?? 'the reason is in the attempts of its deliveries');
}

function probeTime({ until }: Hold, nowMs: number): string {
  return until === null ? 'A probe is under way.' : `The router tries it again ${untilText(until, nowMs)}.`;
}

function untilText(until: string, nowMs: number): string {
  const leftMs = Date.parse(until) - nowMs;
  return leftMs <= 0 ? 'now' : `in ${duration(leftMs)}`;
}
