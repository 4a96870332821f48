/** What routers that share a schema exchange, over connections of its own: commits never keep it waiting. */
import type { Clock, Coordination, Log, RouterBeat, SeenBeat, SharedText, TokenRequest } from '@switchhook/sdk';
import { Database, type DatabaseSettings } from './database.js';
import { storable } from './rows.js';
import { routerStatements } from './sql-routers.js';
import type { Statement } from './sql-schema.js';

interface RoutersServices {
  readonly clock: Clock;
  readonly log: Log;
}

/** Heartbeats keep one of them warm, so that a call need not wait for a new one; most statements take a millisecond. */
const connections = 4;
/** Routers go on without the database at once; a connection that hangs this long is replaced. */
const replyTimeoutMs = 2_000;

export interface RoutersSettings extends DatabaseSettings {
  readonly schema: string;
  /** `leaseMs` of `Coordination`. */
  readonly lease: number;
}

export class Routers implements Coordination {
  readonly leaseMs: number;
  readonly #settings: DatabaseSettings;
  readonly #services: RoutersServices;
  readonly #sql: ReturnType<typeof routerStatements>;
  #database: Database | null = null;
  /** Which leases are those of this router. */
  #number = 0;
  #listens = (): boolean => false;

  constructor(settings: RoutersSettings, services: RoutersServices) {
    this.leaseMs = settings.lease;
    this.#settings = settings;
    this.#services = services;
    this.#sql = routerStatements(settings.schema);
  }

  /** The tables are installed. `number`: of the claims of this router. `listens`: whether it holds the lock that others look at. */
  open(number: number, listens: () => boolean): void {
    this.#number = number;
    this.#listens = listens;
    this.#database = new Database({ ...this.#settings, connections, replyTimeoutMs }, this.#services);
  }

  async close(): Promise<void> {
    const database = this.#database;
    this.#database = null;
    await database?.close();
  }

  beat({ id, beat, report }: RouterBeat): Promise<readonly SeenBeat[]> {
    return this.#run<SeenBeat>(this.#sql.beat, [id, beat, report, this.#number, this.#listens()]);
  }

  async remove(gone: readonly Pick<RouterBeat, 'id' | 'beat'>[]): Promise<void> {
    const values = [gone.map(({ id }) => id), gone.map(({ beat }) => beat)];
    await this.#run(this.#sql.removeRouters, values);
  }

  async take({ key, tokens, tokenMs, capacity }: TokenRequest): Promise<number> {
    const values = [storable(key), tokens * tokenMs, capacity * tokenMs];
    const [row] = await this.#run<{ wait: number }>(this.#sql.take, values);
    return row?.wait ?? 0;
  }

  async texts(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#run<{ key: string; text: string }>(this.#sql.texts, [keys]);
    return new Map(rows.map(({ key, text }) => [key, text]));
  }

  async keepTexts(texts: readonly SharedText[]): Promise<void> {
    // In one order, so that two routers never wait for each other.
    const rows = [...new Map(texts.map((text) => [text.key, text])).values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    const nowMs = this.#services.clock.now();
    const times = rows.map(({ untilMs }) => untilMs - nowMs);
    await this.#run(this.#sql.keepTexts, [rows.map(({ key }) => key), rows.map(({ text }) => text), times]);
  }

  async textKeys(after: string | null, limit: number): Promise<readonly string[]> {
    const rows = await this.#run<{ key: string }>(this.#sql.textKeys, [after ?? '', limit]);
    return rows.map(({ key }) => key);
  }

  async dropTexts(keys: readonly string[]): Promise<void> {
    await this.#run(this.#sql.dropTexts, [keys]);
  }

  /** No other router is there: those that are noted have ended. */
  async clear(): Promise<void> {
    await this.#run(this.#sql.clearRouters);
  }

  async #run<R>(statement: Statement, values: readonly unknown[] = []): Promise<readonly R[]> {
    if (this.#database === null) throw Object.assign(new Error('the store is not open'), { code: 'STORE_CLOSED' });
    return this.#database.run<R>(statement, values);
  }
}
