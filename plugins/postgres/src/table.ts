/** The table of `postgres.insert`: looked at and, where it is missing, made on first use. */

import type { JsonValue, Log } from '@switchhook/sdk';
import pg from 'pg';
import { type Column, parameterFor } from './columns.js';
import type { Connection } from './connections.js';
import { DatabaseFailure, failureOf } from './failure.js';
import { columnsOfTable, createTable, insertRows, quotedTable, type TableName } from './sql.js';

/** Which table, and what stands in it. */
export interface TableSettings {
  readonly table: TableName;
  readonly idColumn: string;
  readonly columns: readonly Column[];
}

/** A row: the event's id and the values of the columns, in their order. */
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
  async insert(connection: Connection, rows: readonly Row[]): Promise<boolean> {
    this.#types ??= await this.#open(connection);
    const types = this.#names.map((name) => this.#types?.get(name) ?? 'text');
    const values = rows.flatMap((row) => [
      row.id,
      ...types.map((type, column) => parameterFor(row.values[column] ?? null, type)),
    ]);
    if (rows.length > 1 && isTooMuch(values)) return false;
    const { table, idColumn } = this.#settings;
    await connection.query(insertRows(table, idColumn, this.#names, rows.length), values).catch((error: unknown) => {
      throw this.#located(error);
    });
    return true;
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

function isTooMuch(values: readonly (string | null)[]): boolean {
  if (values.length > maxParameters) return true;
  return values.reduce((length, value) => length + (value?.length ?? 0), 0) > maxStatementLength;
}
