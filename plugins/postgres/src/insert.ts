/** `postgres.insert`: one row per event, once, however often the event is delivered. */
import {
  Clock,
  type Delivery,
  type Destination,
  defineDestination,
  deliveryScope,
  isExpressionError,
  type JsonObject,
  Log,
  type Outcome,
  z,
} from '@switchhook/sdk';
import { type Column, columns, listOf, renderedRow } from './columns.js';
import { Connections, DatabasePool } from './connections.js';
import { DatabaseFailure, outcomeOf } from './failure.js';
import { connections, url } from './options.js';
import { isName, type TableName, tableNameOf } from './sql.js';
import { type Row, Table } from './table.js';

const options = z
  .strictObject({
    url,
    table: z
      .string()
      .default('switchhook_events')
      .transform((text, ctx): TableName => {
        const table = tableNameOf(text);
        if (table !== null) return table;
        const message = 'expected `table` or `schema.table`, each of 1 to 63 bytes';
        ctx.addIssue({ code: 'custom', message, params: { problem: 'INVALID_VALUE' } });
        return z.NEVER;
      })
      .meta({
        description: 'Table, created at its first use. `schema.table` for a table in another schema, which must exist.',
      }),
    idColumn: z
      .string()
      .refine(isName, { error: 'expected 1 to 63 bytes', params: { problem: 'INVALID_VALUE' } })
      .default('id')
      .meta({ description: "Column of the event's id, the primary key." }),
    columns,
    connections: connections.default(4),
  })
  .refine((row) => !Object.hasOwn(row.columns, row.idColumn), {
    error: "the column named by idColumn holds the event's id: leave it out here",
    path: ['columns'],
    params: { problem: 'INVALID_VALUE' },
  });

/** Above what any delivery should take, so that it only ends abandoned work. */
const statementTimeoutMs = 60_000;

export const insert = defineDestination({
  type: 'postgres.insert',
  description: 'Inserts each event as a row into a table of a PostgreSQL database.',
  options,
  batches: true,
  inject: { pool: DatabasePool, clock: Clock, log: Log },
  create: (row, services) => new PostgresInsert(row, services),
});

/** A row, and its place among the deliveries. */
interface PlacedRow extends Row {
  readonly index: number;
}

interface Services {
  readonly pool: DatabasePool;
  readonly clock: Clock;
  readonly log: Log;
}

class PostgresInsert implements Destination {
  readonly #columns: readonly Column[];
  readonly #connections: Connections;
  readonly #table: Table;

  constructor(row: z.output<typeof options>, services: Services) {
    this.#columns = listOf(row.columns);
    this.#connections = new Connections({ ...row, statementTimeoutMs, readOnly: false }, services);
    this.#table = new Table({ ...row, columns: this.#columns }, services.log);
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
        rows.push({ index, id: delivery.event.id, values: renderedRow(this.#columns, deliveryScope(delivery)) });
      } catch (error) {
        if (!isExpressionError(error)) throw error;
        outcomes[index] = { kind: 'rejected', reason: `template: ${error.message}` };
      }
    });
    await this.#write(rows, outcomes, signal);
    return outcomes;
  }

  preview(delivery: Delivery): JsonObject {
    const values = renderedRow(this.#columns, deliveryScope(delivery));
    const row = this.#columns.map(({ name }, index) => [name, values[index] ?? null]);
    return { table: this.#table.name, row: { [this.#table.idColumn]: delivery.event.id, ...Object.fromEntries(row) } };
  }

  /** Reaches the database and, where the table is there, compares its columns with ours. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#connections.use(signal, (connection) => this.#table.look(connection));
  }

  async close(): Promise<void> {
    this.#connections.close();
  }

  /** Writes all rows in one statement; where that is too much or some of them do not fit, in halves. */
  async #write(rows: readonly PlacedRow[], outcomes: Outcome[], signal: AbortSignal): Promise<void> {
    if (rows.length === 0) return;
    const outcome = await this.#insert(rows, signal).catch(outcomeOf);
    if (outcome === null || (outcome.kind === 'rejected' && rows.length > 1)) {
      const half = Math.ceil(rows.length / 2);
      await this.#write(rows.slice(0, half), outcomes, signal);
      await this.#write(rows.slice(half), outcomes, signal);
    } else for (const { index } of rows) outcomes[index] = outcome;
  }

  /** Null = too much for one statement. */
  async #insert(rows: readonly Row[], signal: AbortSignal): Promise<Outcome | null> {
    const write = () => this.#connections.use(signal, (connection) => this.#table.insert(connection, rows));
    const isWritten = await write().catch((error: unknown) => {
      // Dropped or altered while we were running: looked at again, once, because a trigger's table can be missing, too.
      if (isTableChanged(error) && this.#table.forget()) return write();
      throw error;
    });
    return isWritten ? { kind: 'delivered' } : null;
  }
}

function isTableChanged(error: unknown): boolean {
  return error instanceof DatabaseFailure && (error.code === '42P01' || error.code === '42703');
}
