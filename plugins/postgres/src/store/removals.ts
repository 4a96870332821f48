/** Removes events: by retention, whole days where that is possible, and those that are erased. */
import type { Clock, EraseRequest, PruneRequest } from '@switchhook/sdk';
import type { Connection, Database } from './database.js';
import type { Days } from './days.js';
import { isEventId } from './rows.js';
import type { removalStatements } from './sql-removals.js';
import { perDay } from './sql-schema.js';

const dayMs = 86_400_000;

export class Removals {
  readonly #database: Database;
  readonly #sql: ReturnType<typeof removalStatements>;
  readonly #days: Days;
  readonly #clock: Clock;

  constructor(database: Database, sql: ReturnType<typeof removalStatements>, days: Days, clock: Clock) {
    this.#database = database;
    this.#sql = sql;
    this.#days = days;
    this.#clock = clock;
  }

  /** Events in any state, in one transaction. Returns the ids of those that were kept. */
  erase({ eventIds, keysUntilMs }: EraseRequest): Promise<readonly string[]> {
    return this.#database.repeat(() =>
      this.#database.transaction(async (connection: Connection) => {
        type Found = { readonly seq: number; readonly id: string };
        const found = await connection.run<Found>(this.#sql.lockEvents, [eventIds.filter(isEventId)]);
        const numbers = found.map(({ seq }) => seq);
        if (numbers.length === 0) return [];
        await connection.run(this.#sql.eraseOpen, [numbers]);
        await connection.run(this.#sql.eraseEvents, [numbers, Math.ceil(keysUntilMs)]);
        return found.map(({ id }) => id);
      }),
    );
  }

  /**
   * Removes whole days, when events are kept for a day or longer: what is settled then goes without a row being touched. Of
   * days with something that must be kept, the rest is removed row by row. `duplicatesMs`: how long keys are kept; null = as long as their events.
   */
  async prune({ beforeMs, limit }: PruneRequest, duplicatesMs: number | null): Promise<number> {
    const keys = await this.#database.run(this.#sql.dropErasedKeys, [Math.floor(this.#clock.now()), limit]);
    return keys.length + (await this.#pruneEvents(beforeMs, limit, duplicatesMs));
  }

  async #pruneEvents(beforeMs: number, limit: number, duplicatesMs: number | null): Promise<number> {
    const [clock, days] = [this.#clock, this.#days];
    const dropsKeys = duplicatesMs === null;
    if (clock.now() - beforeMs < dayMs)
      return this.#removeEvents({ beforeMs, until: Number.MAX_SAFE_INTEGER, limit, dropsKeys });
    const ended = await days.endedBefore(beforeMs);
    for (const day of ended) {
      const dropped = await days.drop(day);
      if (dropped === 'in use') return 0;
      if (dropped !== 'needed' && dropped > 0) return dropped;
    }
    const until = ended.at(-1)?.until ?? 0;
    const removed = await this.#removeEvents({ beforeMs: (until / perDay) * dayMs, until, limit, dropsKeys });
    if (removed > 0) return removed;
    const keysFrom = Math.floor((clock.now() - (duplicatesMs ?? 0)) / dayMs) * perDay;
    await this.#database.run(this.#sql.dropKeys, [Math.min(await days.firstNumber(), keysFrom)]);
    return 0;
  }

  /** Removes settled events with smaller numbers that were received before a time, oldest first; at most `limit`. */
  async #removeEvents(old: { until: number; beforeMs: number; limit: number; dropsKeys: boolean }): Promise<number> {
    const values = [old.beforeMs, old.until, old.limit, old.dropsKeys];
    const [row] = await this.#database.run<{ removed: number }>(this.#sql.removeEvents, values);
    return row?.removed ?? 0;
  }
}
