/** `postgres.lookup`: looks a caller up in a PostgreSQL database. */
import {
  Clock,
  defineResolver,
  isExpressionError,
  type JsonValue,
  Log,
  type Scope,
  scopes,
  type Template,
  template,
  z,
} from '@switchhook/sdk';
import { type Connection, Connections, DatabasePool } from './connections.js';
import { failureOf } from './failure.js';
import { jsonRow, parsers } from './json-value.js';
import { connections, url } from './options.js';
import { firstRow, isOneRead, parametersIn, ping, readingOf } from './sql.js';

const options = z
  .strictObject({
    url,
    query: z
      .string()
      .refine(isOneRead, {
        error: 'expected one query that reads: select, with, values or table',
        params: { problem: 'INVALID_VALUE' },
      })
      .meta({
        description: 'A `select` with `$1`, `$2`, … for the values of `params`. Its first row becomes the facts.',
      }),
    params: z
      .array(template('Value of a parameter.', scopes.resolver))
      .default([])
      .meta({ description: 'Values of `$1`, `$2`, … A missing field is null.' }),
    connections: connections.default(10),
  })
  .superRefine(({ query, params }, ctx) => {
    const given = params.map((_, index) => index + 1);
    const used = parametersIn(query);
    if (used.join() === given.join()) return;
    const message = `the query uses ${listed(used)}, params gives ${listed(given)}`;
    ctx.addIssue({ code: 'custom', path: ['params'], message, params: { problem: 'INVALID_VALUE' } });
  });

/** Of warming up and of probes; a look-up has what its call has left. */
const statementTimeoutMs = 10_000;
const warmUpMs = 10_000;

export const lookup = defineResolver({
  type: 'postgres.lookup',
  description: 'Looks a caller up in a PostgreSQL database.',
  options,
  inject: { pool: DatabasePool, clock: Clock, log: Log },
  create: ({ query, params, ...row }, services) => {
    const database = new Connections({ ...row, statementTimeoutMs, readOnly: true }, services);
    const text = firstRow(query);
    return {
      open: async () => warmUp(database, services),
      resolve: async (call, known, signal, leftMs) => {
        const values = params.map((param) => rendered(param, { call, known }));
        const look = (connection: Connection) => connection.query({ text, values, types: parsers });
        const found = await database.use(signal, look, leftMs);
        return jsonRow(found.rows[0]);
      },
      probe: async (signal) => {
        await database.use(signal, (connection) => connection.query(readingOf(query)));
      },
      close: async () => database.close(),
    };
  },
});

/** Connects before the first call does, beside the start of the router, which does not wait for it. */
function warmUp(database: Connections, { clock, log }: { readonly clock: Clock; readonly log: Log }): void {
  const controller = new AbortController();
  const cancel = clock.after(warmUpMs, () => controller.abort(new Error('the database does not answer')));
  database
    .use(controller.signal, (connection) => connection.query(ping))
    .catch((error: unknown) => log.warn('postgres.unreachable', { reason: failureOf(error).message }))
    .finally(cancel);
}

/** As SQL has it: what is not known is null, and equal to nothing. */
function rendered(param: Template, scope: Scope): JsonValue {
  try {
    return param.render(scope);
  } catch (error) {
    if (isExpressionError(error) && error.missing) return null;
    throw error;
  }
}

function listed(numbers: readonly number[]): string {
  return numbers.length === 0 ? 'no parameter' : numbers.map((number) => `$${number}`).join(', ');
}
