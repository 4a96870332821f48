/** Removes events or their bodies: by retention, whole days where that is possible, and those that are erased. */
import type { Clock, EraseRequest, PruneRequest } from '@switchhook/sdk';
import type { Connection, Database } from './database.js';
import type { Days } from './days.js';
import { isEventId, storable } from './rows.js';
import type { removalStatements } from './sql-removals.js';
import { perDay } from './sql-schema.js';

const dayMs = 86_400_000;
/** After this time, a walk begins at the oldest event again: what had to be kept then may have been settled. */
const walkAgainMs = 3_600_000;

/** Up to when everything was removed, and since when that is known. */
interface Mark {
  readonly beforeMs: number;
  readonly sinceMs: number;
}

export class Removals {
  readonly #database: Database;
  readonly #sql: ReturnType<typeof removalStatements>;
  readonly #days: Days;
  readonly #clock: Clock;
  /** By what is removed from a part of the events. */
  readonly #marks = new Map<string, Mark>();

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
   * days with something that must be kept, the rest is removed row by row, as are events of a scope, whose day has others.
   */
  async prune(request: PruneRequest): Promise<number> {
    const { limit } = request;
    const keys = await this.#database.run(this.#sql.dropErasedKeys, [Math.floor(this.#clock.now()), limit]);
    return keys.length + (await this.#pruneEvents(request));
  }

  /** Bodies row by row; a day is rewritten by vacuum. Locked first: what is replayed meanwhile is seen by the second statement. */
  pruneBodies(request: PruneRequest): Promise<number> {
    return this.#walk(request, (fromMs) =>
      this.#database.transaction(async (connection) => {
        const { beforeMs, limit } = request;
        const values = [beforeMs, limit, fromMs, ...scopeValues(request)];
        const old = await connection.run<{ seq: number }>(this.#sql.lockBodies, values);
        if (old.length > 0) await connection.run(this.#sql.dropBodies, [old.map(({ seq }) => seq)]);
        return old.length;
      }),
    );
  }

  async #pruneEvents(request: PruneRequest): Promise<number> {
    const { beforeMs, limit, scope, keysMs = 0 } = request;
    const [clock, days] = [this.#clock, this.#days];
    const part = { limit, dropsKeys: keysMs === 0, scope: scopeValues(request) };
    const all = { ...part, beforeMs, until: Number.MAX_SAFE_INTEGER };
    if (scope !== undefined) return this.#walk(request, (fromMs) => this.#removeEvents({ ...all, fromMs }));
    const dayAgoMs = clock.now() - dayMs;
    if (beforeMs > dayAgoMs) {
      const removed = await this.#removeEvents(all);
      if (removed > 0) return removed;
    }
    // Where today's table could not be made at midnight, events go on to yesterday's: that one stays.
    const ended = await days.endedBefore(Math.min(beforeMs, dayAgoMs));
    for (const day of ended) {
      const dropped = await days.drop(day);
      if (dropped === 'in use') return 0;
      if (dropped !== 'needed' && dropped > 0) return dropped;
    }
    const until = ended.at(-1)?.until ?? 0;
    const removed = await this.#removeEvents({ ...part, beforeMs: (until / perDay) * dayMs, until });
    if (removed > 0) return removed;
    const keysFrom = Math.floor((clock.now() - keysMs) / dayMs) * perDay;
    await this.#database.run(this.#sql.dropKeys, [Math.min(await days.firstNumber(), keysFrom)]);
    return 0;
  }

  /** Removes settled events with smaller numbers that were received before a time, oldest first; at most `limit`. */
  async #removeEvents(old: Old): Promise<number> {
    const values = [old.beforeMs, old.until, old.limit, old.dropsKeys, old.fromMs ?? 0, ...old.scope];
    const [row] = await this.#database.run<{ removed: number }>(this.#sql.removeEvents, values);
    return row?.removed ?? 0;
  }

  /** One step of a walk through a part of the events, from where everything before was removed. */
  async #walk(request: PruneRequest, step: (fromMs: number) => Promise<number>): Promise<number> {
    const { remove, scope, limit, beforeMs } = request;
    const [walk, nowMs] = [JSON.stringify([remove, scope]), this.#clock.now()];
    const known = this.#marks.get(walk);
    const mark = known !== undefined && nowMs - known.sinceMs < walkAgainMs ? known : { beforeMs: 0, sinceMs: nowMs };
    const removed = await step(mark.beforeMs);
    if (removed < limit) this.#marks.set(walk, { ...mark, beforeMs });
    else this.#marks.delete(walk);
    return removed;
  }
}

/** Which events to remove. */
interface Old {
  readonly until: number;
  readonly beforeMs: number;
  readonly limit: number;
  readonly dropsKeys: boolean;
  readonly scope: ReturnType<typeof scopeValues>;
  /** Received at this time or later. */
  readonly fromMs?: number;
}

/** As the statements take it; null = no such condition. */
function scopeValues({ scope = {} }: PruneRequest): readonly (readonly string[] | null)[] {
  const { sources, exceptSources, types, exceptTypes } = scope;
  return [sources, exceptSources, types, exceptTypes].map((list) => list?.map((text) => storable(text)) ?? null);
}
