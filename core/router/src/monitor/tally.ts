/** What the router's own events are made of: counts since the last event of a cause, and shares within a time. No store, no network. */
import type { Clock } from '@switchhook/sdk';
import { type RouterEventFields, type RouterEventType, routerSource } from '../routing/router-events.js';
import type { Observation } from '../system/observations.js';
import { SlidingCount } from './sliding-count.js';

/** When the router makes events of its own. */
export interface AlertPolicy {
  /** A cause is reported at most once in each such time, counted from the epoch. */
  readonly everyMs: number;
  /** The time in which attempts, calls and refused requests are counted. */
  readonly windowMs: number;
  readonly destinationFailing: { readonly share: number; readonly attempts: number };
  readonly queueBehindMs: number;
  readonly callsSlow: { readonly afterMs: number; readonly share: number; readonly calls: number };
  /** Refused requests. */
  readonly sourceRefusing: number;
}

/** Something to report, if it was not reported in this time already. */
export interface Occurrence<T extends RouterEventType = RouterEventType> {
  readonly type: T;
  /** With the type, what may be reported once in a time. */
  readonly cause: string;
  readonly subject: string | null;
  /** Since the epoch. */
  readonly atMs: number;
  readonly fields: RouterEventFields<T>;
  /** It is stored; `isDuplicate`: another router has stored one of the same cause and time. Not called where nothing follows. */
  readonly done?: (isDuplicate: boolean) => void;
}

/** Makes an occurrence whose fields fit its type. */
export const occurrence = <T extends RouterEventType>(given: Occurrence<T>): Occurrence<T> => given;

type Dead = Omit<RouterEventFields<'delivery.dead'>, 'destination' | 'deliveries'>;

interface Counted {
  count: number;
  firstAtMs: number;
  /** Of the last one. */
  occur(count: number): Occurrence;
  /** Blanks what it has of erased events. */
  blank(eventIds: ReadonlySet<string>): void;
}

interface Watched {
  readonly attempts: SlidingCount;
  lastFailure: string | null;
  hasSucceeded: boolean;
  /** Null while it does not fail. */
  failingSinceMs: number | null;
  isReported: boolean;
}

interface StoreFailure {
  readonly sinceMs: number;
  readonly type: 'store.failing' | 'store.full';
  readonly failure: string;
  checks: number;
  untilMs: number | null;
}

interface Refusing {
  readonly requests: SlidingCount;
  last: Extract<Observation, { kind: 'refused' }>;
}

/** A store that does not answer once may be about to fail over. */
const checksUntilFailing = 2;

export class Tally {
  readonly #policy: () => AlertPolicy;
  readonly #clock: Clock;
  readonly #counted = new Map<string, Counted>();
  readonly #destinations = new Map<string, Watched>();
  readonly #calls = new Map<string, SlidingCount>();
  readonly #refusing = new Map<string, Refusing>();
  #store: StoreFailure | null = null;

  constructor(policy: () => AlertPolicy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
  }

  /** Whatever happens to an event of the router itself is not counted: it would cause further ones. */
  note(observation: Exclude<Observation, { kind: 'exhausted' }>): void {
    switch (observation.kind) {
      case 'attempted':
        if (observation.event.source !== routerSource) this.#attempted(observation);
        break;
      case 'replied':
        this.#replied(observation);
        break;
      case 'answered':
        this.#answered(observation);
        break;
      case 'refused':
        this.#refused(observation);
        break;
      case 'reloaded': {
        const { kind: _, ...fields } = observation;
        this.#count('config.reloaded', 'config', null, (reloads) => ({ ...fields, reloads }));
      }
    }
  }

