/** How many requests were refused, by source, agent, code and reason, and in which minutes. */
import type { RefusalCode } from '@switchhook/sdk';
import type { RefusedRecord, RefusedSecret } from './refused-requests.js';

/** Requests that were refused for the same reason. */
export interface RefusalGroup {
  /** `''` = there is no such source. */
  readonly source: string;
  readonly agent: string | null;
  readonly code: RefusalCode;
  /** Without numbers that differ. */
  readonly reason: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Id of the latest request. */
  readonly latest: string;
  /** Whose secret was expected, and whose it was, as far as it was found out. */
  readonly secret: RefusedSecret | null;
  /** The latest minutes with such requests, the earliest first: when each began, and how many there were. */
  readonly minutes: readonly (readonly [startMs: number, count: number])[];
}

/** Which groups. All given conditions must hold. */
export interface RefusalFilter {
  readonly source?: string;
  readonly agent?: string;
  readonly code?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

/** What senders without a secret can make the router keep. */
const most = { groups: 500, minutes: 60, owners: 5 };
/** The reason of those that are counted together, because there are too many groups. */
const otherReasons = 'several reasons or agents, which are counted together';
/** The reason of those that were counted before an erasure. */
const erasedReason = 'removed by an erasure';
const minuteMs = 60_000;

interface Counted extends Omit<RefusalGroup, 'minutes'> {
  readonly minutes: Map<number, number>;
}

export class RefusalCounts {
  readonly #groups = new Map<string, Counted>();

  add({ id, atMs, source, agent, code, reason, secret }: RefusedRecord): void {
    const minutes = new Map([[minuteOf(atMs), 1]]);
    const times = { firstMs: atMs, lastMs: atMs, latest: id };
    this.#add({ source, agent, code, reason: generalized(reason), count: 1, ...times, secret, minutes });
    if (this.#groups.size > most.groups) this.#makeRoom();
  }

  /** Counts all groups of a source, agent and code together: a reason may repeat a part of a request. */
  forgetReasons(): void {
    const groups = [...this.#groups.values()];
    this.#groups.clear();
    for (const group of groups)
      this.#add({ ...group, reason: group.reason === otherReasons ? otherReasons : erasedReason });
  }

  /** The largest first. With `sinceMs` or `untilMs`, what is counted are whole minutes, as far as they are kept. */
  groups({ sinceMs, untilMs, ...wanted }: RefusalFilter): readonly RefusalGroup[] {
    const isWhole = sinceMs === undefined && untilMs === undefined;
    const from = sinceMs === undefined ? Number.NEGATIVE_INFINITY : minuteOf(sinceMs);
    const before = untilMs ?? Number.POSITIVE_INFINITY;
    return [...this.#groups.values()]
      .filter((group) => fits(group, wanted))
      .map((group) => {
        const minutes = [...group.minutes].filter(([startMs]) => startMs >= from && startMs < before);
        const count = isWhole ? group.count : minutes.reduce((sum, [, inMinute]) => sum + inMinute, 0);
        return { ...group, count, minutes };
      })
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count || b.lastMs - a.lastMs);
  }

  #add(more: Counted): void {
    const key = keyOf(more);
    const known = this.#groups.get(key);
    if (known === undefined) {
      this.#groups.set(key, more);
      return;
    }
    const { minutes } = known;
    for (const [startMs, count] of more.minutes) minutes.set(startMs, (minutes.get(startMs) ?? 0) + count);
    while (minutes.size > most.minutes) minutes.delete(Math.min(...minutes.keys()));
    const isLater = more.lastMs >= known.lastMs;
    this.#groups.set(key, {
      ...known,
      count: known.count + more.count,
      firstMs: Math.min(known.firstMs, more.firstMs),
      lastMs: Math.max(known.lastMs, more.lastMs),
      latest: isLater ? more.latest : known.latest,
      secret: merged(known.secret, more.secret),
    });
  }

  /** Counts the small groups of the source with the most together: those that an attacker invents hold one request each. */
  #makeRoom(): void {
    const groups = [...this.#groups.values()].filter(({ reason }) => reason !== otherReasons);
    const sizes = new Map<string, number>();
    for (const { source } of groups) sizes.set(source, (sizes.get(source) ?? 0) + 1);
    const [largest, size = 0] = [...sizes].sort(([, a], [, b]) => b - a)[0] ?? [];
    const own = groups.filter(({ source }) => source === largest).sort((a, b) => a.count - b.count);
    // Many at once, as this is not cheap.
    for (const group of own.slice(0, Math.ceil(size / 4))) {
      this.#groups.delete(keyOf(group));
      this.#add({ ...group, agent: null, reason: otherReasons, secret: null });
    }
  }
}

function keyOf({ source, agent, code, reason }: Counted): string {
  return JSON.stringify([source, agent, code, reason]);
}

/** Whether a request or a group is wanted. */
export function fits(
  { source, agent, code }: Pick<RefusalGroup, 'source' | 'agent' | 'code'>,
  wanted: Omit<RefusalFilter, 'sinceMs' | 'untilMs'>,
): boolean {
  return (
    (wanted.source === undefined || wanted.source === source) &&
    (wanted.agent === undefined || wanted.agent === agent) &&
    (wanted.code === undefined || wanted.code === code)
  );
}

/** Ages, addresses and long numbers differ from one request to the next; the length of a signature says whether its form is right. */
const varying =
  /(?<![\w".:=-])(?:(?:[\da-f]{0,4}:){2,7}[\da-f.]{0,15}|(?:\d{1,3}\.){3}\d{1,3}|\d+(?= s\b)|\d{4,})(?![\w"=-])/g;

function generalized(reason: string): string {
  return reason.replace(varying, '…');
}

function minuteOf(ms: number): number {
  return Math.floor(ms / minuteMs) * minuteMs;
}

function merged(known: RefusedSecret | null, next: RefusedSecret | null): RefusedSecret | null {
  if (known === null || next === null) return next ?? known;
  const owners = new Map([...known.fits, ...next.fits].map((owner) => [JSON.stringify(owner), owner]));
  return { expected: next.expected, fits: [...owners.values()].slice(0, most.owners) };
}
