/** Group commit: while a batch is under way, what comes meanwhile is the next. */
import type { Replied, Result } from './protocol.js';

interface Queued<O> {
  readonly operation: O;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** How operations are put together. */
export interface BatchPolicy {
  /** Operations in a batch. */
  readonly limit: number;
  /**
   * So many are a batch worth running at once: also in the middle of an event loop's turn, and behind another batch that
   * is under way. Without, the store's thread and the router's wait for each other in turn.
   */
  readonly worthwhile: number;
}

/** The one that runs, and one that waits for it at the store's door. */
const underWayLimit = 2;

export class Batches<O> {
  readonly #policy: BatchPolicy;
  readonly #run: (operations: readonly O[]) => Promise<readonly Replied[]>;
  readonly #errorOf: (replied: Replied | undefined) => Error;
  #queued: Queued<O>[] = [];
  #underWay = 0;
  #atEndOfTurn = false;
  #whenIdle: (() => void)[] = [];

  /** `run` replies to each operation, in order; it is called with a batch while at most one other is under way. */
  constructor(
    policy: BatchPolicy,
    run: (operations: readonly O[]) => Promise<readonly Replied[]>,
    errorOf: (replied: Replied | undefined) => Error,
  ) {
    this.#policy = policy;
    this.#run = run;
    this.#errorOf = errorOf;
  }

  /** Resolves with the operation's result. */
  add(operation: O): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#queued.push({ operation, resolve, reject });
      if (this.#queued.length >= this.#policy.worthwhile) this.#next();
      else this.#waitForEndOfTurn();
    });
  }

  /** When nothing is queued or under way. */
  async idle(): Promise<void> {
    if (this.#underWay + this.#queued.length > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Everything that this turn of the event loop brings goes into one batch, unless that gets too large to wait. */
  #waitForEndOfTurn(): void {
    if (this.#atEndOfTurn || this.#underWay > 0) return;
    this.#atEndOfTurn = true;
    setImmediate(() => {
      this.#atEndOfTurn = false;
      this.#next();
    });
  }

  #next(): void {
    const isWorthIt = (): boolean =>
      this.#underWay === 0
        ? this.#queued.length > 0
        : this.#underWay < underWayLimit && this.#queued.length >= this.#policy.worthwhile;
    while (isWorthIt()) void this.#runBatch(this.#queued.splice(0, this.#policy.limit));
    if (this.#underWay + this.#queued.length === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #runBatch(batch: readonly Queued<O>[]): Promise<void> {
    this.#underWay += 1;
    try {
      const replies = await this.#run(batch.map(({ operation }) => operation));
      batch.forEach(({ resolve, reject }, index) => {
        const replied = replies[index];
        if (replied !== undefined && 'result' in replied) resolve(replied.result);
        else reject(this.#errorOf(replied));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.#underWay -= 1;
    this.#next();
  }
}
