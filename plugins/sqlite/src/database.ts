/** Opens the file: nobody else's router may hold it, it must be ours, and it is brought to today's schema. */

import { closeSync, existsSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { Settings } from './protocol.js';
import { applicationId, begin, lock, migrations, pageBytes, settings as settingsSql } from './sql-schema.js';

/** How long a lock of somebody else is waited for: a backup's is short; a router's intake must not stand still for longer. */
const lockWaitMs = 250;

export interface OpenFile {
  readonly db: Database.Database;
  close(): void;
}

export function openFile({ path, synchronous, maxBytes }: Settings): OpenFile {
  const held = holdLock(path);
  try {
    ownersOnly(path);
    const db = new Database(path, { timeout: lockWaitMs });
    try {
      beginOrRecognise(db);
      db.pragma('journal_mode = wal');
      db.exec(settingsSql(synchronous));
      if (maxBytes !== null) db.pragma(`max_page_count = ${Math.floor(maxBytes / pageBytes)}`);
      migrate(db, migrations);
    } catch (error) {
      db.close();
      throw error;
    }
    return {
      db,
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

/** Brings a file to the newest version, one transaction per step. */
export function migrate(db: Database.Database, steps: readonly string[]): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > steps.length)
    throw coded('STORE_TOO_NEW', `the file has version ${version}, this router knows versions up to ${steps.length}`);
  for (const [index, step] of [...steps.entries()].slice(version))
    db.transaction(() => {
      db.exec(step);
      db.pragma(`user_version = ${index + 1}`);
    }).immediate();
}

function holdLock(path: string): Database.Database {
  const held = new Database(`${path}-lock`, { timeout: lockWaitMs });
  try {
    held.exec(lock);
    return held;
  } catch (error) {
    held.close();
    const busy = error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
    throw busy ? coded('STORE_IN_USE', 'another router is using the file') : error;
  }
}

/** A new file is its owner's alone: transcripts are nobody else's business. SQLite gives its -wal the same mode. */
function ownersOnly(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
}

function beginOrRecognise(db: Database.Database): void {
  if (db.pragma('page_count', { simple: true }) === 0) db.exec(begin);
  else if (db.pragma('application_id', { simple: true }) !== applicationId)
    throw coded('SQLITE_NOTADB', 'it is a SQLite database, but not of Switchhook');
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
