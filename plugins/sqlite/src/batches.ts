/** Group commit: one batch is under way, what comes meanwhile is the next. */
import type { Replied, Result } from './wire.js';

interface Queued<O> {
  readonly operation: O;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class Batches<O> {
  readonly #limit: number;
  readonly #run: (operations: readonly O[]) => Promise<readonly Replied[]>;
  readonly #errorOf: (replied: Replied | undefined) => Error;
  #queued: Queued<O>[] = [];
  #busy = false;
  #whenIdle: (() => void)[] = [];

  /** `run` replies to each operation, in order; it is called with at most `limit` of them, never twice at the same time. */
  constructor(
    limit: number,
    run: (operations: readonly O[]) => Promise<readonly Replied[]>,
    errorOf: (replied: Replied | undefined) => Error,
  ) {
    this.#limit = limit;
    this.#run = run;
    this.#errorOf = errorOf;
  }

  /** Resolves with the operation's result. */
  add(operation: O): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#queued.push({ operation, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      // Everything that this turn of the event loop brings goes into the first batch.
      setImmediate(() => void this.#next());
    });
  }

  /** When nothing is queued or under way. */
  async idle(): Promise<void> {
    if (this.#busy) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  async #next(): Promise<void> {
    while (this.#queued.length > 0) await this.#runBatch(this.#queued.splice(0, this.#limit));
    this.#busy = false;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #runBatch(batch: readonly Queued<O>[]): Promise<void> {
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
  }
}
