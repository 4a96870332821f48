/** Group commit: what arrives while transactions are running is committed by the next one. */

/** How operations are grouped. */
export interface GroupCommitPolicy {
  /** A group is complete at this size: the sum of the sizes of its operations. */
  readonly size: number;
  /** Most groups under way. */
  readonly running: number;
}

interface Queued<I, O> {
  readonly operation: I;
  readonly size: number;
  readonly resolve: (result: O) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit<I, O> {
  readonly #policy: GroupCommitPolicy;
  readonly #run: (operations: readonly I[]) => Promise<readonly O[]>;
  readonly #failsAlone: (error: unknown) => boolean;
  readonly #queued: Queued<I, O>[] = [];
  #running = 0;
  #atEndOfTurn = false;
  #whenIdle: (() => void)[] = [];

  /** `run` commits a group and returns a result per operation. When its error `failsAlone`, each operation is committed by itself. */
  constructor(
    policy: GroupCommitPolicy,
    run: (operations: readonly I[]) => Promise<readonly O[]>,
    failsAlone: (error: unknown) => boolean,
  ) {
    this.#policy = policy;
    this.#run = run;
    this.#failsAlone = failsAlone;
  }

  /** Resolves with the result when the operation is committed. */
  add(operation: I, size: number): Promise<O> {
    return new Promise((resolve, reject) => {
      this.#queued.push({ operation, size, resolve, reject });
      if (this.#atEndOfTurn) return;
      this.#atEndOfTurn = true;
      // All operations of this turn of the event loop form one group.
      setImmediate(() => {
        this.#atEndOfTurn = false;
        this.#next();
      });
    });
  }

  /** Resolves when nothing is queued or running. */
  async idle(): Promise<void> {
    if (this.#running + this.#queued.length > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #next(): void {
    while (this.#running < this.#policy.running && this.#queued.length > 0) void this.#commit(this.#group());
    if (this.#running + this.#queued.length === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #group(): readonly Queued<I, O>[] {
    let count = 0;
    for (let size = 0; count < this.#queued.length && size < this.#policy.size; count += 1)
      size += this.#queued[count]?.size ?? 0;
    return this.#queued.splice(0, count);
  }

  async #commit(group: readonly Queued<I, O>[]): Promise<void> {
    this.#running += 1;
    await this.#settle(group);
    this.#running -= 1;
    this.#next();
  }

  async #settle(group: readonly Queued<I, O>[]): Promise<void> {
    try {
      const results = await this.#run(group.map(({ operation }) => operation));
      for (const [index, { resolve }] of group.entries()) resolve(results[index] as O);
    } catch (error) {
      if (group.length > 1 && this.#failsAlone(error)) for (const one of group) await this.#settle([one]);
      else for (const { reject } of group) reject(error);
    }
  }
}
