/** The small texts that a store keeps beside its events. */
import type { Database } from './database.js';
import { storable } from './rows.js';
import type { stateStatements } from './sql-writes.js';

export class State {
  readonly #database: Database;
  readonly #sql: ReturnType<typeof stateStatements>;

  constructor(database: Database, sql: ReturnType<typeof stateStatements>) {
    this.#database = database;
    this.#sql = sql;
  }

  /** The text of a key; null where none is kept. */
  async get(key: string): Promise<string | null> {
    const [row] = await this.#database.run<{ value: string }>(this.#sql.state, [storable(key)]);
    return row?.value ?? null;
  }

  /** Sets a text, or removes it with null, where it is the expected one; returns whether it did. */
  set(key: string, value: string | null, expected: string | null): Promise<boolean> {
    const { state, addState, changeState, dropState } = this.#sql;
    const [id, wanted, before] = [storable(key), storable(value), storable(expected)];
    const values = [id, wanted, before].filter((one) => one !== null);
    const change = before === null ? addState : wanted === null ? dropState : changeState;
    return this.#database.repeat(async (connection, isRepeated) => {
      if (values.length > 1) {
        if ((await connection.run(change, values)).length > 0) return true;
        if (!isRepeated) return false;
      }
      // Repeated: the first run was committed, although its answer was lost, where the text is the wanted one.
      const [kept] = await connection.run<{ value: string }>(state, [id]);
      return (kept?.value ?? null) === wanted;
    });
  }
}
