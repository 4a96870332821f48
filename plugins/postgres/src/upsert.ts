/** `postgres.upsert`: one row per conversation, which its events fill as they arrive. */
import { Clock, type Delivery, defineDestination, deliveryScope, Log, text, z } from '@switchhook/sdk';
import { type Column, columns, listOf } from './columns.js';
import { DatabasePool } from './connections.js';
import { columnName, connections, tableDescription, tableName, url } from './options.js';
import { TableDestination } from './table-destination.js';

const options = z
  .strictObject({
    url,
    table: tableName.prefault('switchhook_conversations').meta({ description: tableDescription }),
    key: text('What events of one row have in common. An event without it is rejected.').prefault(
      '${{ event.subject }}',
    ),
    keyColumn: columnName.default('subject').meta({ description: 'Column of the key, the primary key.' }),
    updatedColumn: columnName.default('updated_at').meta({
      description:
        'Column for the time at which the newest event of the row was received: an older one, delivered late, fills only what is null.',
    }),
    columns,
    connections: connections.default(4),
  })
  .superRefine((row, ctx) => {
    const problem = (path: string, message: string) =>
      ctx.addIssue({ code: 'custom', path: [path], message, params: { problem: 'INVALID_VALUE' } });
    if (row.keyColumn === row.updatedColumn) problem('updatedColumn', 'expected another column than keyColumn');
    for (const option of ['keyColumn', 'updatedColumn'] as const)
      if (Object.hasOwn(row.columns, row[option]))
        problem('columns', `the router fills the column named by ${option}: leave it out here`);
  });

const receivedAt: Column['value'] = { constant: false, render: ({ event }) => Object(event).receivedAt };

export const upsert = defineDestination({
  type: 'postgres.upsert',
  description: 'Keeps one row per conversation in a table of a PostgreSQL database, filled as its events arrive.',
  options,
  batches: true,
  inject: { pool: DatabasePool, clock: Clock, log: Log },
  create({ key, keyColumn, ...row }, services) {
    const updated: Column = { name: row.updatedColumn, value: receivedAt, type: 'timestamptz' };
    const settings = {
      ...row,
      idColumn: keyColumn,
      columns: [...listOf(row.columns), updated],
      idOf: (delivery: Delivery) => key.render(deliveryScope(delivery)),
    };
    return new TableDestination(settings, services);
  },
});
