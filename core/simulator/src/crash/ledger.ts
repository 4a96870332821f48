/** The ledger: what was acknowledged and what arrived, kept outside the router, and the verdict they come to. */
/** An event of a sender. */
export interface SentEvent {
  /** Its key, unique. */
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  /** Counts within the subject; the first is 1. */
  readonly number: number;
}

/** One attempt as the receiver saw it. */
export interface Arrival {
  readonly deliveryId: string;
  readonly destination: string;
  readonly key: string;
  readonly attempt: number;
}

/** A destination has failed until its circuit breaker opened, and has recovered: what came of it. */
export interface Trial {
  /** From the first router whose breaker is seen open until all have its verdict; null where they never had, or none was open. */
  readonly verdictMs: number | null;
  /** Calls from a second after all had it until the destination recovered. */
  readonly calls: number;
  /** What is wrong: the breaker of no router has opened, others did not have the verdict in time, called nevertheless, or their breakers stayed open. */
  readonly fault: 'not-opened' | 'not-shared' | 'called' | 'not-closed' | null;
}

/** What everything came to. Lost, repeated, overrun, out of order, refused, over the limit, faults of breakers and unanswered must be 0. */
export interface Verdict {
  /** Events. */
  readonly acknowledged: number;
  /** Deliveries that must be made for the acknowledged events: the sum of the next three lines. */
  readonly expected: number;
  readonly delivered: number;
  /** Not delivered, but ended as dead: the operator can see them. */
  readonly dead: number;
  readonly lost: number;
  /** Accepted by their receiver more than once. */
  readonly duplicated: number;
  /** Attempts that were made twice. */
  readonly repeated: number;
  /** Deliveries that were tried more often than their attempts allow. */
  readonly overrun: number;
  /** Deliveries of an ordered destination that came after a later one of their subject. */
  readonly outOfOrder: number;
  /** Times that no router took an event, or answered a call, while routers were replaced one after another. */
  readonly refused: number;
  /** Attempts beyond the rate limit of their destination and its tolerance. */
  readonly overLimit: number;
  /** Times that a destination failed until its circuit breaker opened, and recovered. */
  readonly breakers: number;
  /** What was wrong in them, as `fault` of a trial. */
  readonly breakerFaults: readonly string[];
  /** The longest time from the first router with an open breaker until all routers had its verdict, in milliseconds. */
  readonly slowestVerdictMs: number;
  /** The most calls to the destination while all breakers were open, in one of these times. */
  readonly callsWhileOpen: number;
  /** Calls that were answered. */
  readonly calls: number;
  /** Calls that no router answered in time, in any of their requests. */
  readonly unanswered: number;
  /** Calls that got another answer when they were repeated: the first router was killed before it had shared its answer, or the store did not answer. */
  readonly answeredAnew: number;
  /** The longest time from a request about a call to its answer, in milliseconds; requests that failed before it are not in it. */
  readonly slowestCallMs: number;
}

export class Ledger {
  readonly #maxAttempts: number;
  readonly #destinationsOf: (event: SentEvent) => readonly string[];
  readonly #acknowledged = new Map<string, SentEvent>();
  /** How often each delivery was accepted, by `nameOf`. */
  readonly #accepted = new Map<string, number>();
  /** Attempts seen, by delivery id. */
  readonly #attempts = new Map<string, Set<number>>();
  /** Latest number accepted, by destination and subject. */
  readonly #latest = new Map<string, number>();
  readonly #overrun = new Set<string>();
  #awaited = { count: Number.POSITIVE_INFINITY, resolve: (): void => {} };
  #repeated = 0;
  #outOfOrder = 0;
  #refused = 0;
  #overLimit = 0;
  readonly #trials: Trial[] = [];
  #calls = 0;
  #unanswered = 0;
  #answeredAnew = 0;
  #slowestCallMs = 0;

  constructor(maxAttempts: number, destinationsOf: (event: SentEvent) => readonly string[]) {
    this.#maxAttempts = maxAttempts;
    this.#destinationsOf = destinationsOf;
  }

