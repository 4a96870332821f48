/** Writes events as rows of a table: what `postgres.insert` and `postgres.upsert` have in common. */
import {
  type Clock,
  type Delivery,
  type Destination,
  deliveryScope,
  isExpressionError,
  type JsonObject,
  type Log,
  type Outcome,
  outcomeOfFailure,
} from '@switchhook/sdk';
import { renderedRow } from './columns.js';
import { Connections, type DatabasePool } from './connections.js';
import { DatabaseFailure, outcomeOf } from './failure.js';
import { type Row, Table, type TableSettings } from './table.js';

/** Above what any delivery should take, so that it only ends abandoned work. */
const statementTimeoutMs = 60_000;

/** SQLSTATE: there is no such table. */
const undefinedTable = '42P01';

/** Which rows, and where. */
export interface Settings extends TableSettings {
  readonly url: string;
  /** Most connections to the database. */
  readonly connections: number;
  /** What stands in `idColumn`; `''` where the event has none. May throw an expression's error. */
  idOf(delivery: Delivery): string;
}

/** A row, and its place among the deliveries. */
interface PlacedRow extends Row {
  readonly index: number;
}

interface Services {
  readonly pool: DatabasePool;
  readonly clock: Clock;
  readonly log: Log;
}

/** The destination. */
export class TableDestination implements Destination {
  readonly #settings: Settings;
  readonly #connections: Connections;
  readonly #table: Table;

  constructor(settings: Settings, services: Services) {
    this.#settings = settings;
    this.#connections = new Connections({ ...settings, statementTimeoutMs, readOnly: false }, services);
    this.#table = new Table(settings, services.log);
  }

  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    const [outcome] = await this.deliverMany([delivery], signal);
    if (outcome === undefined) throw new Error('the delivery came to nothing');
    return outcome;
  }

  async deliverMany(deliveries: readonly Delivery[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const rows: PlacedRow[] = [];
    deliveries.forEach((delivery, index) => {
      try {
        const row = this.#rowOf(delivery);
        if (row.id === '')
          outcomes[index] = { kind: 'rejected', reason: `the event has no value for ${this.#table.idColumn}` };
        else rows.push({ index, ...row });
      } catch (error) {
        if (!isExpressionError(error)) throw error;
        outcomes[index] = outcomeOfFailure(error);
      }
    });
    await this.#write(rows, outcomes, signal);
    return outcomes;
  }

  preview(delivery: Delivery): JsonObject {
    const { id, values } = this.#rowOf(delivery);
    const row = this.#settings.columns.map(({ name }, index) => [name, values[index] ?? null]);
    return { table: this.#table.name, row: { [this.#table.idColumn]: id, ...Object.fromEntries(row) } };
  }

  /** The rows of these events; with `postgres.upsert` those of their conversations, whatever else has filled them. */
  async erase(deliveries: readonly Delivery[], signal: AbortSignal): Promise<number> {
    const ids = new Set(deliveries.map((delivery) => this.#idOf(delivery)).filter((id) => id !== ''));
    if (ids.size === 0) return 0;
    const erase = this.#connections.use(signal, (connection) => this.#table.erase(connection, [...ids]));
    return erase.catch((error: unknown) => {
      if (error instanceof DatabaseFailure && error.code === undefinedTable) return 0;
      throw error;
    });
  }

  /** Reaches the database and, where the table is there, compares its columns with ours. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#connections.use(signal, (connection) => this.#table.look(connection));
  }

  async close(): Promise<void> {
    this.#connections.close();
  }

  #rowOf(delivery: Delivery): Row {
    const { columns, idOf } = this.#settings;
    return { id: idOf(delivery), values: renderedRow(columns, deliveryScope(delivery)) };
  }

  /** `''` where the event has none: such an event was rejected. */
  #idOf(delivery: Delivery): string {
    try {
      return this.#settings.idOf(delivery);
    } catch (error) {
      if (isExpressionError(error)) return '';
      throw error;
    }
  }

  /** Writes all rows in one statement; where that is too much or some of them do not fit, in halves. */
  async #write(rows: readonly PlacedRow[], outcomes: Outcome[], signal: AbortSignal): Promise<void> {
    if (rows.length === 0) return;
    const outcome = await this.#writeAll(rows, signal).catch(outcomeOf);
    if (outcome === null || (outcome.kind === 'rejected' && rows.length > 1)) {
      const half = Math.ceil(rows.length / 2);
      await this.#write(rows.slice(0, half), outcomes, signal);
      await this.#write(rows.slice(half), outcomes, signal);
    } else for (const { index } of rows) outcomes[index] = outcome;
  }

  /** Null = too much for one statement. */
  async #writeAll(rows: readonly Row[], signal: AbortSignal): Promise<Outcome | null> {
    const write = () => this.#connections.use(signal, (connection) => this.#table.write(connection, rows));
    const isWritten = await write().catch((error: unknown) => {
      // Dropped or altered while we were running: looked at again, once, because a trigger's table can be missing, too.
      if (isTableChanged(error) && this.#table.forget()) return write();
      throw error;
    });
    return isWritten ? { kind: 'delivered' } : null;
  }
}

function isTableChanged(error: unknown): boolean {
  return error instanceof DatabaseFailure && (error.code === undefinedTable || error.code === '42703');
}
