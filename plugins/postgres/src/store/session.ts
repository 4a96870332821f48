/** What routers that share a schema know of each other: whether others have the store open, and that something has become due. */
import type { Clock, Log } from '@switchhook/sdk';
import pg from 'pg';
import { failureOf } from '../failure.js';
import type { Database } from './database.js';
import { readingShare } from './due-window.js';
import { noticeLostClient, type Statement } from './sql-schema.js';
import { sessionStatements } from './sql-session.js';

interface SessionSettings {
  readonly url: string;
  readonly schema: string;
  readonly listen: boolean;
  readonly lease: number;
}

interface SessionServices {
  readonly clock: Clock;
  readonly log: Log;
}

const connectTimeoutMs = 5_000;
/** A connection that has not answered after this time hangs. */
const replyTimeoutMs = 30_000;
const keepAliveMs = 10_000;
/** Each notification waits for a lock of the whole server: one for all that was committed in this time. */
const betweenNotificationsMs = 50;
/** How often due deliveries are looked for: notifications only shorten it. */
const pollMs = { withNotifications: 1_000, without: 250 };
const selfTestMs = 2_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

/** Something of the destination is due, the earliest of it since `dueMs`. */
type Wake = (destination: string, dueMs: number) => void;

export class Session {
  readonly #settings: SessionSettings;
  readonly #database: Database;
  readonly #services: SessionServices;
  readonly #sql: ReturnType<typeof sessionStatements>;
  readonly #wakes = new Set<Wake>();
  #client: pg.Client | null = null;
  #processId = 0;
  #listens = false;
  #isClosed = false;
  #failures = 0;
  #notifies = false;
  #polling = false;
  #isNotified = false;
  #cancelPoll = (): void => {};
  #cancelReconnect = (): void => {};
  #onSelfTest = (): void => {};

  constructor(settings: SessionSettings, database: Database, services: SessionServices) {
    this.#settings = settings;
    this.#database = database;
    this.#services = services;
    this.#sql = sessionStatements(settings.schema);
  }

