/** The small texts that a store keeps beside its events. */
import type { Clock } from '@switchhook/sdk';
import type { Database } from './database.js';
import { storable } from './rows.js';
import type { stateStatements } from './sql-writes.js';

export class State {
  readonly #database: Database;
  readonly #sql: ReturnType<typeof stateStatements>;
  readonly #clock: Clock;

  constructor(database: Database, sql: ReturnType<typeof stateStatements>, clock: Clock) {
    this.#database = database;
    this.#sql = sql;
    this.#clock = clock;
  }

  /** The text of a key; null where none is kept. */
  async get(key: string): Promise<string | null> {
    const [row] = await this.#database.run<{ value: string }>(this.#sql.state, [storable(key), this.#nowMs]);
    return row?.value ?? null;
  }

  /** Some of the keys that begin with `prefix`. */
  async keys(prefix: string, limit: number): Promise<readonly string[]> {
    const values = [storable(prefix), this.#nowMs, limit];
    return (await this.#database.run<{ key: string }>(this.#sql.stateKeys, values)).map(({ key }) => key);
  }

  /** Sets a text until `expiresAtMs`, or removes it with null, where it is the expected one; returns whether it did. */
  set(key: string, value: string | null, expected: string | null, expiresAtMs: number | null = null): Promise<boolean> {
    const { state, addState, changeState, dropState } = this.#sql;
    const [id, wanted, before] = [storable(key), storable(value), storable(expected)];
    const [end, nowMs] = [expiresAtMs === null ? null : Math.ceil(expiresAtMs), this.#nowMs];
    const set = [id, wanted, end, nowMs];
    const change =
      before === null
        ? { statement: addState, values: set }
        : wanted === null
          ? { statement: dropState, values: [id, nowMs, before] }
          : { statement: changeState, values: [...set, before] };
    return this.#database.repeat(async (connection, isRepeated) => {
      if (wanted !== null || before !== null) {
        if ((await connection.run(change.statement, change.values)).length > 0) return true;
        if (!isRepeated) return false;
      }
      // Repeated: the first run was committed, although its answer was lost, where the text is the wanted one.
      const [kept] = await connection.run<{ value: string }>(state, [id, nowMs]);
      return (kept?.value ?? null) === wanted;
    });
  }

  /** Removes texts that have ended, at most `limit`; returns how many. */
  async removeEnded(limit: number): Promise<number> {
    return (await this.#database.run(this.#sql.dropEndedState, [this.#nowMs, limit])).length;
  }

  get #nowMs(): number {
    return Math.floor(this.#clock.now());
  }
}
