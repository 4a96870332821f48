/** Evaluates a scenario: its results, and every violation of its expectations. */
import { type Answer, durationText } from '@switchhook/sdk';
import type { Exchange, ScenarioRun } from './run.js';
import type { Expectation, Scenario, Step } from './scenario.js';

/** How one look-up of a call fared. */
export interface CallLookup {
  /** Id of the call's event. */
  readonly event: string;
  readonly resolver: string;
  readonly outcome: string;
}

/** Which events and look-ups the router lists afterwards, or why that cannot be known. */
export type Listing =
  | { readonly kind: 'listed'; readonly ids: ReadonlySet<string>; readonly lookups: readonly CallLookup[] }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Something that should have been otherwise. */
export interface Violation {
  /** Number of the step, from 1; null where it is about the whole. */
  readonly step: number | null;
  readonly what: string;
  /** How often. */
  readonly count: number;
}

/** An answer, and how many callers got it. */
export interface ToldAnswer extends Answer {
  readonly count: number;
}

/** How the look-ups of one resolver fared. */
export interface LookupCounts {
  readonly resolver: string;
  /** How many, by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** How one step went. */
export interface StepVerdict {
  readonly atMs: number;
  /** A description of its request. */
  readonly request: string;
  readonly sent: number;
  /** How many a second; null where a single one was sent. */
  readonly perSecond: number | null;
  /** Its rate, in requests a second; null without one. */
  readonly wantedPerSecond: number | null;
  /** Replies by status; `none` = without one. */
  readonly statuses: Readonly<Record<string, number>>;
  /** The answers: each different one once, the most frequent first. */
  readonly answers: readonly ToldAnswer[];
  /** From request to reply; null where nothing was sent. */
  readonly times: Quantiles | null;
}

/** What a scenario came to. */
export interface Verdict {
  readonly scenario: string;
  /** True where nothing broke. */
  readonly passed: boolean;
  readonly ms: number;
  readonly requests: number;
  readonly steps: readonly StepVerdict[];
  readonly calls: number;
  /** Ring times of all calls that were answered; null where none was. */
  readonly ring: Quantiles | null;
  /** Whether the router lists what it has acknowledged; null if that is not checked. */
  readonly received: {
    readonly acknowledged: number;
    readonly listed: number | null;
    readonly reason: string | null;
  } | null;
  /** By resolver; null if that is not known or not checked. */
  readonly lookups: readonly LookupCounts[] | null;
  readonly violations: readonly Violation[];
}

/** Ids of the events that the router has promised to have. */
export function acknowledgedIn(exchanges: readonly Exchange[]): ReadonlySet<string> {
  return new Set(exchanges.flatMap(({ reply }) => (isSuccess(reply) && reply.eventId !== null ? [reply.eventId] : [])));
}

/** Evaluates a run of a scenario. `listing` is null if that is not checked. */
export function evaluateScenario(
  scenario: Scenario,
  { requests, exchanges, ms }: ScenarioRun,
  listing: Listing | null,
): Verdict {
  const byStep = scenario.steps.map((_, index) => exchanges.filter(({ step }) => step === index));
  const calls = exchanges.filter((exchange) => exchange.calls);
  const ring = quantilesOf(calls.filter(({ reply }) => isSuccess(reply)).map(({ reply }) => reply.ms));
  const acknowledged = acknowledgedIn(exchanges);
  const received = listing === null ? null : receivedOf(acknowledged, listing);
  const lookups = listing?.kind === 'listed' ? countsOf(listing.lookups, acknowledged) : null;
  const violations = [
    ...scenario.steps.flatMap(({ expect }, index) => violationsOf(expect, byStep[index] ?? [], index + 1)),
    ...slowRings(scenario.evaluate.ring, ring),
    ...lost(received),
    ...(scenario.evaluate.lookups ? failedLookups(lookups) : []),
  ];
  return {
    scenario: scenario.name,
    passed: violations.length === 0,
    ms,
    requests: exchanges.length,
    steps: scenario.steps.map((step, index) => stepVerdict(step, requests[index] ?? '', byStep[index] ?? [])),
    calls: calls.length,
    ring,
    received,
    lookups,
    violations,
  };
}

type Reply = Exchange['reply'];

function isSuccess(reply: Reply): reply is Extract<Reply, { kind: 'reply' }> {
  return reply.kind === 'reply' && Math.floor(reply.status / 100) === 2;
}

function stepVerdict({ at: atMs, rate }: Step, request: string, exchanges: readonly Exchange[]): StepVerdict {
  const statuses = counted(exchanges.map(({ reply }) => (reply.kind === 'reply' ? String(reply.status) : 'none')));
  const answers = counted(exchanges.flatMap(({ answer }) => (answer === null ? [] : [JSON.stringify(answer)])));
  const frequent = [...answers].sort(([, a], [, b]) => b - a);
  return {
    atMs,
    request,
    sent: exchanges.length,
    perSecond: perSecondOf(exchanges),
    wantedPerSecond: rate === undefined ? null : (rate.count * 1_000) / rate.perMs,
    statuses: Object.fromEntries(statuses),
    answers: frequent.map(([answer, count]) => ({ ...(JSON.parse(answer) as Answer), count })),
    times: quantilesOf(exchanges.map(({ reply }) => reply.ms)),
  };
}

function perSecondOf(exchanges: readonly Exchange[]): number | null {
  const times = exchanges.map(({ sentAtMs }) => sentAtMs).toSorted((a, b) => a - b);
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0];
  return times.length < 2 || last === first ? null : ((times.length - 1) * 1_000) / (last - first);
}

