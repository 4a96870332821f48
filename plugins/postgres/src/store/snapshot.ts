/** A snapshot of the schema: every page sees what was committed when it was taken, and delays nothing that is committed meanwhile. */
import type {
  Clock,
  Log,
  Page,
  Snapshot,
  SnapshotCounts,
  StoredDelivery,
  StoredEvent,
  StoredKey,
  StoredText,
} from '@switchhook/sdk';
import { type Connection, Database, type DatabaseSettings } from './database.js';
import { type AttemptRow, attemptOf, type DeliveryRow, deliveryRecord, type EventRow, eventRecord } from './rows.js';
import { versionOf } from './schema.js';
import { migrations, perDay, type schemaStatements } from './sql-schema.js';
import { type ContentRow, snapshotStatements } from './sql-snapshot.js';

const dayMs = 86_400_000;
/** Of bodies in one page, beside its last. */
const pageBytes = 4 * 1_048_576;
/** Counting reads whole tables. */
const replyTimeoutMs = 3_600_000;

/** A delivery or an attempt, by its place. */
type Placed<T> = T & { readonly seq: number; readonly idx: number };
/** A delivery without what it takes from its event and its attempts. */
type DeliveryColumns = Omit<DeliveryRow, 'id' | 'type' | 'subject' | 'failure'>;

interface TextRow {
  readonly key: string;
  readonly value: string;
  readonly expires_at: number | null;
}

interface KeyRow {
  readonly digest: string;
  readonly id: string;
  readonly seq: number;
  readonly erased_until: number | null;
  readonly removed: boolean;
}

/** What a page is read with. */
interface Held {
  readonly database: Database;
  readonly sql: ReturnType<typeof snapshotStatements>;
  /** Of the snapshot, as other transactions share it. */
  readonly id: string;
  readonly nowMs: number;
  /** Ends the transaction that holds it, and closes the database. */
  readonly end: () => Promise<void>;
}

/** Takes a snapshot over two connections of its own: one holds it, the other one reads. */
export async function snapshotOf(
  settings: DatabaseSettings & { readonly schema: string },
  schemaSql: ReturnType<typeof schemaStatements>,
  services: { readonly clock: Clock; readonly log: Log },
): Promise<Snapshot> {
  const { schema } = settings;
  const database = new Database({ ...settings, connections: 2, replyTimeoutMs, onlyReads: true }, services);
  try {
    await checkVersion(database, schemaSql, schema);
    return await held(database, schema, Math.floor(services.clock.now()));
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Resolves when it is taken; its transaction goes on until it is ended. */
function held(database: Database, schema: string, nowMs: number): Promise<Snapshot> {
  const sql = snapshotStatements(schema);
  return new Promise((resolve, reject) => {
    const holding = database.use(async (connection) => {
      await connection.run(sql.begin);
      const [exported] = await connection.run<{ id: string }>(sql.export);
      await connection.run(sql.wholeTables);
      const [content] = await connection.run<ContentRow>(sql.content, [nowMs]);
      if (exported === undefined || content === undefined) throw new Error('the database returned no snapshot');
      await new Promise<void>((release) => {
        const end = async (): Promise<void> => {
          release();
          // A connection that broke has ended it, too.
          await holding.catch(() => null);
          await database.close();
        };
        resolve(new SchemaSnapshot({ database, sql, id: exported.id, nowMs, end }, content));
      });
      await connection.run(sql.end);
    });
    holding.catch(reject);
  });
}

class SchemaSnapshot implements Snapshot {
  readonly #held: Held;
  readonly counts: SnapshotCounts;
  readonly oldestMs: number | null;
  readonly newestMs: number | null;

  constructor(held: Held, { oldest, newest, keys, ...counts }: ContentRow) {
    this.#held = held;
    this.counts = { ...counts, keys: keys - counts.events };
    this.oldestMs = oldest;
    this.newestMs = newest;
  }

  events(after: string | null, limit: number): Promise<Page<StoredEvent>> {
    const { sql } = this.#held;
    return this.#read(async (connection) => {
      const rows = await connection.run<EventRow>(sql.events, [Number(after ?? -1), limit, pageBytes]);
      const [first, last] = [rows.at(0)?.seq, rows.at(-1)?.seq];
      if (first === undefined || last === undefined) return { items: [], cursor: null };
      const open = await connection.run<DeliveryColumns>(sql.open, [first, last]);
      const settled = await connection.run<DeliveryColumns>(sql.settled, [first, last]);
      const attempts = grouped(await connection.run<Placed<AttemptRow>>(sql.attempts, [first, last]), placeOf);
      const deliveries = grouped([...open, ...settled], ({ seq }) => String(seq));
      const items = rows.map((row) => ({
        event: eventRecord(row),
        deliveries: (deliveries.get(String(row.seq)) ?? [])
          .toSorted((a, b) => a.idx - b.idx)
          .map((delivery) => storedDelivery(row, delivery, attempts.get(placeOf(delivery)) ?? [])),
      }));
      return { items, cursor: String(last) };
    });
  }

  texts(after: string | null, limit: number): Promise<Page<StoredText>> {
    const { sql, nowMs } = this.#held;
    return this.#read(async (connection) => {
      const rows = await connection.run<TextRow>(sql.texts, [after, nowMs, limit]);
      const items = rows.map(({ key, value, expires_at: expiresAtMs }) => ({ key, value, expiresAtMs }));
      return { items, cursor: items.at(-1)?.key ?? null };
    });
  }

  keys(after: string | null, limit: number): Promise<Page<StoredKey>> {
    const { sql } = this.#held;
    return this.#read(async (connection) => {
      const rows = await connection.run<KeyRow>(sql.keys, [Number(after ?? -1), limit]);
      const items = rows
        .filter(({ removed }) => removed)
        .map(({ digest, id, seq, erased_until: untilMs }) => ({
          digest: digest.replaceAll('-', ''),
          eventId: id,
          dayMs: Math.floor(seq / perDay) * dayMs,
          untilMs,
        }));
      const last = rows.at(-1)?.seq;
      return { items, cursor: last === undefined ? null : String(last) };
    });
  }

  close(): Promise<void> {
    return this.#held.end();
  }

  /** A transaction for each page: it holds the locks of tables for milliseconds, so that a day can begin between two pages. */
  #read<T>(read: (connection: Connection) => Promise<T>): Promise<T> {
    const { database, sql, id } = this.#held;
    return database.use(async (connection) => {
      await connection.run(sql.share(id));
      const page = await read(connection);
      await connection.run(sql.end);
      return page;
    });
  }
}

function storedDelivery(event: EventRow, delivery: DeliveryColumns, attempts: readonly AttemptRow[]): StoredDelivery {
  const { id, type, subject } = event;
  const failure = attempts.at(-1)?.reason ?? null;
  return { record: deliveryRecord({ ...delivery, id, type, subject, failure }), attempts: attempts.map(attemptOf) };
}

function placeOf({ seq, idx }: Placed<unknown>): string {
  return `${seq}.${idx}`;
}

function grouped<T>(rows: readonly T[], keyOf: (row: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}

/** Reading a schema does not install or migrate it. */
async function checkVersion(database: Database, sql: ReturnType<typeof schemaStatements>, schema: string) {
  const version = await versionOf(database, sql, schema);
  if (version === migrations.length) return;
  const message =
    version === 0
      ? `the schema ${schema} has no tables of a router`
      : `the schema ${schema} has version ${version}, this router writes version ${migrations.length}: read it with the router that wrote it, or start this router with it once`;
  throw Object.assign(new Error(message), { code: 'STORE_TOO_OLD' });
}