  /** Calls `whenAlone` where no other router has the store open. Without notifications that cannot be known. */
  async open(whenAlone: () => Promise<void>): Promise<void> {
    if (!this.#settings.listen) return;
    const client = await this.#connect();
    this.#listens = await this.#selfTest();
    if (!this.#listens) {
      const fix = 'set listen to false, or connect to the server without a pooler in transaction mode';
      this.#services.log.warn('store.notifications-lost', { fix });
      await this.#disconnect();
      return;
    }
    const { schema, lease } = this.#settings;
    const { rows } = await send(client, this.#sql.lockAlone, [schema]);
    const isLocked = rows[0]?.is_locked === true;
    // One that does not listen holds no lock. Where it has ended, its leases end by their time.
    const { rows: others } = isLocked ? await send(client, this.#sql.beating, [lease]) : { rows: [] };
    if (isLocked && others.length === 0) await whenAlone();
    await send(client, this.#sql.lockShared, [schema]);
    if (isLocked) await send(client, this.#sql.unlockAlone, [schema]);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelPoll();
    this.#cancelReconnect();
    // Released before the connection ends: the next start may come before the server has noticed.
    const { schema } = this.#settings;
    if (this.#client !== null && this.#listens)
      await send(this.#client, this.#sql.unlockShared, [schema]).catch((error: unknown) => this.#note(error));
    await this.#disconnect();
  }

  /** The process of the server that holds the lock of this store; 0 = none does. */
  get processId(): number {
    return this.#client === null ? 0 : this.#processId;
  }

  /** Whether others notice that this store is open, and this one what they leave. */
  get listens(): boolean {
    return this.#listens;
  }

  /** Calls `wake` for each destination with something due, until the returned function is called. */
  onDue(wake: Wake): () => void {
    this.#wakes.add(wake);
    if (this.#wakes.size === 1) this.#pollLater();
    return () => void this.#wakes.delete(wake);
  }

  /** Notifies other routers, a little later, that something waits that any of them may claim. */
  announce(): void {
    if (!this.#listens || this.#notifies || this.#isClosed) return;
    this.#notifies = true;
    this.#services.clock.after(betweenNotificationsMs, () => {
      this.#notifies = false;
      // Never in a transaction of writes: all that notify wait for each other until their commit.
      if (this.#client !== null)
        send(this.#client, this.#sql.notify, [this.#settings.schema]).catch((error: unknown) => this.#note(error));
    });
  }

  /** `isShared`: with the lock by which others notice that this store is open. */
  async #connect(isShared = false): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#settings.url,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: replyTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveMs,
      fallback_application_name: 'switchhook listener',
    });
    client.on('error', (error) => this.#note(error));
    client.on('end', () => this.#onEnd(client));
    client.on('notification', ({ processId, payload }) => this.#onNotification(processId, payload));
    try {
      await client.connect();
      await client.query(noticeLostClient);
      const { rows } = await send(client, this.#sql.processId);
      this.#processId = Number(rows[0]?.id);
      await send(client, this.#sql.listen);
      if (isShared) await send(client, this.#sql.lockShared, [this.#settings.schema]);
    } catch (error) {
      // The server may accept connections and refuse to listen, as a standby does: then each try would leave one.
      client.end().catch((failure: unknown) => this.#note(failure));
      throw error;
    }
    this.#client = client;
    this.#failures = 0;
    return client;
  }

  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  /** Whether a notification of another connection arrives. */
  async #selfTest(): Promise<boolean> {
    const arrived = new Promise<boolean>((resolve) => {
      const cancel = this.#services.clock.after(selfTestMs, () => resolve(false));
      this.#onSelfTest = () => {
        cancel();
        resolve(true);
      };
    });
    await this.#database.run(this.#sql.notify, [this.#testPayload]);
    return arrived;
  }

  get #testPayload(): string {
    return `test of ${this.#processId}`;
  }

  #onNotification(processId: number, payload: string | undefined): void {
    if (payload === this.#testPayload) this.#onSelfTest();
    if (payload !== this.#settings.schema || processId === this.#processId) return;
    // A look that is under way may have missed what it is about.
    this.#isNotified = this.#polling;
    void this.#poll();
  }

  #onEnd(client: pg.Client): void {
    if (this.#client !== client || this.#isClosed) return;
    this.#client = null;
    this.#reconnectLater();
  }

  #reconnectLater(): void {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    this.#cancelReconnect = this.#services.clock.after(pauseMs, () => void this.#reconnect());
  }

  async #reconnect(): Promise<void> {
    try {
      await this.#connect(true);
      if (this.#isClosed) await this.#disconnect();
    } catch (error) {
      this.#note(error);
      if (!this.#isClosed) this.#reconnectLater();
    }
  }

  /** After a poll that took so long. */
  #pollLater(tookMs = 0): void {
    if (this.#isClosed || this.#wakes.size === 0) return;
    const ms = this.#client === null ? pollMs.without : pollMs.withNotifications;
    this.#cancelPoll();
    this.#cancelPoll = this.#services.clock.after(Math.max(ms, tookMs / readingShare), () => void this.#poll());
  }

  async #poll(): Promise<void> {
    if (this.#polling || this.#wakes.size === 0) return;
    this.#polling = true;
    const startedMs = this.#services.clock.elapsed();
    try {
      const due = await this.#database.run<{ destination: string; due_at: number }>(this.#sql.due, [
        this.#services.clock.now(),
      ]);
      for (const { destination, due_at } of due) for (const wake of this.#wakes) wake(destination, due_at);
    } catch (error) {
      this.#note(error);
    }
    this.#polling = false;
    const isNotified = this.#isNotified;
    this.#isNotified = false;
    if (isNotified && !this.#isClosed) return this.#poll();
    this.#pollLater(this.#services.clock.elapsed() - startedMs);
  }

  #note(error: unknown): void {
    this.#services.log.debug('store.disconnected', { reason: failureOf(error).message });
  }
}

function send(client: pg.Client, { text }: Statement, values: readonly unknown[] = []) {
  return client.query<Readonly<Record<string, unknown>>>(text, [...values]);
}
