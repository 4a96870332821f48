/** Connections to SQLite: `node:sqlite` where Node has it (22.13 and newer), otherwise better-sqlite3. Only this file depends on which one runs. */

import { createRequire, isBuiltin } from 'node:module';

const builtIn = 'node:sqlite';

/** A prepared statement: `P` are its parameters, `R` its rows. */
export interface Prepared<P extends unknown[], R> {
  run(...parameters: P): { readonly changes: number };
  get(...parameters: P): R | undefined;
  all(...parameters: P): R[];
  iterate(...parameters: P): Iterable<R>;
}

/** An open database file. What it throws has a `code` such as `SQLITE_FULL`. */
export interface Database {
  prepare<P extends unknown[], R>(text: string): Prepared<P, R>;
  exec(text: string): void;
  /** The first column of the first row of a pragma. */
  pragma(text: string): unknown;
  /** Runs it in one transaction that takes the write lock at once. */
  transact(run: () => void): void;
  /** Ends a transaction without its changes; does nothing where SQLite has done so itself, as on a full disk. */
  rollback(): void;
  close(): void;
}

/** What both libraries have in common; `better-sqlite3` has more. */
interface Connection {
  prepare(text: string): Prepared<unknown[], unknown>;
  exec(text: string): unknown;
  close(): void;
}

interface Library {
  connect(path: string): Connection;
  codeOf(error: unknown): string | null;
}

/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html: `node:sqlite` gives the number only. */
const codes: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  15: 'SQLITE_PROTOCOL',
  19: 'SQLITE_CONSTRAINT',
  26: 'SQLITE_NOTADB',
};

const require = createRequire(import.meta.url);
let loaded: Library | null = null;

/** Throws `SQLITE_MISSING` where this Node has no SQLite and none is installed. */
export function checkSqlite(): void {
  // Node 22 warns on the standard error of a thread that loads its own.
  if (!isBuiltin(builtIn)) library();
}

/** Notes in a file which steps of its migration it has. */
export const setVersion = (version: number): string => `pragma user_version = ${version}`;

/** Opens a file, which is created where it does not exist. Waits up to `lockWaitMs` for locks of other processes. */
export function connect(path: string, lockWaitMs = 0): Database {
  const connection = coded(() => library().connect(path));
  coded(() => connection.exec(`pragma busy_timeout = ${lockWaitMs}`));
  const prepare = <P extends unknown[], R>(text: string): Prepared<P, R> => {
    // The types of parameters and rows are those that the statement's author declares.
    const statement = coded(() => connection.prepare(text)) as Prepared<P, R>;
    return {
      run: (...parameters) => coded(() => statement.run(...parameters)),
      get: (...parameters) => coded(() => statement.get(...parameters)),
      all: (...parameters) => coded(() => statement.all(...parameters)),
      *iterate(...parameters) {
        try {
          yield* statement.iterate(...parameters);
        } catch (error) {
          throw codedError(error);
        }
      },
    };
  };
  const exec = (text: string): void => void coded(() => connection.exec(text));
  const rollback = (): void => {
    try {
      connection.exec('rollback');
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('no transaction is active'))) throw error;
    }
  };
  return {
    prepare,
    exec,
    pragma: (text) => {
      const row = prepare<[], Readonly<Record<string, unknown>>>(`pragma ${text}`).get();
      return row === undefined ? undefined : Object.values(row)[0];
    },
    transact: (run) => {
      exec('begin immediate');
      try {
        run();
        exec('commit');
      } catch (error) {
        rollback();
        throw error;
      }
    },
    rollback,
    close: () => connection.close(),
  };
}

/** Runs it; what it throws gets the name of SQLite's result code. */
function coded<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw codedError(error);
  }
}

function codedError(error: unknown): unknown {
  const code = library().codeOf(error);
  // Only an error has such a code.
  return code === null ? error : Object.assign(error as Error, { code });
}

function library(): Library {
  loaded ??= isBuiltin(builtIn) ? builtInLibrary() : installedLibrary();
  return loaded;
}

/** https://nodejs.org/api/sqlite.html */
function builtInLibrary(): Library {
  const { DatabaseSync } = require(builtIn) as { readonly DatabaseSync: new (path: string) => Connection };
  const connect = (path: string): Connection => {
    const connection = new DatabaseSync(path);
    return {
      prepare: (text) => takingSome(connection.prepare(text), text),
      exec: (text) => connection.exec(text),
      close: () => connection.close(),
    };
  };
  return { connect, codeOf: builtInCode };
}

function installedLibrary(): Library {
  try {
    const BetterSqlite3 = require('better-sqlite3') as new (path: string) => Connection;
    return { connect: (path) => new BetterSqlite3(path), codeOf: () => null };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error;
    const message = `Node ${process.versions.node} has no built-in SQLite. Run \`npm install better-sqlite3@12.11.1\`, or use Node 22.13 or newer.`;
    throw Object.assign(new Error(message), { code: 'SQLITE_MISSING' });
  }
}

/** `node:sqlite` refuses an object with more names than the statement has parameters; one filter serves several statements. */
function takingSome(statement: Prepared<unknown[], unknown>, text: string): Prepared<unknown[], unknown> {
  const names = [...new Set([...text.matchAll(/:([a-z]\w*)/gi)].map(([, name = '']) => name))];
  if (names.length === 0) return statement;
  const some = (parameters: readonly unknown[]): unknown[] =>
    // A statement with named parameters is given one object.
    parameters.map((given) =>
      Object.fromEntries(names.map((name) => [name, (given as Record<string, unknown>)[name]])),
    );
  return {
    run: (...parameters) => statement.run(...some(parameters)),
    get: (...parameters) => statement.get(...some(parameters)),
    all: (...parameters) => statement.all(...some(parameters)),
    iterate: (...parameters) => statement.iterate(...some(parameters)),
  };
}

function builtInCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return null;
  return codes[Number(error.errcode) & 0xff] ?? 'SQLITE_ERROR';
}
