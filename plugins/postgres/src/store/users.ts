/** Which processes use a schema: those that hold the lock of an open store, and routers that send heartbeats, with or without it. */
import type { Clock, Log, SeenBeat, StoreUsers } from '@switchhook/sdk';
import { Database, type DatabaseSettings } from './database.js';
import { versionOf } from './schema.js';
import type { schemaStatements } from './sql-schema.js';
import { userStatements } from './sql-users.js';

/** Heartbeats come every 400 ms. */
const betweenLooksMs = 200;
/** A router without a heartbeat for so long is gone. */
const goneMs = 3_000;
/** The version of the schema from which on routers send heartbeats. */
const firstWithHeartbeats = 9;

/** Reads over a connection of its own, and uses nothing that a pooler in transaction mode would not keep. `ownProcess`: of the server, for this store's lock; 0 = it has none. */
export async function usersOf(
  settings: DatabaseSettings & { readonly schema: string },
  schemaSql: ReturnType<typeof schemaStatements>,
  services: { readonly clock: Clock; readonly log: Log },
  ownProcess: number,
): Promise<StoreUsers> {
  const { schema } = settings;
  const { clock } = services;
  const sql = userStatements(schema);
  const database = new Database({ ...settings, connections: 1, onlyReads: true }, services);
  try {
    const version = await versionOf(database, schemaSql, schema);
    const hasHeartbeats = version >= firstWithHeartbeats;
    const look = async () => {
      const beats = hasHeartbeats ? await database.run<SeenBeat>(sql.beats) : [];
      return { beats, holders: (await database.run(sql.holders, [schema, ownProcess])).length };
    };
    let found = await look();
    const startedMs = clock.elapsed();
    const before = new Map(found.beats.map(({ id, beat }) => [id, beat]));
    for (;;) {
      const routers = found.beats.filter(({ id, beat }) => before.get(id) !== beat);
      // Killed, or about to send its next one.
      const isUndecided = found.beats.some((one) => !routers.includes(one) && (one.ageMs ?? 0) < goneMs);
      if (!isUndecided || clock.elapsed() - startedMs >= goneMs)
        return { routers, others: Math.max(0, found.holders - routers.length) };
      await new Promise<void>((resolve) => void clock.after(betweenLooksMs, resolve));
      found = await look();
    }
  } finally {
    await database.close();
  }
}
