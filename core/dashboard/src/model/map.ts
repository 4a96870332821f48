/** The two parts of the map: events on their way to destinations, and calls on their way to resolvers. */
import type { Answer, Component } from './configuration-replies.js';
import { sum } from './history.js';
import type { History } from './history-replies.js';
import type { Link } from './layout.js';
import { linkTo } from './location.js';
import type { Level, ResolverStatus, Route, Status } from './replies.js';
import { count } from './wording.js';

/** A box of the map. */
export interface MapNode {
  readonly kind: 'source' | 'route' | 'destination' | 'answer' | 'resolver';
  readonly name: string;
  /** To the list of what happened to it. */
  readonly link: string;
  readonly level: Level | 'off';
  /** Of the last hour, or of now. */
  readonly figures: string;
  /** What is wrong; null where nothing is. */
  readonly trouble: string | null;
}

/** One part: its columns, and what connects them. */
export interface MapBand {
  readonly left: readonly MapNode[];
  readonly middle: readonly MapNode[];
  readonly right: readonly MapNode[];
  readonly links: readonly Link[];
}

/** What is configured. */
export interface Configured {
  readonly components: readonly Component[];
  readonly routes: readonly Route[];
  readonly answers: readonly Answer[];
}

/** What is known about it; null until it is loaded. */
export interface Known {
  readonly status: Status | null;
  /** Of the last hour. */
  readonly history: History | null;
}

/** Sources, routes and destinations. Destinations that emit events, and the router itself, may be on the left, too. */
export function eventsBand({ components, routes }: Configured, known: Known): MapBand {
  const sources = new Set([...named(components, 'source'), ...routes.flatMap(({ from }) => from)]);
  return {
    left: [...sources].map((name) => sourceNode(name, known, 'events')),
    middle: routes.map((route) => routeNode(route, known)),
    right: named(components, 'destination').map((name) => destinationNode(name, known)),
    links: routes,
  };
}

/** Sources of calls, answers and resolvers. */
export function callsBand({ components, answers }: Configured, known: Known): MapBand {
  const sources = new Set(answers.flatMap(({ from }) => from));
  return {
    left: [...sources].map((name) => sourceNode(name, known, 'calls')),
    middle: answers.map(({ name }) => answerNode(name, known)),
    right: named(components, 'resolver').map((name) => resolverNode(name, known)),
    links: answers.map(({ name, from, resolvers }) => ({ name, from, to: resolvers })),
  };
}

function named(components: readonly Component[], kind: Component['kind']): readonly string[] {
  return components.filter((one) => one.kind === kind).map(({ name }) => name);
}

/** `list`: where it leads. */
function sourceNode(name: string, { status, history }: Known, list: 'events' | 'calls'): MapNode {
  const of = history?.sources.find(({ source }) => source === name);
  const [received, refused] = [sum(of?.received ?? []), sum(of?.refused ?? [])];
  const unanswered = list === 'calls' ? sum(of?.unanswered ?? []) : 0;
  const pull = status?.pulls.find(({ source, state }) => source === name && state === 'waiting');
  const reason = status?.sources.find(({ source }) => source === name)?.refusal?.reason;
  const isRefusing = refused > 0;
  const [level, trouble] =
    pull !== undefined
      ? (['bad', `It cannot pull its events: ${pull.lastFailure?.reason ?? 'the reason is unknown'}`] as const)
      : isRefusing
        ? ([received === 0 ? 'bad' : 'warn', refusedText(refused, reason)] as const)
        : unanswered > 0
          ? (['warn', `No answer matched ${count(unanswered, 'call', 'calls')}`] as const)
          : ([received > 0 ? 'well' : 'off', null] as const);
  const figures = [
    list === 'calls' ? count(received, 'call', 'calls') : count(received, 'event', 'events'),
    ...(unanswered > 0 ? [`${unanswered.toLocaleString('en')} unanswered`] : []),
    ...(isRefusing ? [`${refused.toLocaleString('en')} refused`] : []),
  ].join(', ');
  const link =
    pull === undefined && isRefusing
      ? linkTo(['refused'], { source: name })
      : linkTo([list], { source: name, ...(unanswered > 0 && { step: 'unanswered', since: '1h' }) });
  return {
    kind: 'source',
    name,
    link,
    level,
    trouble,
    ...shown(history, figures),
  };
}

