/** The statements of deliveries that gather the events of a subject. */
import { type EventRow, preparer } from './sql.js';
import type { Database } from './sql-connection.js';

/** A gathered event, with the number of its delivery. */
export interface GatheredRow extends EventRow {
  readonly delivery: number;
  readonly ends: number;
}

/** A delivery that gathers, with how much it has. */
export interface FirstRow {
  readonly id: number;
  readonly state: number;
  readonly tries: number;
  readonly events: number;
  /** Of their bodies. */
  readonly bytes: number;
}

/** Of the delivery `d`: `<id of the one that gathers> <number of events> <1 = ends the wait>`; null where none gathers. */
export const gatheredColumn = `(select e.id || '.' || (f.id & 1023) || ' ' || (select count(*) from gathered where line = g.line) || ' ' || g.ends
  from gathered g join gathered f on f.line = g.line and f.first = 1 join events e on e.seq = f.id >> 10
  where g.id = d.id) as gathered`;

/** Of the event `e`: none of its deliveries is gathered by one that is open or dead. */
export const isGatheredByNone = `not exists (
  select 1 from gathered g join gathered f on f.line = g.line and f.first = 1 join deliveries d on d.id = f.id
  where g.id between e.seq * 1024 and e.seq * 1024 + 1023 and (d.state < 3 or (d.state = 5 and d.reason <> 'discarded')))`;

export function gatheringStatements(db: Database) {
  const statement = preparer(db);
  return {
    first: statement<[string], FirstRow>(
      `select d.id, d.state, d.tries, n.events, n.bytes
      from (select count(*) as events, sum(length(e.body)) as bytes, max(m.id) filter (where m.first = 1) as first
        from gathered m join events e on e.seq = m.id >> 10 where m.line = ?) n join deliveries d on d.id = n.first`,
    ),
    keep: statement<[number, string, number, number]>(
      'insert or ignore into gathered (id, line, first, ends) values (?, ?, ?, ?)',
    ),
    hurry: statement<[number, number]>('update deliveries set due_at = min(due_at, ?) where id = ?'),
    end: statement<[number, number, number, number, number]>(
      'update deliveries set state = ?, due_at = null, settled_at = ?, attempts = ?, tries = ? where id = ?',
    ),
    events: statement<[number], GatheredRow>(
      `select m.id as delivery, m.ends, e.* from gathered g join gathered m on m.line = g.line join events e on e.seq = m.id >> 10
      where g.id = ? and g.first = 1 order by m.id`,
    ),
    dropLine: statement<[string]>('delete from gathered where line = ?'),
    dropWhole: statement<[number, number]>(
      'delete from gathered where line in (select line from gathered where id between ? and ? and first = 1)',
    ),
    drop: statement<[number, number]>('delete from gathered where id between ? and ?'),
  };
}
