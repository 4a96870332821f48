/** Figures by the minute: counted beside the router's own metrics, so that its history needs no Prometheus. */
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { Clock, type Labels, type Metrics } from '@switchhook/sdk';
import { inject, injectable } from './injection.js';

/** How often something happened, by what it was and to whom: `delivered crm`. */
export type Counts = Map<string, number>;
/** By the number of the minute since the epoch. */
export type Minutes = Map<number, Counts>;

/** One minute. */
export const minuteMs = 60_000;
const minutesPerHour = 60;

/** What a duration is counted as; the number of its bucket follows. */
export const timed = { attempt: 'attempt:', ring: 'ring:' } as const;
/** What an answer is counted as; its step follows. */
export const answeredBy = 'call:';
/** What a call is counted as that no answer matched. */
export const unansweredCalls = `${answeredBy}unanswered`;

/** What is counted of rows of the configuration that are neither source nor destination. */
export const ofRows = {
  ...{ routed: 'route', unroutable: 'route-failed' },
  answered: 'answer',
  ...{ lookup: 'lookup', failedLookup: 'lookup-failed' },
} as const;

type Figure = readonly [field: string, name: string | undefined];

/** Without a result of their own: what was found before was used, or no look-up was made. */
const noLookups: readonly unknown[] = ['cached', 'skipped'];

/** What of a metric is counted, for which of its labels; none = not at all. */
const counted: Readonly<Record<string, (labels: Labels) => readonly Figure[]>> = {
  events_received_total: ({ source, result }) => [[result === 'duplicate' ? 'duplicate' : 'received', source]],
  route_events_total: ({ route }) => [[ofRows.routed, route]],
  route_where_failures_total: ({ route }) => [[ofRows.unroutable, route]],
  requests_refused_total: ({ source }) => [['refused', source]],
  attempts_total: ({ destination, outcome }) => [[outcome === 'delivered' ? 'delivered' : 'failed', destination]],
  deliveries_dead_total: ({ destination, reason }) => (reason === 'discarded' ? [] : [['dead', destination]]),
  // Without a name, none matched.
  calls_answered_total: ({ source, answer, step }) => [
    [answeredBy + step, source],
    ...(answer ? [[ofRows.answered, answer] as const] : []),
  ],
  resolver_lookups_total: ({ resolver, outcome }) => [
    ...(noLookups.includes(outcome) ? [] : [[ofRows.lookup, resolver] as const]),
    ...(outcome === 'late' || outcome === 'failed' || outcome === 'busy'
      ? [[ofRows.failedLookup, resolver] as const]
      : []),
  ],
};
const measured: Readonly<Record<string, (labels: Labels) => Figure>> = {
  attempt_seconds: ({ destination }) => [timed.attempt, destination],
  call_answer_seconds: ({ source }) => [timed.ring, source],
};

/** Sources and destinations that are counted by themselves, and as many routes, answers and resolvers; a minute of each takes some 20 bytes in the store. */
const mostNames = 100;
/** Where further ones are counted. */
export const otherNames = '(others)';
/** What the store has not taken is kept as long. */
const mostHours = 6;

/** Attempts of a destination that have ended, in this router. */
export interface RecentAttempts {
  readonly delivered: number;
  readonly failed: number;
}

/** Calls of a source that this router has answered in the last hour. */
export interface RecentCalls {
  readonly answered: number;
  /** Those of them for which no answer of the configuration matched. */
  readonly unanswered: number;
  /** When the last of these came; null = none. */
  readonly lastUnansweredMs: number | null;
}

/** Events of the last hour for which the condition of a route could not be evaluated, in this router. */
export interface RecentFailures {
  readonly events: number;
  /** When the last of them came; null = none. */
  readonly lastMs: number | null;
}

/** Minutes that count as the last ones, with the present one. */
const recentMinutes = { attempts: 10, calls: 60, routes: 60 };

/** Upper ends of the buckets grow by this factor: a percentile is right within a tenth. */
const growth = 1.2;
/** From a millisecond to 19 hours. */
const lastBucket = 99;

/** Counts, in memory, until the store takes it. */
@injectable()
export class Figures {
  #minutes: Minutes = new Map();
  /** What the status needs of them, also where the store has taken them. */
  readonly #recent: Minutes = new Map();
  /** When calls of a source were last unanswered, and a route last unevaluated. */
  readonly #lastMs = new Map<string, number>();
  /** By kind of row: many routes leave the destinations their room. */
  readonly #names = new Map<string, Set<string>>();

  constructor(@inject(Clock) private readonly clock: Clock) {}

  /** What has been counted since the last `take`. */
  get pending(): Minutes {
    return this.#minutes;
  }

  /** Metrics that are counted here, too. */
  recorded(metrics: Metrics): Metrics {
    return {
      gauge: (...reading) => metrics.gauge(...reading),
      count: (name, help, labels = {}, by = 1) => {
        metrics.count(name, help, labels, by);
        if (by === 0) return;
        for (const figure of counted[name]?.(labels) ?? []) this.#add(...figure, by);
      },
      observe: (name, help, value, labels = {}, buckets) => {
        metrics.observe(name, help, value, labels, buckets);
        const [field, owner] = measured[name]?.(labels) ?? [];
        if (field !== undefined) this.#add(field + bucketOf(value * 1_000), owner, 1);
      },
    };
  }

  /** Attempts of the last ten minutes. */
  recentAttempts(destination: string): RecentAttempts {
    const [delivered = 0, failed = 0] = this.#sums(recentMinutes.attempts, destination, 'delivered', 'failed');
    return { delivered, failed };
  }

