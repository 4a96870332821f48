/** What a failure of the database means: the one table from SQLSTATE to what helps. */

import type { Outcome } from '@switchhook/sdk';
import pg from 'pg';

/** `data`: these values never fit. `passing`: the same may work later. `lasting`: not before an operator changes something. */
export type FailureKind = 'data' | 'passing' | 'lasting';

/** A failure of the database. The message is one line, without values. */
export class DatabaseFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
    /** SQLSTATE; `''` where there was no answer; or one of the router's codes. */
    readonly code = '',
  ) {
    super(message.replace(/\s+/g, ' ').trim().slice(0, longestMessage));
    // The message is for operators: it would be shown with the place in this plugin where it was made.
    this.stack = `${this.name}: ${this.message}`;
  }
}

const longestMessage = 300;

/** SQLSTATE. */
export const diskFull = '53100';

/**
 * By class of SQLSTATE (its first two characters), https://www.postgresql.org/docs/current/errcodes-appendix.html.
 * Not listed = lasting: syntax, missing tables and columns, permissions, passwords, databases.
 */
const kinds: Readonly<Record<string, FailureKind>> = {
  '22': 'data', // value out of range, not a number, not JSON
  '23': 'data', // not null, unique, foreign key, check
  '44': 'data', // check option of a view
  '54': 'data', // row or value too large
  P0: 'data', // raised by a trigger
  '08': 'passing', // connection
  '25': 'passing', // read-only: a standby, until it is promoted
  '40': 'passing', // serialization failure, deadlock
  '53': 'passing', // disk full, out of memory, too many connections
  '55': 'passing', // lock not available
  '57': 'passing', // statement timeout, shutting down, starting up
  '58': 'passing', // input or output error
  XX: 'passing', // internal error
};

/** Classifies an error that was thrown while the database was used. */
export function failureOf(error: unknown): DatabaseFailure {
  if (error instanceof DatabaseFailure) return error;
  if (error instanceof pg.DatabaseError) {
    const code = error.code ?? '';
    return new DatabaseFailure(kinds[code.slice(0, 2)] ?? 'lasting', `${errorMessage(error, code)} (${code})`, code);
  }
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const message = first instanceof Error ? first.message : String(first);
  return new DatabaseFailure(isLasting(first, message) ? 'lasting' : 'passing', message);
}

/** The outcome of an attempt that failed. */
export function outcomeOf(error: unknown): Outcome {
  const { kind, message: reason } = failureOf(error);
  switch (kind) {
    case 'data':
      return { kind: 'rejected', reason };
    case 'passing':
      return { kind: 'unavailable', reason };
    case 'lasting':
      return { kind: 'unavailable', reason, needsOperator: true };
  }
}

/** After an ordinary error of a statement (57014: it took too long) a connection is as good as before. A standby (25) stays one: better to look for the primary again. */
export function isHealthyAfter(error: unknown): boolean {
  const { code } = failureOf(error);
  return code === '57014' || (code !== '' && !['08', '25', '57', '58', 'XX'].includes(code.slice(0, 2)));
}

/** Errors about data quote the value, which may be private. */
function errorMessage({ message }: pg.DatabaseError, code: string): string {
  return code.startsWith('22') ? message.replace(/:? ".*"/s, '') : message;
}

/** Without a SQLSTATE there was no connection; certificates and missing passwords need an operator. */
function isLasting(error: unknown, message: string): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /CERT|SIGNATURE/.test(code) || /^SASL|does not support SSL/.test(message);
}
