/** What is wrong with a destination, a resolver or the router, how bad it is, and what to do: the order of the status. */
import { durationText } from '@switchhook/sdk';
import type { QueuePolicy } from '../delivery/policy.js';
import type { Failure, Hold } from '../resilience/hold.js';
import type { RecentAttempts } from '../system/figures.js';
import type { DestinationStanding, DestinationStatus, ResolverStatus, Status } from './status.js';

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

/** What a problem is about. `source`: its refused requests; `calls`: calls of a source that no answer matched; `pull`: a source that pulls. */
export const subjectKinds = ['destination', 'resolver', 'source', 'calls', 'pull'] as const;
interface Subject {
  readonly kind: (typeof subjectKinds)[number];
  readonly name: string;
}

/** Deliveries that wait longer are late: attempts take seconds. */
const lateMs = 60_000;
/** From how many attempts of the last ten minutes on, and from which share of failed ones: as `alerts.destinationFailing` has it by default. */
const failing = { attempts: 5, share: 0.5 };
const hourMs = 3_600_000;
/** Less room on the disk of the store is too little: half a million events of usual size, and SQLite's log beside them. */
const leastFreeBytes = 500_000_000;

/** How a destination stands. */
export function troubleOf(status: DestinationStatus, nowMs: number): Trouble {
  const { policy, draining, waitMs, backlog, holds, load } = status;
  if (backlog === null) return warn('Its numbers are unknown: the store does not answer.', 'Fix the store first.');
  const { waiting, running, dead, oldestOpenMs } = backlog;
  const left = waiting === 0 ? '' : ` ${deliveries(waiting, 'wait')}.`;
  const failure = load?.lastFailure ? ` Last failure: ${ended(load.lastFailure.reason)}` : '';
  if (policy === null && draining)
    return { level: 'busy', what: `It was removed, and is draining.${left}`, advice: '' };
  if (policy === null)
    return warn(`It is not configured any more.${left}`, 'Configure it again, or discard its deliveries.');
  const open = holds.find(({ kind }) => kind === 'breaker-open');
  if (open !== undefined)
    return bad(
      `Its circuit breaker is open.${failure}${left}`,
      `Fix the cause, then probe it. ${probeText(open, nowMs)}`,
    );
  if (dead > 0) return bad(`${deliveries(dead, 'dead')}.${failure}`, 'Fix the cause, then replay or discard them.');
  const paused = holds.find(({ kind }) => kind === 'paused');
  if (paused !== undefined) return warn(`${pausedText(paused)}${left}`, 'Resume it when the reason is gone.');
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
      `The rate limit of ${destination}, ${limit.count} per ${durationText(limit.perMs)}, is used up at present.`,
    );
  return sentences.length === 0 ? null : sentences.join(' ');
}

