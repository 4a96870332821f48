/** What the server does for one client, seen from outside. */
import type { TestDatabase } from '../../../test/support/postgres.js';

/** The URL with a name under which its connections can be told from all others. */
export function named(text: string): { readonly url: string; readonly name: string } {
  const url = new URL(text);
  const name = `of ${url.searchParams.get('options')}`;
  url.searchParams.set('application_name', name);
  return { url: url.href, name };
}

/** The statements with this text that the server is working on for whoever has this name, each told from all others. */
export async function working(database: TestDatabase, name: string, text: string): Promise<readonly string[]> {
  const active = `select pid || ' since ' || xact_start as statement from pg_stat_activity
    where application_name = $1 and state = 'active' and strpos(query, $2) > 0`;
  return (await database.query(active, [name, text])).map(({ statement }) => String(statement));
}
