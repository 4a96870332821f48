/** The statements that end leases: those of routers that are gone, and those of commits whose answer was lost. */
import { quoted } from '../sql.js';
import type { Statement } from './sql-schema.js';
import { destinations } from './sql-session.js';

/** Claims of a router are numbered from `router * claimsPerRouter + 1`. The number before stands for what is handed over in memory with new events. */
const claimBits = 24;
export const claimsPerRouter = 2 ** claimBits;

/** Deliveries in `running` that were lost more than once become due apart from each other: at most $2 ms, in $3 ms in all. */
const suspects = `
      suspects as (
        select seq, idx, (row_number() over (order by unanswered, seq, idx) - 1) * least($2::bigint, $3::bigint / count(*) over ()) as later
        from running where unanswered > 1)`;

export function leaseStatements(schemaName: string) {
  const s = quoted(schemaName);
  const statement = (name: string, text: string): Statement => ({ name, text });
  const unanswered = `tries - (select count(*) from ${s}.attempts a where a.seq = d.seq and a.idx = d.idx) as unanswered`;
  return {
    /** Returns deliveries of a claim whose answer was lost: they were never handed over, so their attempts do not count. */
    returnClaim: statement(
      'return_claim',
      `update ${s}.deliveries set state = 0, attempts = attempts - 1, tries = tries - 1, due_at = $4
      where destination = $1 and due_at = $2 and claim = $3 and state = 1`,
    ),
    /** The same for deliveries of events whose senders were refused, because the answer of their commit was lost. */
    returnAppended: statement(
      'return_appended_of',
      `update ${s}.deliveries set state = 0, attempts = 0, tries = 0, due_at = $2
      where seq = any(array(select seq from ${s}.seen where id = any($1::uuid[]))) and state = 1 and lease = 1 and claim = $3`,
    ),
    /** No other router is there: all leases end. */
    endAll: statement(
      'end_leases',
      `with running as (
        select d.seq, d.idx, d.${unanswered}
        from ${s}.deliveries d where d.state = 1),${suspects}
      update ${s}.deliveries d set due_at = least(d.due_at, $1::bigint + coalesce(
        (select later from suspects s where s.seq = d.seq and s.idx = d.idx), 0))
      where d.state = 1`,
    ),
    /**
     * Ends the leases of the routers $4 whose last heartbeat is still $5, once: their numbers are removed. What they have taken over
     * waits, so that a settlement finds no running delivery. Leases that have ended by time need nothing. Skips what is locked:
     * it is being settled.
     */
    endOf: statement(
      'end_leases_of',
      `with recursive gone as materialized (
        select r.id, r.number from ${s}.routers r join unnest($4::text[], $5::bigint[]) i(id, beat) on r.id = i.id and r.beat = i.beat
        where r.number is not null for update of r skip locked),
      noted as (update ${s}.routers r set number = null from gone where r.id = gone.id),
      ${destinations(s)},
      running as materialized (
        select d.place, d.seq, d.idx, d.${unanswered} from names n cross join lateral (
          select ctid as place, seq, idx, tries from ${s}.deliveries
          where destination = n.destination and due_at > $1 and state = 1 and claim >> ${claimBits} = any(array(select number from gone))
          offset 0 for update skip locked) d),${suspects},
      ended as (
        update ${s}.deliveries d set state = 0, claim = null, due_at = $1::bigint + coalesce(later, 0)
        from running r left join suspects using (seq, idx) where d.ctid = r.place returning 1)
      select count(*)::int as ended from ended`,
    ),
  };
}