  /** Calls of the last hour. */
  recentCalls(source: string): RecentCalls {
    const [answered = 0, without = 0] = this.#sums(recentMinutes.calls, source, answeredBy, unansweredCalls);
    return {
      answered,
      unanswered: without,
      lastUnansweredMs: this.#lastMs.get(`${unansweredCalls} ${source}`) ?? null,
    };
  }

  /** Events of the last hour. */
  recentlyUnevaluated(route: string): RecentFailures {
    const [events = 0] = this.#sums(recentMinutes.routes, route, ofRows.unroutable);
    return { events, lastMs: this.#lastMs.get(`${ofRows.unroutable} ${route}`) ?? null };
  }

  #sums(minutes: number, name: string, ...fields: readonly string[]): readonly number[] {
    const recent = [...this.#recent].filter(([minute]) => minute > this.#minute - minutes);
    return fields.map((field) => recent.reduce((all, [, counts]) => all + (counts.get(`${field} ${name}`) ?? 0), 0));
  }

  /** Hands over what has been counted, and begins anew. */
  take(): Minutes {
    const taken = this.#minutes;
    this.#minutes = new Map();
    return taken;
  }

  /** Takes back what could not be kept. */
  giveBack(minutes: Minutes): void {
    addTo(this.#minutes, minutes);
  }

  /** Drops what the store has not taken for hours. */
  dropOldest(): void {
    dropBefore(this.#minutes, this.#minute - mostHours * minutesPerHour);
  }

  get #minute(): number {
    return Math.floor(this.clock.now() / minuteMs);
  }

  #add(field: string, name = '', by: number): void {
    if (field === 'delivered' || field === 'failed') this.#addRecent(`${field} ${name}`, by);
    if (field.startsWith(answeredBy)) this.#addRecent(`${answeredBy} ${name}`, by);
    if (field === unansweredCalls || field === ofRows.unroutable) {
      this.#addRecent(`${field} ${name}`, by);
      this.#lastMs.set(`${field} ${name}`, this.clock.now());
    }
    const [, kind = ''] = /^(route|answer|lookup)(?=-|$)/.exec(field) ?? [];
    const names = this.#names.get(kind) ?? new Set();
    this.#names.set(kind, names);
    const isKnown = names.has(name) || names.size < mostNames;
    if (isKnown) names.add(name);
    const minute = this.#minute;
    const counts = this.#minutes.get(minute) ?? this.#begin(minute);
    const key = `${field} ${isKnown ? name : otherNames}`;
    counts.set(key, (counts.get(key) ?? 0) + by);
  }

  /** By all names: they are those of the configuration, for minutes. */
  #addRecent(key: string, by: number): void {
    const minute = this.#minute;
    dropBefore(this.#recent, minute - recentMinutes.calls);
    addTo(this.#recent, new Map([[minute, new Map([[key, by]])]]));
  }

  #begin(minute: number): Counts {
    // A store that has not been opened takes nothing.
    this.dropOldest();
    const counts: Counts = new Map();
    this.#minutes.set(minute, counts);
    return counts;
  }
}

function dropBefore(minutes: Minutes, oldest: number): void {
  for (const minute of minutes.keys()) if (minute <= oldest) minutes.delete(minute);
}

/** Adds minutes to others. */
export function addTo(sum: Minutes, minutes: Minutes): void {
  for (const [minute, counts] of minutes) {
    const counted: Counts = sum.get(minute) ?? new Map();
    for (const [key, by] of counts) counted.set(key, (counted.get(key) ?? 0) + by);
    sum.set(minute, counted);
  }
}

/** The hour of a minute, in the form of its key: `2026-01-01T08`. */
export function hourOf(minute: number): string {
  return new Date(minute * minuteMs).toISOString().slice(0, 13);
}

/** When the hour ends, in milliseconds since the epoch. */
export function endOfHourMs(hour: string): number {
  return Date.parse(`${hour}:00:00Z`) + minutesPerHour * minuteMs;
}

function bucketOf(ms: number): number {
  return Math.min(lastBucket, Math.max(0, Math.round(Math.log(ms) / Math.log(growth))));
}

/** How often each bucket was counted in each step, the shortest durations first. */
export type Buckets = readonly (readonly [bucket: number, numbers: readonly number[]])[];

/** The duration within which a share of those counted in a step ended, in milliseconds; null where there are none. */
export function percentile(buckets: Buckets, share: number, step = 0): number | null {
  // Without a copy: it is asked for thousands of steps, in the thread that answers calls.
  let left = 0;
  for (const [, numbers] of buckets) left += numbers[step] ?? 0;
  left *= share;
  for (const [bucket, numbers] of buckets) {
    const number = numbers[step] ?? 0;
    left -= number;
    if (number > 0 && left <= 0) return Number((growth ** bucket).toPrecision(3));
  }
  return null;
}

/** Minutes as a text, about a sixth of their JSON. */
export async function packed(minutes: Minutes): Promise<string> {
  const json = JSON.stringify([...minutes].map(([minute, counts]) => [minute, [...counts]]));
  return (await promisify(deflateRaw)(json)).toString('base64');
}

/** The minutes in a text that `packed` wrote. Rejects where it is another one. */
export async function unpacked(text: string): Promise<Minutes> {
  const json = (await promisify(inflateRaw)(Buffer.from(text, 'base64'))).toString();
  return new Map(
    (JSON.parse(json) as [number, [string, number][]][]).map(([minute, counts]) => [minute, new Map(counts)]),
  );
}