function violationsOf(expect: Expectation, exchanges: readonly Exchange[], step: number): readonly Violation[] {
  const each = counted(exchanges.flatMap((exchange) => diagnosticsOf(exchange, expect)));
  const violations = [...each].map(([what, count]) => ({ step, what, count }));
  const different = expect.same ? new Set(exchanges.map(replyContent)).size : 1;
  if (different > 1)
    violations.push({ step, what: `${different} different answers, where all should be the same`, count: 1 });
  return violations;
}

/** The violations of one reply, worded alike for equal violations. */
function diagnosticsOf({ reply, answer, wanted }: Exchange, expect: Expectation): readonly string[] {
  if (reply.kind === 'none') return [`no reply: ${reply.reason}`];
  const diagnostics: string[] = [];
  const { status, within, anyVariables, duplicate } = expect;
  if (status === undefined ? !isSuccess(reply) : reply.status !== status)
    diagnostics.push(`status ${reply.status} instead of ${status ?? 'a success'}`);
  if (within !== undefined && reply.ms > within) diagnostics.push(`later than ${durationText(within)}`);
  const variables = answer?.variables ?? {};
  for (const [name, value] of Object.entries(wanted ?? {}))
    if (variables[name] !== value)
      diagnostics.push(`${name} is ${JSON.stringify(variables[name] ?? null)} instead of ${JSON.stringify(value)}`);
  if (anyVariables !== undefined && Object.keys(variables).length > 0 !== anyVariables)
    diagnostics.push(anyVariables ? 'no variables' : `variables: ${Object.keys(variables).join(', ')}`);
  if (duplicate !== undefined && isSuccess(reply) && isDuplicate(reply) !== duplicate)
    diagnostics.push(duplicate ? 'not known as a duplicate' : 'taken for a duplicate');
  return diagnostics;
}

function isDuplicate({ body }: Extract<Reply, { kind: 'reply' }>): boolean {
  return typeof body === 'object' && body !== null && 'duplicate' in body && body.duplicate === true;
}

/** What two equal replies have in common. */
function replyContent({ reply, answer }: Exchange): string {
  if (reply.kind === 'none') return 'nothing';
  return answer === null ? `event ${reply.eventId}` : JSON.stringify(answer);
}

function slowRings(limits: Scenario['evaluate']['ring'], ring: Quantiles | null): readonly Violation[] {
  if (ring === null) return [];
  return (['p50', 'p95', 'p99', 'max'] as const).flatMap((name) => {
    const limit = limits[name];
    if (limit === undefined || ring[name] <= limit) return [];
    const what = `${name} of the ring times is ${durationText(ring[name])}, more than ${durationText(limit)}`;
    return [{ step: null, what, count: 1 }];
  });
}

function receivedOf(acknowledged: ReadonlySet<string>, listing: Listing): NonNullable<Verdict['received']> {
  const all = { acknowledged: acknowledged.size };
  if (listing.kind === 'unknown') return { ...all, listed: null, reason: listing.reason };
  return { ...all, listed: [...acknowledged].filter((id) => listing.ids.has(id)).length, reason: null };
}

function lost(received: Verdict['received']): readonly Violation[] {
  const missing = received === null || received.listed === null ? 0 : received.acknowledged - received.listed;
  return missing === 0 ? [] : [{ step: null, what: 'acknowledged, but not listed by the API', count: missing }];
}

function countsOf(lookups: readonly CallLookup[], calls: ReadonlySet<string>): readonly LookupCounts[] {
  const own = lookups.filter(({ event }) => calls.has(event));
  return [...new Set(own.map(({ resolver }) => resolver))].toSorted().map((resolver) => {
    const outcomes = counted(own.filter((one) => one.resolver === resolver).map(({ outcome }) => outcome));
    return { resolver, outcomes: Object.fromEntries(outcomes) };
  });
}

/** Look-ups without a result: the caller got less than there is. */
function failedLookups(lookups: readonly LookupCounts[] | null): readonly Violation[] {
  const isResult = (outcome: string): boolean => ['found', 'not-found', 'cached'].includes(outcome);
  return (lookups ?? []).flatMap(({ resolver, outcomes }) =>
    Object.entries(outcomes)
      .filter(([outcome]) => !isResult(outcome))
      .map(([outcome, count]) => ({ step: null, what: `resolver ${resolver}: ${outcome}`, count })),
  );
}

function counted(words: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

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
