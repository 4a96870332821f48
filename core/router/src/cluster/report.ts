/** What a router reports to the others of its store, as text. */

/** What attempts have shown of a destination. Times are milliseconds since the epoch. */
export interface Verdict {
  /** When it was found: the latest one holds. */
  readonly atMs: number;
  /** Since when its circuit breaker is open; null = closed. */
  readonly openedAtMs: number | null;
  /** When the next probe may be made. */
  readonly openUntilMs: number | null;
  readonly failedProbes: number;
  /** Until when the other side has asked to wait; null = it has not. */
  readonly askedUntilMs: number | null;
}

/** What a router has of a destination. */
export interface DestinationReport {
  /** Attempts under way. */
  readonly attempts: number;
  /** Deliveries that it has taken over: in an attempt or before it. */
  readonly deliveries: number;
  /** Whether it starts attempts: not while it closes. */
  readonly takes: boolean;
  /** The last one that it knows; null = none. */
  readonly verdict: Verdict | null;
}

/** What a router reports. */
export interface RouterReport {
  readonly name: string;
  readonly version: string;
  /** When it was started, in milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Short digest of its configuration: the same for the same rows. */
  readonly configuration: string;
  /** After so long without a heartbeat, its leases are ended, and it no longer relies on them itself. */
  readonly leaseMs: number;
  /** Its last report: it has closed. */
  readonly left: boolean;
  /** By name. */
  readonly destinations: Readonly<Record<string, DestinationReport>>;
}

/** Longer than an outage of the store or a pause of a process usually lasts. */
export const usualLeaseMs = 30_000;

/** The last time that a date can have. */
const latestMs = 8.64e15;

const verdictKeys = ['atMs', 'openedAtMs', 'openUntilMs', 'failedProbes', 'askedUntilMs'] as const;

export function textOfReport({ destinations, ...router }: RouterReport): string {
  const rows = Object.entries(destinations).map(([name, { attempts, deliveries, takes, verdict }]) => {
    const known = verdict === null ? [] : verdictKeys.map((key) => verdict[key]);
    return [name, [attempts, deliveries, takes ? 1 : 0, ...known]];
  });
  return JSON.stringify({ ...router, destinations: Object.fromEntries(rows) });
}

/** What can be read of a report: another version may write further fields, or leave some out. */
export function reportIn(text: string): RouterReport {
  const read = parsed(text);
  const texts = (key: string): string => (typeof read[key] === 'string' ? read[key] : 'unknown');
  const numberOf = (value: unknown): number => (isTime(value) ? value : 0);
  const rows = Object.entries(Object(read.destinations)).map(([name, row]): [string, DestinationReport] => {
    const [attempts, deliveries, takes, ...known] = Array.isArray(row) ? row : [];
    const counts = { attempts: numberOf(attempts), deliveries: numberOf(deliveries) };
    return [name, { ...counts, takes: takes === 1, verdict: verdictIn(known) }];
  });
  return {
    ...{ name: texts('name'), version: texts('version'), configuration: texts('configuration') },
    ...{ sinceMs: numberOf(read.sinceMs), left: read.left === true },
    leaseMs: numberOf(read.leaseMs) || usualLeaseMs,
    destinations: Object.fromEntries(rows),
  };
}

function verdictIn(known: readonly unknown[]): Verdict | null {
  const [atMs, openedAtMs, openUntilMs, failedProbes, askedUntilMs] = known.map((value) =>
    isTime(value) ? value : null,
  );
  if (atMs == null) return null;
  const times = {
    openedAtMs: openedAtMs ?? null,
    openUntilMs: openUntilMs ?? null,
    askedUntilMs: askedUntilMs ?? null,
  };
  return { atMs, ...times, failedProbes: failedProbes ?? 0 };
}

/** What a date can be made of. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= latestMs;
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