  /** A delivery of another event than those of the router became dead. */
  died(destination: string, last: Dead): void {
    let fields = last;
    const cause = `${destination}:${fields.reason}`;
    const fieldsOf = (deliveries: number) => ({ destination, deliveries, ...fields });
    this.#count('delivery.dead', cause, destination, fieldsOf, (eventIds) => {
      fields = { ...fields, failure: null };
      if (eventIds.has(fields.eventId)) fields = { ...fields, deliveryId: 'erased', eventId: 'erased' };
    });
  }

  /** Drops the last failures, which may quote what was sent, and the ids of erased events. */
  forget(eventIds: ReadonlySet<string>): void {
    for (const counted of this.#counted.values()) counted.blank(eventIds);
    for (const watched of this.#destinations.values()) watched.lastFailure = null;
  }

  /** What the store has answered to a check: why it cannot commit, or null. */
  storeChecked(failed: { readonly failure: string; readonly isFull: boolean } | null): void {
    const known = this.#store;
    if (failed === null) {
      if (known !== null && known.checks < checksUntilFailing) this.#store = null;
      else if (known !== null) known.untilMs ??= this.#clock.now();
      return;
    }
    const { failure, isFull } = failed;
    this.#store = {
      sinceMs: known?.sinceMs ?? this.#clock.now(),
      type: isFull ? 'store.full' : 'store.failing',
      ...{ failure, checks: (known?.checks ?? 0) + 1, untilMs: null },
    };
  }

  /** An earlier run of the router has reported a destination as failing, and not as recovered. */
  wasFailing(destination: string, sinceMs: number): void {
    const watched = this.#watched(destination);
    watched.failingSinceMs ??= sinceMs;
    watched.isReported = true;
  }

  /** What there is to report now, about these destinations. */
  occurrences(destinations: { has(name: string): boolean }): readonly Occurrence[] {
    for (const name of this.#destinations.keys()) if (!destinations.has(name)) this.#destinations.delete(name);
    return [
      ...this.#storeOccurrences(),
      ...[...this.#counted.values()].map(({ count, occur }) => occur(count)),
      ...[...this.#destinations].flatMap(([name, watched]) => this.#failing(name, watched)),
      ...[...this.#calls].flatMap(([source, calls]) => this.#slow(source, calls)),
      ...[...this.#refusing.values()].flatMap((refusing) => this.#refusals(refusing)),
    ];
  }

  #attempted({ destination, deliveryId, event, outcome, failure, dead }: Extract<Observation, { kind: 'attempted' }>) {
    if (dead !== null) this.died(destination, { reason: dead, failure, deliveryId, eventId: event.id });
    if (outcome === 'skipped') return;
    const watched = this.#watched(destination);
    watched.attempts.add(this.#clock.elapsed(), outcome !== 'delivered');
    watched.hasSucceeded = outcome === 'delivered';
    if (failure !== null) watched.lastFailure = failure;
  }

  #replied({ source, ms }: Extract<Observation, { kind: 'replied' }>): void {
    const calls = this.#calls.get(source) ?? new SlidingCount();
    this.#calls.set(source, calls);
    calls.add(this.#clock.elapsed(), ms > this.#policy().callsSlow.afterMs, Math.round(ms));
  }

  /** A default for a caller who is not known is a usual answer; one because a look-up failed is not. */
  #answered({ source, answer, step, failure }: Extract<Observation, { kind: 'answered' }>): void {
    const isUsual = step === 'default' ? failure === null : ['fresh', 'cached', 'stale'].includes(step);
    if (isUsual) return;
    const cause = `${source}:${answer ?? ''}:${step}`;
    let last = failure;
    const fieldsOf = (calls: number) => ({ source, answer, step, calls, failure: last });
    this.#count('call.defaulted', cause, source, fieldsOf, () => {
      last = null;
    });
  }

  #refused(observation: Extract<Observation, { kind: 'refused' }>): void {
    const { source, code } = observation;
    // Requests to no source of this name, and what `store.failing` reports.
    if (source === '' || code === 'STORE_UNAVAILABLE') return;
    const key = `${source}:${code}`;
    const refusing = this.#refusing.get(key) ?? { requests: new SlidingCount(), last: observation };
    this.#refusing.set(key, refusing);
    refusing.requests.add(this.#clock.elapsed(), true);
    refusing.last = observation;
  }

  #count<T extends RouterEventType>(
    type: T,
    cause: string,
    subject: string | null,
    fieldsOf: (count: number) => RouterEventFields<T>,
    blank: Counted['blank'] = () => {},
  ): void {
    const key = `${type}:${cause}`;
    const counted = this.#counted.get(key) ?? { count: 0, firstAtMs: this.#clock.now(), occur: () => never(), blank };
    counted.count += 1;
    counted.blank = blank;
    counted.occur = (count) => ({
      ...{ type, cause, subject, atMs: counted.firstAtMs },
      fields: fieldsOf(count),
      // What comes while it is stored is of the next one; what another router has reported does not count what happened here.
      done: (isDuplicate) => {
        if (isDuplicate) return;
        counted.count -= count;
        counted.firstAtMs = this.#clock.now();
        if (counted.count === 0) this.#counted.delete(key);
      },
    });
    this.#counted.set(key, counted);
  }

  #watched(destination: string): Watched {
    const known = this.#destinations.get(destination);
    if (known !== undefined) return known;
    const state = { lastFailure: null, hasSucceeded: false, failingSinceMs: null, isReported: false };
    const watched: Watched = { attempts: new SlidingCount(), ...state };
    this.#destinations.set(destination, watched);
    return watched;
  }

  #failing(destination: string, watched: Watched): readonly Occurrence[] {
    const [{ windowMs, destinationFailing: policy }, nowMs] = [this.#policy(), this.#clock.now()];
    const { all, hits, share } = watched.attempts.within(windowMs, this.#clock.elapsed());
    if (all >= policy.attempts && share >= policy.share) watched.failingSinceMs ??= nowMs;
    const sinceMs = watched.failingSinceMs;
    if (sinceMs === null) return [];
    const since = new Date(sinceMs).toISOString();
    const about = { cause: destination, subject: destination, atMs: nowMs };
    if (!watched.hasSucceeded || share >= policy.share) {
      const fields = { destination, attempts: all, failed: hits, since, failure: watched.lastFailure };
      const done = (): void => {
        watched.isReported = true;
      };
      return [occurrence({ type: 'destination.failing', ...about, fields, done })];
    }
    const recovered = (): void => {
      watched.failingSinceMs = null;
      watched.isReported = false;
    };
    if (!watched.isReported) {
      recovered();
      return [];
    }
    const fields = { destination, since, failedSeconds: Math.max(0, Math.round((nowMs - sinceMs) / 1_000)) };
    return [occurrence({ type: 'destination.recovered', ...about, fields, done: recovered })];
  }

  #slow(source: string, replies: SlidingCount): readonly Occurrence[] {
    const { windowMs, callsSlow } = this.#policy();
    const { all: calls, hits: slow, share, most: slowestMs } = replies.within(windowMs, this.#clock.elapsed());
    if (slow === 0 || calls < callsSlow.calls || share < callsSlow.share) return [];
    const fields = { source, calls, slow, slowestMs };
    return [occurrence({ type: 'calls.slow', cause: source, subject: source, atMs: this.#clock.now(), fields })];
  }

  #refusals({ requests, last: { source, code, reason, remoteAddress } }: Refusing): readonly Occurrence[] {
    const { windowMs, sourceRefusing } = this.#policy();
    const { all } = requests.within(windowMs, this.#clock.elapsed());
    if (all < sourceRefusing) return [];
    const fields = { source, code, requests: all, reason: reason(), remoteAddress };
    const about = { cause: `${source}:${code}`, subject: source, atMs: this.#clock.now() };
    return [occurrence({ type: 'source.refusing', ...about, fields })];
  }

  #storeOccurrences(): readonly Occurrence[] {
    const failing = this.#store;
    if (failing === null || failing.checks < checksUntilFailing) return [];
    const { type, failure, sinceMs, untilMs } = failing;
    const times = {
      since: new Date(sinceMs).toISOString(),
      until: untilMs === null ? null : new Date(untilMs).toISOString(),
    };
    const done = (): void => {
      if (failing.untilMs !== null && this.#store === failing) this.#store = null;
    };
    return [occurrence({ type, cause: 'store', subject: null, atMs: sinceMs, fields: { failure, ...times }, done })];
  }
}

function never(): never {
  throw new Error('a count without an occurrence');
}