function refusedText(refused: number, reason: string | undefined): string {
  const requests = count(refused, 'request was refused', 'requests were refused');
  return reason === undefined ? requests : `${requests}, most often: ${reason}`;
}

/** A route whose destination fails is not well, either: what it matches does not arrive. */
function routeNode({ name, to }: Route, { status, history }: Known): MapNode {
  const of = history?.routes.find(({ route }) => route === name);
  const [events, failures] = [sum(of?.events ?? []), sum(of?.failures ?? [])];
  const failing = status?.destinations.find(
    ({ destination, trouble }) => to.includes(destination) && trouble.level === 'bad',
  );
  const trouble =
    failures > 0
      ? `Its condition could not be evaluated for ${count(failures, 'event', 'events')}`
      : failing === undefined
        ? null
        : `Destination ${failing.destination}: ${failing.trouble.what}`;
  return {
    ...{ kind: 'route', name, trouble },
    link:
      failures > 0 ? linkTo(['events'], { unevaluated: name, since: '1h' }) : linkTo(['deliveries'], { route: name }),
    level: trouble !== null ? 'warn' : events > 0 ? 'well' : 'off',
    ...shown(history, `${count(events, 'event', 'events')}${failures > 0 ? `, ${failures} not evaluated` : ''}`),
  };
}

function destinationNode(name: string, { status }: Known): MapNode {
  const row = status?.destinations.find(({ destination }) => destination === name);
  const trouble = row?.trouble ?? null;
  const level = trouble?.level ?? 'off';
  return {
    ...{ kind: 'destination', name, level },
    link: linkTo([(row?.dead ?? 0) > 0 ? 'dead' : 'deliveries'], { destination: name }),
    trouble: trouble !== null && (level === 'bad' || level === 'warn') ? trouble.what : null,
    ...shown(row, `${row?.waiting ?? '?'} waiting, ${row?.dead ?? '?'} dead`),
  };
}

function answerNode(name: string, { history }: Known): MapNode {
  const calls = sum(history?.answers.find(({ answer }) => answer === name)?.calls ?? []);
  return {
    ...{ kind: 'answer', name, link: linkTo(['calls'], { answer: name }), trouble: null },
    level: calls > 0 ? 'well' : 'off',
    ...shown(history, count(calls, 'call', 'calls')),
  };
}

function resolverNode(name: string, { status, history }: Known): MapNode {
  const of = history?.resolvers.find(({ resolver }) => resolver === name);
  const [lookups, failed] = [sum(of?.lookups ?? []), sum(of?.failed ?? [])];
  const held = heldText(status?.resolvers.find(({ resolver }) => resolver === name));
  const [level, trouble] =
    held !== null
      ? held
      : failed > 0
        ? (['warn', `${count(failed, 'look-up', 'look-ups')} of ${lookups.toLocaleString('en')} failed`] as const)
        : ([lookups > 0 ? 'well' : 'off', null] as const);
  const figures = `${count(lookups, 'look-up', 'look-ups')}${failed > 0 ? `, ${failed.toLocaleString('en')} failed` : ''}`;
  return {
    kind: 'resolver',
    name,
    link: linkTo(['calls'], { resolver: name }),
    level,
    trouble,
    ...shown(history, figures),
  };
}

/** Why it is not looked up at present. */
function heldText(row: ResolverStatus | undefined): readonly ['bad' | 'warn', string] | null {
  const open = row?.holds.find(({ kind }) => kind === 'breaker-open');
  if (open !== undefined)
    return ['bad', `Its circuit breaker is open: ${row?.lastFailure?.reason ?? 'the reason is unknown'}`];
  const paused = row?.holds.find(({ kind }) => kind === 'paused');
  return paused === undefined ? null : ['warn', `It is paused: ${paused.reason ?? 'without a reason'}`];
}

/** Figures that are not known are none. */
function shown(known: unknown, figures: string) {
  return { figures: known === null || known === undefined ? 'not known yet' : figures };
}
