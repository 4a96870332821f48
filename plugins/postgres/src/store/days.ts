/** The partitions: events, settled deliveries and attempts of a day are in tables of their own, and removed together. */
import type { Clock, Log } from '@switchhook/sdk';
import { failureOf } from '../failure.js';
import type { Connection, Database } from './database.js';
import { partitionedTables, perDay, type schemaStatements } from './sql-schema.js';
import { noSnapshot } from './sql-snapshot.js';

const dayMs = 86_400_000;
/** Between two tries to make the partitions of a day. */
const pauseMs = 60_000;
/** Could not be locked in time: other transactions go first. */
const lockedByOthers = '55P03';
/** There is no partition for a row. */
const unheld = '23514';

/** A day that has a partition. */
interface Day {
  readonly suffix: string;
  /** Numbers of its events. */
  readonly from: number;
  readonly until: number;
}

interface DaysServices {
  readonly clock: Clock;
  readonly log: Log;
}

export class Days {
  readonly #database: Database;
  readonly #sql: ReturnType<typeof schemaStatements>;
  readonly #schema: string;
  readonly #services: DaysServices;
  #current = 0;
  #nextTryMs = 0;

  constructor(database: Database, sql: ReturnType<typeof schemaStatements>, schema: string, services: DaysServices) {
    this.#database = database;
    this.#sql = sql;
    this.#schema = schema;
    this.#services = services;
  }

  /** Makes the partitions of today and tomorrow; from now on new events are numbered as today's. */
  async begin(): Promise<void> {
    const today = Math.floor(this.#services.clock.now() / dayMs);
    await this.#database.transaction(async (connection) => {
      await connection.run(this.#sql.lockSchema, [this.#schema]);
      // Numbers only grow: another router's clock, or this one's before it was set back, may have been ahead.
      const [last] = await connection.run<{ seq: number }>(this.#sql.lastNumber);
      const day = Math.max(today, Math.floor((last?.seq ?? 0) / perDay));
      await this.#make(connection, [day, day + 1]);
      this.#current = day;
    });
    await this.#database.transaction(async (connection) => {
      await connection.run(this.#sql.lockSchema, [this.#schema]);
      await connection.run(this.#sql.moveNumbers, [this.#current * perDay]);
    });
  }

  /** The day that new events are numbered as. */
  get today(): number {
    return this.#current;
  }

  /** The day of an event that was received at a time: never after today. */
  numberOf(receivedAtMs: number): number {
    return Math.min(this.#current, Math.max(0, Math.floor(receivedAtMs / dayMs)));
  }

  /** Makes the partitions of days in the past. */
  make(days: readonly number[]): Promise<void> {
    return this.#database.transaction(async (connection) => {
      await connection.run(this.#sql.lockSchema, [this.#schema]);
      await this.#make(connection, days);
    });
  }

  /** Begins a new day where one has begun. Events are kept all the same where that fails: in the partition of the day before. */
  async follow(): Promise<void> {
    const { clock, log } = this.#services;
    if (clock.now() < (this.#current + 1) * dayMs || clock.elapsed() < this.#nextTryMs) return;
    this.#nextTryMs = clock.elapsed() + pauseMs;
    try {
      await this.begin();
      this.#nextTryMs = 0;
    } catch (error) {
      log.warn('store.day-failed', { error });
    }
  }

  /**
   * Writes new events; where there is no partition for their numbers, begins the day anew and writes them then: a server that has taken over
   * from another one may lack the last commits of that.
   */
  async holding<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (failureOf(error).code !== unheld) throw error;
      await this.begin();
      return write();
    }
  }

  /** The days that ended before this time, oldest first. */
  async endedBefore(beforeMs: number): Promise<readonly Day[]> {
    return (await this.#existing(this.#database)).filter(({ until }) => until <= Math.floor(beforeMs / dayMs) * perDay);
  }

  /** The number of the first event that can still be kept, also on days whose events were removed one by one. */
  async firstNumber(): Promise<number> {
    return (await this.#existing(this.#database))[0]?.from ?? 0;
  }

  /** Removes a day. Returns how many events it had, or why it is left: something must be kept, or transactions of others use it. */
  async drop({ suffix, from, until }: Day): Promise<number | 'needed' | 'in use'> {
    const content = this.#sql.dayContent(suffix);
    type Content = { readonly needed: boolean; readonly events: number };
    const [before] = await this.#database.run<Content>(content, [from, until]);
    if (before === undefined || before.needed) return 'needed';
    try {
      return await this.#database.transaction(async (connection) => {
        await connection.run(this.#sql.lockSchema, [this.#schema]);
        const [unread] = await connection.run<{ found: boolean }>(noSnapshot(this.#schema));
        if (unread?.found !== true) return 'in use';
        await connection.run(this.#sql.limitLockWait);
        await connection.run(this.#sql.lockPartitioned);
        // A replay may have come between.
        const [now] = await connection.run<Content>(content, [from, until]);
        if (now === undefined || now.needed) return 'needed';
        await connection.run(this.#sql.dropGathered, [from, until]);
        await connection.run(this.#sql.dropDay(suffix));
        return now.events;
      });
    } catch (error) {
      if (failureOf(error).code === lockedByOthers) return 'in use';
      throw error;
    }
  }

  async #make(connection: Connection, days: readonly number[]): Promise<void> {
    const existing = new Set((await this.#existing(connection)).map(({ from }) => from));
    for (const day of days) if (!existing.has(day * perDay)) await this.#add(connection, day);
  }

  async #add(connection: Connection, day: number): Promise<void> {
    const [from, until] = [day * perDay, (day + 1) * perDay];
    for (const table of partitionedTables)
      await connection.run(this.#sql.addPartition(table, suffixOf(day), from, until));
  }

  async #existing(connection: Pick<Connection, 'run'>): Promise<readonly Day[]> {
    const rows = await connection.run<{ name: string }>(this.#sql.partitions);
    return rows
      .map(({ name }) => {
        const suffix = name.slice('events_'.length);
        const day = dayOf(suffix);
        return { suffix, from: day * perDay, until: (day + 1) * perDay };
      })
      .sort((a, b) => a.from - b.from);
  }
}

/** A day in the name of its tables, e.g. `20260131`. */
function suffixOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10).replaceAll('-', '');
}

function dayOf(suffix: string): number {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(suffix) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / dayMs;
}
