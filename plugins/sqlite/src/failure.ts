/** Failures of the database file, with a message for the operator. */
import type { Failure } from './protocol.js';

const sentences: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'another process holds a lock on the file',
  SQLITE_FULL: 'the disk is full, or the file has reached maxSize',
  SQLITE_IOERR: 'the disk failed to read or write',
  SQLITE_CORRUPT: 'the file is damaged; restore a backup',
  SQLITE_NOTADB: 'the file is not a SQLite database',
  SQLITE_CANTOPEN: 'the file cannot be opened',
  SQLITE_READONLY: 'the file cannot be written',
};

/** Failures after which the connection cannot be used: the next operation opens a new one. */
const fatal = [
  'SQLITE_IOERR',
  'SQLITE_CORRUPT',
  'SQLITE_NOTADB',
  'SQLITE_CANTOPEN',
  'SQLITE_READONLY',
  'SQLITE_PROTOCOL',
];

const mark = Symbol('unchanged');

/** An error thrown before any change: the operation fails alone, the rest of its transaction continues. */
export function unchanged(code: string, message: string): Error {
  return Object.assign(new Error(message), { code, [mark]: true });
}

export function isUnchanged(error: unknown): boolean {
  return typeof error === 'object' && error !== null && mark in error;
}

/** A thrown value in a form that can be sent to another thread. */
export function failureOf(error: unknown): Failure {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const sentence = Object.entries(sentences).find(([known]) => code.startsWith(known))?.[1];
  return {
    code,
    message: sentence === undefined || isUnchanged(error) ? message : `${sentence} (${code}: ${message})`,
  };
}

/** Whether every operation of the transaction fails for this reason, so that running them one by one cannot help. */
export function concernsAll(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_BUSY') || isFatal(failureOf(error));
}

export function isFatal({ code }: Failure): boolean {
  return fatal.some((known) => code.startsWith(known));
}

/** Whether it means that what the file holds is damaged. */
export function isDamage({ code }: Failure): boolean {
  return code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB');
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'FAILED';
}
