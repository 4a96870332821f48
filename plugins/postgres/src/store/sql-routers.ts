/** The statements by which routers that share a schema coordinate; their tables are unlogged: nothing of it has to be durable. */
import { quoted } from '../sql.js';
import type { Statement } from './sql-schema.js';

/** More than are kept at once: otherwise they would become more and more. */
const endedAtOnce = 20;

/** The server's time in milliseconds since the epoch: the clocks of the routers differ. The same everywhere in a statement. */
export const serverMs = `(extract(epoch from statement_timestamp()) * 1000)::float8`;

export function routerStatements(schemaName: string) {
  const s = quoted(schemaName);
  const statement = (name: string, text: string): Statement => ({ name, text });
  return {
    beat: statement(
      'beat_of_router',
      `with own as (
        insert into ${s}.routers (id, beat, report, number, listens, beaten_at) values ($1, $2, $3, $4, $5, ${serverMs})
        on conflict (id) do update set beat = excluded.beat, report = excluded.report, number = excluded.number, beaten_at = excluded.beaten_at
        returning id, beat, report)
      select id, beat, report, 0::float8 as "ageMs" from own
      union all select id, beat, report, greatest(0, ${serverMs} - beaten_at) from ${s}.routers where id <> $1`,
    ),
    removeRouters: statement(
      'remove_routers',
      `delete from ${s}.routers r using unnest($1::text[], $2::bigint[]) gone (id, beat)
      where r.id = gone.id and r.beat = gone.beat`,
    ),
    /** `free_at`: when the bucket would be full again if nothing more were taken. */
    take: statement(
      'take_by_server',
      `insert into ${s}.buckets as bucket (key, free_at) values ($1, ${serverMs} + $2::float8)
      on conflict (key) do update set free_at = greatest(bucket.free_at, ${serverMs}) + $2::float8
      returning greatest(0, free_at - ${serverMs} - $3::float8) as wait`,
    ),
    texts: statement(
      'texts_by_server',
      `select key, text from ${s}.texts where key = any($1::text[]) and until > ${serverMs}`,
    ),
    /** Removes some of those that have ended, too: there are never many of them. */
    keepTexts: statement(
      'keep_texts_for',
      `with ended as (delete from ${s}.texts where key = any(array(
        select key from ${s}.texts where until <= ${serverMs} and key <> all($1::text[])
        order by until limit ${endedAtOnce} for update skip locked)))
      insert into ${s}.texts (key, text, until) select key, text, ${serverMs} + for_ms from unnest($1::text[], $2::text[], $3::float8[]) i(key, text, for_ms)
      on conflict (key) do update set text = excluded.text, until = excluded.until`,
    ),
    textKeys: statement('text_keys', `select key from ${s}.texts where key > $1 order by key limit $2`),
    dropTexts: statement('drop_texts', `delete from ${s}.texts where key = any($1::text[])`),
    clearRouters: statement('clear_routers', `delete from ${s}.routers`),
  };
}
