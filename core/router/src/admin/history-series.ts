/** Makes series of the minutes of a history: by source, by destination, and of calls. */
import {
  answeredBy,
  type Buckets,
  type Minutes,
  minuteMs,
  ofRows,
  percentile,
  timed,
  unansweredCalls,
} from '../system/figures.js';

/** One number per step; null where nothing was measured. */
type Numbers = readonly number[];
type Durations = readonly (number | null)[];

/** Percentiles in milliseconds; null where nothing was measured. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** What happened in each step. */
export interface HistorySeries {
  /** Where each step begins, in milliseconds since the epoch. */
  readonly timesMs: Numbers;
  readonly sources: readonly SourceSeries[];
  readonly events: Arrivals;
  readonly destinations: readonly DestinationSeries[];
  readonly calls: CallSeries;
  readonly routes: readonly RouteSeries[];
  readonly answers: readonly AnswerSeries[];
  readonly resolvers: readonly ResolverSeries[];
}

/** What routes took. */
export interface RouteSeries {
  readonly route: string;
  readonly events: Numbers;
  /** Evaluations of its condition that failed. */
  readonly failures: Numbers;
}

/** Which calls an answer was given to. */
export interface AnswerSeries {
  readonly answer: string;
  readonly calls: Numbers;
}

/** What resolvers did. */
export interface ResolverSeries {
  readonly resolver: string;
  readonly lookups: Numbers;
  readonly failed: Numbers;
}

/** What came. */
export interface Arrivals {
  readonly received: Numbers;
  readonly duplicates: Numbers;
  readonly refused: Numbers;
}

/** What came to a source. */
export interface SourceSeries extends Arrivals {
  readonly source: string;
  /** Calls that no answer matched. */
  readonly unanswered: Numbers;
}

/** What became of deliveries. */
export interface DestinationSeries {
  readonly destination: string;
  readonly delivered: Numbers;
  readonly failed: Numbers;
  readonly dead: Numbers;
  readonly attemptMs: Percentiles;
  readonly attemptP95Ms: Durations;
}

/** How calls were answered. */
export interface CallSeries {
  readonly answered: Numbers;
  /** How many, by the last step that a part of the answer came from. */
  readonly steps: Readonly<Record<string, number>>;
  readonly ringMs: Percentiles;
  readonly ringP50Ms: Durations;
  readonly ringP95Ms: Durations;
  readonly ringP99Ms: Durations;
}

/** What to make of the minutes. */
interface Frame {
  /** The first minute. */
  readonly first: number;
  /** The minute after the last one. */
  readonly end: number;
  /** Minutes of a step. */
  readonly step: number;
  readonly source?: string | undefined;
  readonly destination?: string | undefined;
}

/** What is counted, to whom, and how often in each step. */
interface Row {
  readonly field: string;
  readonly name: string;
  readonly numbers: number[];
}

/** Fields of sources and of destinations; all others are of routes, answers and resolvers. */
const ofSources = /^(received|duplicate|refused|call:|ring:)/;
const ofDestinations = /^(delivered|failed|dead|attempt:)/;
const ofArrivals = /^(received|duplicate|refused)$/;

/** Minutes that are looked at in one go: two days of many names take half a second, and the thread answers calls. */
const minutesAtOnce = 60;