function holdText(destination: string, hold: Hold, lastFailure: Failure | null, nowMs: number): string {
  switch (hold.kind) {
    case 'paused':
      return `${destination} is ${lowered(pausedText(hold))}`;
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

/** All that fails or waits, the worst first; none where all is well. */
export function troublesOf(status: Status): readonly Trouble[] {
  const { storeFailure, storeSize, routersFailure, destinations, resolvers, sources, pulls, generation, nowMs } =
    status;
  // Both are counted in memory.
  const time = status.uptimeMs < hourMs ? 'since the router started' : 'in the last hour';
  const ofStore =
    storeFailure === null
      ? []
      : [
          bad(
            `The store cannot commit: ${ended(storeFailure)} Events are refused, and their senders must repeat them.`,
            'Let it commit again: start its database, correct the row store, or free disk space. What senders repeat is accepted then.',
          ),
        ];
  const ofRouters =
    storeFailure !== null || routersFailure === null
      ? []
      : [
          bad(
            `This router cannot exchange heartbeats through its store: ${ended(routersFailure)} It goes on with shares of its own, so limits of destinations may be exceeded, and answers and facts of calls are not shared.`,
            'Let the store write heartbeats. With PostgreSQL: raise max_connections, and allow writes to the tables routers, buckets and texts.',
          ),
        ];
  const ofGone = storeFailure === null && routersFailure === null ? goneTroubles(status) : [];
  const freeBytes = storeSize?.freeBytes ?? Number.POSITIVE_INFINITY;
  const ofDisk =
    storeFailure !== null || freeBytes >= leastFreeBytes
      ? []
      : [
          warn(
            `The disk of the store is nearly full: ${Math.floor(freeBytes / 1_000_000)} MB are free.`,
            'Free disk space, or shorten the retention: on a full disk the store cannot commit, and events are refused.',
          ),
        ];
  const ofDestinations = worstFirst(destinations, nowMs).map((row) =>
    named('destination', row.destination, troubleOf(row, nowMs)),
  );
  const ofPulls = pulls
    .filter(({ state }) => state === 'waiting')
    .map(({ source, lastFailure }) => ({
      ...bad(
        `Source ${source} cannot pull its events: ${ended(lastFailure?.reason ?? 'the reason is unknown')}`,
        'The router starts it again by itself. Fix the cause.',
      ),
      about: { kind: 'pull' as const, name: source },
    }));
  const ofResolvers = resolvers.flatMap((row) => resolverTrouble(row, nowMs));
  // A reload may have fixed why requests were refused before it. Requests to a source that pulls are no events of it.
  const receiving = sources.filter(
    ({ source, lastRefusedMs }) =>
      (lastRefusedMs ?? 0) >= generation.sinceMs && !pulls.some((one) => one.source === source),
  );
  const ofRefusals = receiving.flatMap((row) => refusalTrouble(row, nowMs, time));
  const ofCalls = sources.flatMap((row) => unansweredTrouble(row, generation.sinceMs, time));
  const ofSources = [...ofPulls, ...ofCalls, ...ofRefusals];
  const all = [...ofStore, ...ofRouters, ...ofGone, ...ofDisk, ...ofDestinations, ...ofResolvers, ...ofSources];
  return levels.slice(0, 2).flatMap((level) => all.filter((one) => one.level === level));
}

/** The worst of all, in one sentence; or that all is well. */
export function summaryOf(status: Status): Trouble {
  const [worst] = troublesOf(status);
  if (worst !== undefined) return worst;
  const { destinations } = status;
  const open = destinations.reduce((sum, { backlog }) => sum + (backlog?.waiting ?? 0) + (backlog?.running ?? 0), 0);
  return { level: 'well', what: open === 0 ? 'All well.' : `All well, ${deliveries(open, 'open')}.`, advice: '' };
}

/** Of routers that have ended without a word, for the ten minutes in which they are known; not where one of the same name has taken the place. */
function goneTroubles({ routers, nowMs }: Status): readonly Trouble[] {
  const there = new Set(routers.filter(({ goneSinceMs }) => goneSinceMs === null).map(({ name }) => name));
  return routers.flatMap(({ name, goneSinceMs }) => {
    if (goneSinceMs === null || there.has(name)) return [];
    const time = durationText(Math.max(0, nowMs - goneSinceMs));
    return [
      warn(
        `Router ${name} has sent no heartbeat for ${time}: it was killed, hangs, or cannot reach the store.`,
        'The others take over its deliveries when its lease ends. Start it again.',
      ),
    ];
  });
}

/** Requests to paths without a source are not of one that could be fixed. */
function refusalTrouble(
  { source, lasting, lastReceivedMs }: Status['sources'][number],
  nowMs: number,
  time: string,
): readonly Trouble[] {
  if (source === '' || lasting === null) return [];
  const { refused, most } = lasting;
  const isAll = lastReceivedMs === null || nowMs - lastReceivedMs > hourMs;
  const requests = refused === 1 ? '1 request was' : `${refused} requests were`;
  const others = isAll ? ', and none was accepted' : '';
  const which = refused === most.count ? 'Reason' : 'Most often';
  const trouble = warn(
    `Source ${source}: ${requests} refused ${time}${others}. ${which}: ${ended(most.reason)}`,
    'Fix the cause: the sender may not repeat what was refused.',
  );
  return [{ ...trouble, about: { kind: 'source', name: source } }];
}

/** Not of calls before a reload, which may have fixed why no answer matched. */
function unansweredTrouble(
  { source, calls }: Status['sources'][number],
  sinceMs: number,
  time: string,
): readonly Trouble[] {
  const { answered, unanswered, lastUnansweredMs } = calls;
  if (unanswered === 0 || (lastUnansweredMs ?? 0) < sinceMs) return [];
  const which =
    unanswered === answered
      ? `no answer matched ${answered === 1 ? 'the only call' : `any of the ${answered} calls`}`
      : `no answer matched ${unanswered} of ${answered} calls`;
  const trouble = warn(
    `Source ${source}: ${which} ${time}, so the agent got nothing about the caller.`,
    'The page of a call says why each answer did not match. Change from or where of an answer, then reload.',
  );
  return [{ ...trouble, about: { kind: 'calls', name: source } }];
}

function resolverTrouble({ resolver, holds, load }: ResolverStatus, nowMs: number): readonly Trouble[] {
  const advice = 'Calls are answered without it.';
  const paused = holds.find(({ kind }) => kind === 'paused');
  if (paused !== undefined)
    return [named('resolver', resolver, warn(pausedText(paused), `${advice} Resume it when the reason is gone.`))];
  const open = holds.find(({ kind }) => kind === 'breaker-open');
  if (open === undefined) return [];
  const failure = load.lastFailure === null ? '' : ` Last failure: ${ended(load.lastFailure.reason)}`;
  return [
    named('resolver', resolver, bad(`Its circuit breaker is open.${failure}`, `${advice} ${probeText(open, nowMs)}`)),
  ];
}

function bad(what: string, advice: string): Trouble {
  return { level: 'bad', what, advice };
}

function warn(what: string, advice: string): Trouble {
  return { level: 'warn', what, advice };
}

function named(kind: 'destination' | 'resolver', name: string, { what, ...rest }: Trouble): Trouble {
  const noun = kind === 'destination' ? 'Destination' : 'Resolver';
  return { ...rest, what: `${noun} ${name}: ${lowered(what)}`, about: { kind, name } };
}

function lowered(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

/** `1 delivery waits`, `2 dead deliveries`. */
function deliveries(count: number, how: 'wait' | 'dead' | 'open'): string {
  const noun = count === 1 ? 'delivery' : 'deliveries';
  return how === 'wait' ? `${count} ${noun} ${count === 1 ? 'waits' : 'wait'}` : `${count} ${how} ${noun}`;
}

function rateText(rate: QueuePolicy['rateLimit']): string {
  return rate === null ? '' : `Its rate limit of ${rate.count} per ${durationText(rate.perMs)} is used up at present.`;
}

function pausedText({ by, reason }: Hold): string {
  return `Paused by ${by ?? 'an operator'}: ${ended(reason ?? 'no reason was given')}`;
}

function probeText({ untilMs }: Hold, nowMs: number): string {
  return untilMs === null ? 'A probe is under way.' : `The next attempt is ${untilText(untilMs, nowMs)}.`;
}

function untilText(ms: number, nowMs: number): string {
  return ms <= nowMs ? 'due now' : `in ${durationText(ms - nowMs)}`;
}

/** With a full stop. */
function ended(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
