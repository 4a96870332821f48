/** Installs the schema, and brings one of an earlier version up to date. */
import { DatabaseFailure } from '../failure.js';
import type { Database } from './database.js';
import { migrations, oldestServer, type schemaStatements } from './sql-schema.js';

type Statements = ReturnType<typeof schemaStatements>;

/** Resolves when the schema has this router's version. One router migrates at a time; the others wait for it. */
export async function install(database: Database, sql: Statements, schema: string): Promise<void> {
  await checkServer(database, sql);
  if ((await versionOf(database, sql, schema)) === migrations.length) return;
  await database.transaction(async (connection) => {
    await connection.run(sql.lockSchema, [schema]);
    const [existing] = await connection.run<{ found: boolean }>(sql.hasSchema, [schema]);
    if (existing?.found !== true) await connection.run(sql.createSchema);
    await connection.run(sql.createMigrations);
    const [row] = await connection.run<{ version: number }>(sql.version);
    const version = row?.version ?? 0;
    for (const [index, migrate] of sql.migrations.entries())
      if (index >= version) {
        await connection.run(migrate);
        await connection.run(sql.noteMigration, [index + 1]);
      }
  });
}

/** Whether the server's settings keep committed transactions when it crashes. Rejects where the server is too old. */
export async function checkServer(database: Database, sql: Statements): Promise<boolean> {
  const [server] = await database.run<{ version: number; text: string; durable: boolean }>(sql.server);
  if (server !== undefined && server.version < oldestServer)
    throw new DatabaseFailure(
      'lasting',
      `the server is PostgreSQL ${server.text}; the store needs version 15 or newer`,
    );
  return server?.durable === true;
}

/** The version of the schema; 0 where it is not installed. Rejects where it is newer than this router's. */
export async function versionOf(database: Database, sql: Statements, schema: string): Promise<number> {
  const [installed] = await database.run<{ found: boolean }>(sql.isInstalled);
  if (installed?.found !== true) return 0;
  const [row] = await database.run<{ version: number }>(sql.version);
  const version = row?.version ?? 0;
  if (version > migrations.length)
    throw new DatabaseFailure(
      'lasting',
      `the schema ${schema} has version ${version}, installed by a newer router; this router knows version ${migrations.length}. Upgrade this router, or use another schema.`,
      'STORE_TOO_NEW',
    );
  return version;
}

/** Rejects when a router could not use the database. Changes nothing. */
export async function probe(database: Database, sql: Statements, schema: string): Promise<void> {
  await checkServer(database, sql);
  await versionOf(database, sql, schema);
  const [existing] = await database.run<{ found: boolean }>(sql.hasSchema, [schema]);
  const exists = existing?.found === true;
  const [may] = await (exists
    ? database.run<{ found: boolean }>(sql.mayCreateTables, [schema])
    : database.run<{ found: boolean }>(sql.mayCreateSchema));
  if (may?.found === true) return;
  throw new DatabaseFailure(
    'lasting',
    exists
      ? `the user may not create tables in the schema ${schema}`
      : `the schema ${schema} does not exist, and the user may not create it`,
  );
}