/** Each minute is looked at once, however many series there are. */
export async function seriesOf(minutes: Minutes, frame: Frame): Promise<HistorySeries> {
  const { first, end, step } = frame;
  const length = Math.max(0, Math.ceil((end - first) / step));
  const rows = await rowsOf(minutes, frame, length);
  const fitting = (field: string, name?: string) =>
    rows.filter(
      (row) =>
        (field.endsWith(':') ? row.field.startsWith(field) : row.field === field) && (name ?? row.name) === row.name,
    );
  const series = (field: string, name?: string) => summed(fitting(field, name), length);
  const bucketsOf = (field: string, name?: string): Buckets =>
    fitting(field, name)
      .map((row) => [bucketOf(row), row.numbers] as const)
      .sort(([a], [b]) => a - b);
  const percentiles = (field: string, name?: string): Percentiles => {
    const found = bucketsOf(field, name).map(([bucket, numbers]) => [bucket, [total(numbers)]] as const);
    return { p50: percentile(found, 0.5), p95: percentile(found, 0.95), p99: percentile(found, 0.99) };
  };
  const durations = (share: number, field: string, name?: string): Durations => {
    const found = bucketsOf(field, name);
    return Array.from({ length }, (_, index) => percentile(found, share, index));
  };
  const arrivals = (name?: string): Arrivals => ({
    received: series('received', name),
    duplicates: series('duplicate', name),
    refused: series('refused', name),
  });
  const namesOf = (fits: (field: string) => boolean) =>
    [...new Set(rows.filter(({ field }) => fits(field)).map(({ name }) => name))].sort();
  const answers = new Set(fitting(answeredBy).map(({ field }) => field));
  return {
    timesMs: Array.from({ length }, (_, index) => (first + index * step) * minuteMs),
    sources: namesOf((field) => ofArrivals.test(field)).map((source) => ({
      ...{ source, ...arrivals(source), unanswered: series(unansweredCalls, source) },
    })),
    events: arrivals(),
    destinations: namesOf((field) => ofDestinations.test(field)).map((destination) => ({
      destination,
      delivered: series('delivered', destination),
      failed: series('failed', destination),
      dead: series('dead', destination),
      attemptMs: percentiles(timed.attempt, destination),
      attemptP95Ms: durations(0.95, timed.attempt, destination),
    })),
    calls: {
      answered: series(answeredBy),
      steps: Object.fromEntries([...answers].map((field) => [field.slice(answeredBy.length), total(series(field))])),
      ringMs: percentiles(timed.ring),
      ringP50Ms: durations(0.5, timed.ring),
      ringP95Ms: durations(0.95, timed.ring),
      ringP99Ms: durations(0.99, timed.ring),
    },
    routes: namesOf((field) => field === ofRows.routed || field === ofRows.unroutable).map((route) => ({
      ...{ route, events: series(ofRows.routed, route), failures: series(ofRows.unroutable, route) },
    })),
    answers: namesOf((field) => field === ofRows.answered).map((answer) => ({
      ...{ answer, calls: series(ofRows.answered, answer) },
    })),
    resolvers: namesOf((field) => field === ofRows.lookup).map((resolver) => ({
      ...{ resolver, lookups: series(ofRows.lookup, resolver), failed: series(ofRows.failedLookup, resolver) },
    })),
  };
}

async function rowsOf(
  minutes: Minutes,
  { first, end, step, source, destination }: Frame,
  length: number,
): Promise<readonly Row[]> {
  const rows = new Map<string, Row>();
  let looked = 0;
  for (const [minute, counts] of minutes) {
    if (minute < first || minute >= end) continue;
    looked += 1;
    if (looked % minutesAtOnce === 0) await new Promise((resolve) => setImmediate(resolve));
    const index = Math.floor((minute - first) / step);
    for (const [key, number] of counts) {
      const row = rows.get(key) ?? { ...keyOf(key), numbers: new Array<number>(length).fill(0) };
      rows.set(key, row);
      row.numbers[index] = (row.numbers[index] ?? 0) + number;
    }
  }
  return [...rows.values()].filter(({ field, name }) => {
    const wanted = ofSources.test(field) ? source : ofDestinations.test(field) ? destination : undefined;
    return (wanted ?? name) === name;
  });
}

/** `received agents`: a name may have a space, a field has none. */
function keyOf(text: string): Pick<Row, 'field' | 'name'> {
  const end = text.indexOf(' ');
  return { field: text.slice(0, end), name: text.slice(end + 1) };
}

function bucketOf({ field }: Row): number {
  return Number(field.slice(field.indexOf(':') + 1));
}

function summed(rows: readonly Row[], length: number): Numbers {
  const sum = new Array<number>(length).fill(0);
  for (const { numbers } of rows)
    for (const [index, number] of numbers.entries()) sum[index] = (sum[index] ?? 0) + number;
  return sum;
}

function total(numbers: Numbers): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
