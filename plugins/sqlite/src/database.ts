/** Opens the database file: takes its lock, checks that it belongs to Switchhook, and migrates it to the current schema. */

import { chmodSync, closeSync, existsSync, openSync, realpathSync, statSync } from 'node:fs';
import { failureOf } from './failure.js';
import type { Settings } from './protocol.js';
import { connect, type Database, setVersion } from './sql-connection.js';
import {
  applicationId,
  initialize,
  lock,
  migrations,
  pageBytes,
  saveInto,
  settings as settingsSql,
} from './sql-schema.js';

/** How long to wait for a lock of another process: a backup holds one briefly; ingest must not stop for longer. */
const lockWaitMs = 250;

export interface OpenDatabase {
  readonly db: Database;
  /** Device and number of the file. */
  readonly identity: string;
  /** Whether another file, or none, is where the file or its write-ahead log was: what is written now is lost at a restart. */
  isGone(): boolean;
  /** Writes everything the open file has to a new file, which only its owner can read. Returns its path. */
  save(): string;
  close(): void;
}

export function openDatabase({ path, synchronous, maxBytes, identity }: Settings): OpenDatabase {
  if (identity !== null && identityOf(path) !== identity)
    throw coded('STORE_FILE_GONE', 'the file was deleted or replaced while the router was running');
  createForOwner(path);
  // Of the file itself: routers that reach it by different links must find each other.
  const realPath = realpathSync(path);
  const held = takeLock(realPath);
  try {
    const db = connect(path, lockWaitMs);
    try {
      initializeOrCheck(db);
      db.pragma('journal_mode = wal');
      db.exec(settingsSql(synchronous));
      if (maxBytes !== null) db.pragma(`max_page_count = ${Math.floor(maxBytes / pageBytes)}`);
      migrate(db, migrations);
    } catch (error) {
      db.close();
      throw error;
    }
    const own = identityOf(path) ?? '';
    let wal: string | null = null;
    return {
      db,
      identity: own,
      isGone: () => {
        const current = identityOf(`${realPath}-wal`);
        wal ??= current;
        return identityOf(path) !== own || current !== wal;
      },
      save: () => {
        let number = 1;
        while (existsSync(`${realPath}.saved-${number}`)) number += 1;
        const copy = `${realPath}.saved-${number}`;
        createForOwner(copy);
        db.exec(saveInto(copy));
        return copy;
      },
      close: () => {
        db.close();
        held.close();
      },
    };
  } catch (error) {
    held.close();
    throw error;
  }
}

/** Null where there is no file. */
function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** Migrates a file to the newest version, one transaction per step. */
export function migrate(db: Database, steps: readonly string[]): void {
  const version = Number(db.pragma('user_version'));
  if (version > steps.length)
    throw coded(
      'STORE_TOO_NEW',
      `the file has version ${version}; this router supports versions up to ${steps.length}`,
    );
  for (const [index, step] of [...steps.entries()].slice(version))
    db.transact(() => {
      db.exec(step);
      db.exec(setVersion(index + 1));
    });
}

function takeLock(path: string): Database {
  const file = `${path}-lock`;
  createForOwner(file);
  // Another user who can open it could take it.
  chmodSync(file, 0o600);
  const held = connect(file, lockWaitMs);
  try {
    held.exec(lock);
    return held;
  } catch (error) {
    held.close();
    const busy = failureOf(error).code.startsWith('SQLITE_BUSY');
    throw busy ? coded('STORE_IN_USE', 'another router is using the file') : error;
  }
}

/** Only its owner can read a new file, since it holds transcripts. SQLite gives the -wal file the same mode. */
function createForOwner(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
}

function initializeOrCheck(db: Database): void {
  if (db.pragma('page_count') === 0) db.exec(initialize);
  else if (db.pragma('application_id') !== applicationId)
    throw coded('SQLITE_NOTADB', 'the file is a SQLite database, but not of Switchhook');
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
