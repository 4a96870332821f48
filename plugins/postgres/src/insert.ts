/** `postgres.insert`: one row per event, once, however often the event is delivered. */
import { Clock, defineDestination, Log, z } from '@switchhook/sdk';
import { columns, defaultColumns, listOf } from './columns.js';
import { DatabasePool } from './connections.js';
import { columnName, connections, tableDescription, tableName, url } from './options.js';
import { TableDestination } from './table-destination.js';

const options = z
  .strictObject({
    url,
    table: tableName.prefault('switchhook_events').meta({ description: tableDescription }),
    idColumn: columnName.default('id').meta({ description: "Column of the event's id, the primary key." }),
    columns: columns.prefault(defaultColumns).meta({ description: columns.description }),
    connections: connections.default(4),
  })
  .refine((row) => !Object.hasOwn(row.columns, row.idColumn), {
    error: "the column named by idColumn holds the event's id: leave it out here",
    path: ['columns'],
    params: { problem: 'INVALID_VALUE' },
  });

export const insert = defineDestination({
  type: 'postgres.insert',
  description: 'Inserts each event as a row into a table of a PostgreSQL database.',
  options,
  batches: true,
  inject: { pool: DatabasePool, clock: Clock, log: Log },
  create: (row, services) =>
    new TableDestination(
      { ...row, columns: listOf(row.columns), updatedColumn: null, idOf: ({ event }) => event.id },
      services,
    ),
});
