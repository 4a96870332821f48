/** The options that several components share. */
import { secret, z } from '@switchhook/sdk';
import { isName, type TableName, tableNameOf } from './sql.js';

export const url = secret('`postgres://user:password@host:5432/database`; with `?sslmode=verify-full` for TLS.').refine(
  (text) => /^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text),
  { error: 'expected a URL that starts with postgres://', params: { problem: 'INVALID_VALUE' } },
);

export const connections = z.int().min(1).max(100).meta({ description: 'Most connections to the database.' });

/** The option `table`. */
export const tableName = z.string().transform((text, ctx): TableName => {
  const table = tableNameOf(text);
  if (table !== null) return table;
  const message = 'expected `table` or `schema.table`, each of 1 to 63 bytes';
  ctx.addIssue({ code: 'custom', message, params: { problem: 'INVALID_VALUE' } });
  return z.NEVER;
});

export const tableDescription =
  'Table, created at its first use. `schema.table` for a table in another schema, which must exist.';

/** The option that names a column. */
export const columnName = z
  .string()
  .refine(isName, { error: 'expected 1 to 63 bytes', params: { problem: 'INVALID_VALUE' } });