  /** The router has answered 200: from now on it must make the deliveries. */
  acknowledge(event: SentEvent): void {
    this.#acknowledged.set(event.id, event);
    if (this.#acknowledged.size >= this.#awaited.count) this.#awaited.resolve();
  }

  /** Resolves as soon as so many more events are acknowledged; one waiter at a time. */
  more(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited = { count: this.#acknowledged.size + count, resolve };
    });
  }

  /** An attempt has arrived, whatever becomes of it. */
  arrive({ deliveryId, attempt }: Arrival): void {
    const seen = this.#attempts.get(deliveryId) ?? new Set();
    this.#attempts.set(deliveryId, seen);
    if (seen.has(attempt)) this.#repeated += 1;
    if (attempt > this.#maxAttempts) this.#overrun.add(deliveryId);
    seen.add(attempt);
  }

  /** The receiver has taken it. */
  accept({ destination, key }: Arrival, { subject, number }: SentEvent, ordered: boolean): void {
    const name = nameOf(destination, key);
    const before = this.#accepted.get(name) ?? 0;
    this.#accepted.set(name, before + 1);
    // Once more is a duplicate, and not a question of order.
    if (!ordered || before > 0) return;
    const line = nameOf(destination, subject);
    const latest = this.#latest.get(line) ?? 0;
    if (number < latest) this.#outOfOrder += 1;
    this.#latest.set(line, Math.max(latest, number));
  }

  /** No router has taken an event or a call although one should have. */
  refuse(): void {
    this.#refused += 1;
  }

  /** An attempt came sooner than the rate limit of its destination allows. */
  exceed(): void {
    this.#overLimit += 1;
  }

  /** A destination has failed until its breaker opened, and has recovered. */
  noteTrial(trial: Trial): void {
    this.#trials.push(trial);
  }

  /** A router has answered a call. */
  answer(ms: number): void {
    this.#calls += 1;
    this.#slowestCallMs = Math.max(this.#slowestCallMs, Math.round(ms));
  }

  /** No router has answered a call. */
  leaveUnanswered(): void {
    this.#unanswered += 1;
  }

  /** A call has got another answer when it was repeated. */
  answerAnew(): void {
    this.#answeredAnew += 1;
  }

  /** How many events are acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** `dead` names the deliveries that ended as dead, as `nameOf` does. */
  verdict(dead: ReadonlySet<string>): Verdict {
    const expected = [...this.#acknowledged.values()].flatMap((event) =>
      this.#destinationsOf(event).map((destination) => nameOf(destination, event.id)),
    );
    const missing = expected.filter((name) => !this.#accepted.has(name));
    const lost = missing.filter((name) => !dead.has(name)).length;
    return {
      acknowledged: this.#acknowledged.size,
      expected: expected.length,
      delivered: expected.length - missing.length,
      dead: missing.length - lost,
      lost,
      duplicated: [...this.#accepted.values()].filter((times) => times > 1).length,
      repeated: this.#repeated,
      overrun: this.#overrun.size,
      outOfOrder: this.#outOfOrder,
      refused: this.#refused,
      overLimit: this.#overLimit,
      breakers: this.#trials.length,
      breakerFaults: this.#trials.flatMap(({ fault }) => fault ?? []),
      slowestVerdictMs: Math.round(Math.max(0, ...this.#trials.map(({ verdictMs }) => verdictMs ?? 0))),
      callsWhileOpen: Math.max(0, ...this.#trials.map(({ calls }) => calls)),
      calls: this.#calls,
      unanswered: this.#unanswered,
      answeredAnew: this.#answeredAnew,
      slowestCallMs: this.#slowestCallMs,
    };
  }
}

/** What a delivery is called here: its id is known to the router only. */
export function nameOf(destination: string, key: string): string {
  return `${destination} ${key}`;
}

/** Whether the promises were kept. */
export function isKept(verdict: Verdict): boolean {
  const { lost, repeated, overrun, outOfOrder, refused, overLimit, breakerFaults, unanswered } = verdict;
  return lost + repeated + overrun + outOfOrder + refused + overLimit + breakerFaults.length + unanswered === 0;
}
