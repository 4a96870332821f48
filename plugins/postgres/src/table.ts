/** The table of a destination: looked at and, where it is missing, made on first use. */

import type { JsonValue, Log } from '@switchhook/sdk';
import pg from 'pg';
import { type Column, parameterFor } from './columns.js';
import type { Connection } from './connections.js';
import { DatabaseFailure, failureOf } from './failure.js';
import {
  columnsOfTable,
  createTable,
  deleteRows,
  fillRow,
  insertRows,
  keepRow,
  quotedTable,
  type TableName,
} from './sql.js';

/** Which table, and what stands in it. */
export interface TableSettings {
  readonly table: TableName;
  readonly idColumn: string;
  /** Beside `idColumn`. */
  readonly columns: readonly Column[];
  /**
   * The last of the columns, a time: a row that is there already is filled, from the newer side where both have a value. Null = a row that
   * is there already stays as it is.
   */
  readonly updatedColumn: string | null;
}

/** A row: its id and the values of the columns, in their order. */
export interface Row {
  readonly id: string;
  readonly values: readonly JsonValue[];
}

/** The protocol counts parameters in 16 bits. */
const maxParameters = 65_535;
const maxStatementLength = 8_388_608;
/** Unique violation (of a catalog), duplicate object (the row type), duplicate table. */
const madeMeanwhile: ReadonlySet<string> = new Set(['23505', '42710', '42P07']);

export class Table {
  readonly #settings: TableSettings;
  readonly #log: Log;
  readonly #names: readonly string[];
  /** Types by column, as the table has them; null until they have been looked at. */
  #types: ReadonlyMap<string, string> | null = null;

  constructor(settings: TableSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
    this.#names = settings.columns.map(({ name }) => name);
  }

  /** As it is written in SQL. */
  get name(): string {
    return quotedTable(this.#settings.table);
  }

  get idColumn(): string {
    return this.#settings.idColumn;
  }

  /** Writes rows in one statement. False = too many for one, nothing is written. */
  async write(connection: Connection, rows: readonly Row[]): Promise<boolean> {
    this.#types ??= await this.#open(connection);
    const types = this.#names.map((name) => this.#types?.get(name) ?? 'text');
    const given = rows.map(({ id, values }) => [
      parameterFor(id, 'text'),
      ...types.map((type, column) => parameterFor(values[column] ?? null, type)),
    ]);
    const { table, idColumn, updatedColumn } = this.#settings;
    // One statement can update a row once.
    const written = updatedColumn === null ? given : merged(given);
    const values = written.flat();
    if (rows.length > 1 && isTooMuch(values)) return false;
    const insertion = insertRows(table, [idColumn, ...this.#names], written.length);
    const conflict = updatedColumn === null ? keepRow(idColumn) : fillRow(idColumn, this.#names, updatedColumn);
    await connection.query(`${insertion} ${conflict}`, values).catch((error: unknown) => {
      throw this.#located(error);
    });
    return true;
  }

  /** Deletes the rows of these ids. Returns how many there were. */
  async erase(connection: Connection, ids: readonly string[]): Promise<number> {
    const { table, idColumn } = this.#settings;
    const { rows } = await connection.query<{ rows: number }>(deleteRows(table, idColumn), [ids]);
    return rows[0]?.rows ?? 0;
  }

  /** Drops what is known of the table. False = nothing was known. */
  forget(): boolean {
    const known = this.#types !== null;
    this.#types = null;
    return known;
  }

  /** Types by column; empty where there is no table. Throws where it lacks columns of ours, naming each. */
  async look(connection: Connection): Promise<ReadonlyMap<string, string>> {
    const { rows } = await connection.query<{ name: string; type: string }>(columnsOfTable, [this.name]);
    const found = new Map(rows.map(({ name, type }) => [name, type]));
    const missing = found.size === 0 ? [] : [this.idColumn, ...this.#names].filter((name) => !found.has(name));
    if (missing.length === 0) return found;
    const list = missing.map((name) => JSON.stringify(name)).join(', ');
    throw new DatabaseFailure('lasting', `table ${this.name} has no column ${list}`);
  }

  /** PostgreSQL names the parameter it could not read: the operator gets the column. */
  #located(error: unknown): unknown {
    const [, parameter] = (error instanceof pg.DatabaseError && /parameter \$(\d+)/.exec(error.where ?? '')) || [];
    if (parameter === undefined) return error;
    const names = [this.idColumn, ...this.#names];
    const { kind, message, code } = failureOf(error);
    return new DatabaseFailure(kind, `column ${names[(Number(parameter) - 1) % names.length]}: ${message}`, code);
  }

  async #open(connection: Connection): Promise<ReadonlyMap<string, string>> {
    const found = await this.look(connection);
    if (found.size > 0) return found;
    await this.#create(connection);
    return this.look(connection);
  }

  async #create(connection: Connection): Promise<void> {
    const { table, idColumn, columns } = this.#settings;
    try {
      await connection.query(createTable(table, idColumn, columns));
      this.#log.info('table.created', { table: this.name });
    } catch (error) {
      // Another process made it at the same time: `if not exists` does not keep the later one from failing on the catalog.
      if (!(error instanceof pg.DatabaseError && madeMeanwhile.has(error.code ?? ''))) throw error;
    }
  }
}

/** Rows of one id as one: of each value the newest that is there. The id is the first value of a row, its time the last. */
function merged(rows: readonly (readonly (string | null)[])[]): readonly (readonly (string | null)[])[] {
  const byId = new Map<string | null, readonly (string | null)[]>();
  for (const row of rows.toSorted((a, b) => Date.parse(a.at(-1) ?? '') - Date.parse(b.at(-1) ?? ''))) {
    const [id = null] = row;
    const older = byId.get(id) ?? [];
    byId.set(
      id,
      row.map((value, index) => value ?? older[index] ?? null),
    );
  }
  return [...byId.values()];
}

function isTooMuch(values: readonly (string | null)[]): boolean {
  if (values.length > maxParameters) return true;
  return values.reduce((length, value) => length + (value?.length ?? 0), 0) > maxStatementLength;
}
