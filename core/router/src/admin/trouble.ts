/** What is wrong with the router, its store, sources, destinations and resolvers: the worst first, with what to do. */
import { durationText } from '@switchhook/sdk';
import {
  bad,
  deliveries,
  ended,
  failureText,
  levels,
  lowered,
  openText,
  pausedText,
  probeText,
  type Trouble,
  troubleOf,
  warn,
  worstFirst,
} from './destination-trouble.js';
import type { ResolverStatus, Status } from './status.js';

const hourMs = 3_600_000;
/** Less room on the disk of the store is too little: half a million events of usual size, and SQLite's log beside them. */
const leastFreeBytes = 500_000_000;

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
  // A reload that changed a row may have fixed what was wrong before it.
  const { changedMs } = generation;
  const changed = (...rows: readonly string[]) => Math.max(...['', ...rows].map((row) => changedMs.get(row) ?? 0));
  // Requests to a source that pulls are no events of it.
  const receiving = sources.filter(
    ({ source, lastRefusedMs }) =>
      (lastRefusedMs ?? 0) >= changed(`sources.${source}`) && !pulls.some((one) => one.source === source),
  );
  const ofRefusals = receiving.flatMap((row) => refusalTrouble(row, nowMs, time));
  const ofCalls = sources.flatMap((row) => unansweredTrouble(row, changed(`sources.${row.source}`, 'answers'), time));
  const ofRoutes = status.routes
    .filter(({ route, lastMs }) => (lastMs ?? 0) >= changed(`routes.${route}`))
    .map((row) => routeTrouble(row, time));
  const ofSources = [...ofPulls, ...ofRoutes, ...ofCalls, ...ofRefusals];
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
  const which = refused === most.count ? 'Reason' : 2 * most.count > refused ? 'Most often' : 'For example';
  const trouble = warn(
    `Source ${source}: ${requests} refused ${time}${others}. ${which}: ${ended(most.reason)}`,
    'Fix the cause: the sender may not repeat what was refused.',
  );
  return [{ ...trouble, about: { kind: 'source', name: source } }];
}

function routeTrouble({ route, events }: Status['routes'][number], time: string): Trouble {
  const trouble = warn(
    `Route ${route}: its condition could not be evaluated for ${events} ${events === 1 ? 'event' : 'events'} ${time}, so it did not deliver ${events === 1 ? 'it' : 'them'}.`,
    'The page of an event says why. Change where of the route, reload, and route these events again.',
  );
  return { ...trouble, about: { kind: 'route', name: route } };
}

/** Not of calls before a reload that may have fixed why no answer matched. */
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
    return [
      named('resolver', resolver, warn(pausedText(paused, nowMs), `${advice} Resume it when the reason is gone.`)),
    ];
  const open = holds.find(({ kind }) => kind === 'breaker-open');
  if (open === undefined) return [];
  const what = `${openText(open, nowMs)}${failureText(load.lastFailure, nowMs)}`;
  return [named('resolver', resolver, bad(what, `${advice} ${probeText(open, nowMs)}`))];
}

function named(kind: 'destination' | 'resolver', name: string, { what, ...rest }: Trouble): Trouble {
  const noun = kind === 'destination' ? 'Destination' : 'Resolver';
  return { ...rest, what: `${noun} ${name}: ${lowered(what)}`, about: { kind, name } };
}
