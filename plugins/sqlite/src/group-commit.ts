/** Group commit: operations that arrive while a batch runs form the next batch. */
import type { Replied, Result } from './protocol.js';

interface Queued<O> {
  readonly operation: O;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** How operations are grouped. */
export interface GroupCommitPolicy {
  /** Most operations in a batch. */
  readonly limit: number;
  /**
   * A batch of this size starts at once: also in the middle of an event loop's turn, and behind another batch that is
   * running. Without it, the store's thread and the router's thread wait for each other in turn.
   */
  readonly earlyBatch: number;
}

/** The batch that runs, and one that waits behind it in the worker's queue. */
const runningLimit = 2;

export class GroupCommit<O> {
  readonly #policy: GroupCommitPolicy;
  readonly #run: (operations: readonly O[]) => Promise<readonly Replied[]>;
  readonly #errorOf: (replied: Replied | undefined) => Error;
  #queued: Queued<O>[] = [];
  #running = 0;
  #atEndOfTurn = false;
  #whenIdle: (() => void)[] = [];

  /** `run` replies to each operation, in order. It is called while at most one other batch is running. */
  constructor(
    policy: GroupCommitPolicy,
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
      if (this.#queued.length >= this.#policy.earlyBatch) this.#next();
      else this.#waitForEndOfTurn();
    });
  }

  /** Resolves when nothing is queued or running. */
  async idle(): Promise<void> {
    if (this.#running + this.#queued.length > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** All operations of this turn of the event loop form one batch, unless it reaches `earlyBatch` before. */
  #waitForEndOfTurn(): void {
    if (this.#atEndOfTurn || this.#running > 0) return;
    this.#atEndOfTurn = true;
    setImmediate(() => {
      this.#atEndOfTurn = false;
      this.#next();
    });
  }

  #next(): void {
    const canStart = (): boolean =>
      this.#running === 0
        ? this.#queued.length > 0
        : this.#running < runningLimit && this.#queued.length >= this.#policy.earlyBatch;
    while (canStart()) void this.#runBatch(this.#queued.splice(0, this.#policy.limit));
    if (this.#running + this.#queued.length === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #runBatch(batch: readonly Queued<O>[]): Promise<void> {
    this.#running += 1;
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
    this.#running -= 1;
    this.#next();
  }
}
