/** Reads a snapshot page by page, over a connection and in a transaction of its own. */
import type { Attempt, Page, StoredEvent, StoredKey, StoredText } from '@switchhook/sdk';
import { deliveriesPerEvent, deliveryRecord, eventRecord } from './records.js';
import { connect, type Database } from './sql-connection.js';
import { applicationId, migrations } from './sql-schema.js';
import { beginSnapshot, type ContentRow, snapshotStatements } from './sql-snapshot.js';

/** How long to wait for a lock of the router: while it opens the file. */
const lockWaitMs = 5_000;
/** Of bodies or texts in one page, beside its last. */
const pageBytes = 4 * 1_048_576;

export class SnapshotReads {
  readonly #db: Database;
  readonly #sql: ReturnType<typeof snapshotStatements>;
  readonly #nowMs: number;
  readonly content: ContentRow;

  /** `nowMs`: texts that have ended by then are left out. */
  constructor(path: string, nowMs: number) {
    this.#db = connect(path, lockWaitMs);
    this.#nowMs = nowMs;
    try {
      checkVersion(this.#db);
      this.#db.exec(beginSnapshot);
      this.#sql = snapshotStatements(this.#db);
      const content = this.#sql.content.get(nowMs);
      if (content === undefined) throw new Error('the file returned no counts');
      this.content = content;
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  events(after: string | null, limit: number): Page<StoredEvent> {
    const rows = upTo(this.#sql.events.iterate(Number(after ?? 0), limit), ({ body }) => body.byteLength);
    const [first, last] = [rows.at(0)?.seq, rows.at(-1)?.seq];
    if (first === undefined || last === undefined) return { items: [], cursor: null };
    const attempts = grouped(this.#sql.attempts.iterate(first, last), ({ delivery }) => delivery);
    const deliveries = grouped(this.#sql.deliveries.iterate(first, last), ({ id }) =>
      Math.floor(id / deliveriesPerEvent),
    );
    const items = rows.map((row) => ({
      event: eventRecord(row),
      deliveries: (deliveries.get(row.seq) ?? []).map((delivery) => ({
        record: deliveryRecord(delivery),
        attempts: (attempts.get(delivery.id) ?? []).map(attemptOf),
      })),
    }));
    return { items, cursor: String(last) };
  }

  texts(after: string | null, limit: number): Page<StoredText> {
    const rows = this.#sql.texts.iterate(after, after, this.#nowMs, limit);
    const items = upTo(rows, ({ value }) => value.length).map((row) => ({ ...row }));
    return { items, cursor: items.at(-1)?.key ?? null };
  }

  /** Of erased events. */
  keys(after: string | null, limit: number): Page<StoredKey> {
    const items = this.#sql.keys.all(after, after, limit).map((row) => ({ ...row }));
    return { items, cursor: items.at(-1)?.digest ?? null };
  }

  close(): void {
    this.#db.close();
  }
}

/** Rows until they have many bytes. */
function upTo<T>(rows: Iterable<T>, bytesOf: (row: T) => number): readonly T[] {
  const taken: T[] = [];
  let bytes = 0;
  for (const row of rows) {
    taken.push(row);
    bytes += bytesOf(row);
    if (bytes >= pageBytes) break;
  }
  return taken;
}

function grouped<T>(rows: Iterable<T>, keyOf: (row: T) => number): ReadonlyMap<number, readonly T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}

function attemptOf({ delivery: _, ...attempt }: Attempt & { readonly delivery: number }): Attempt {
  return attempt;
}

/** Reading a file does not migrate it. */
function checkVersion(db: Database): void {
  const refused = (code: string, message: string): Error => Object.assign(new Error(message), { code });
  if (db.pragma('application_id') !== applicationId)
    throw refused('SQLITE_NOTADB', 'the file is a SQLite database, but not of Switchhook');
  const version = Number(db.pragma('user_version'));
  if (version > migrations.length)
    throw refused(
      'STORE_TOO_NEW',
      `the file has version ${version}; this router supports versions up to ${migrations.length}`,
    );
  if (version < migrations.length)
    throw refused(
      'STORE_TOO_OLD',
      `the file has version ${version}, this router writes version ${migrations.length}: read it with the router that wrote it, or start this router with it once`,
    );
}
