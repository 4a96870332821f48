/** Deliveries that gather the events of a subject: see `Gather` of the contract. */
import type { ClaimedDelivery, Gathered, NewDelivery } from '@switchhook/sdk';
import type { Connection } from './database.js';
import { digestOf, type EventRow, eventRecord, storable } from './rows.js';
import { type gatheringStatements, mostBytes } from './sql-gatherings.js';

type Statements = ReturnType<typeof gatheringStatements>;

/** A delivery of an event. */
export interface Placed<T> {
  readonly id: string;
  readonly idx: number;
  readonly subject: string | null;
  /** Of the event's body. */
  readonly bytes: number;
  readonly delivery: T;
}

/** What a route with `wait` has made of some events; `first`: index of the first delivery. */
export function gatheringIn(
  entries: readonly {
    readonly event: Pick<Placed<unknown>, 'id' | 'subject' | 'bytes'>;
    readonly deliveries: readonly NewDelivery[];
  }[],
  first = 0,
): readonly Placed<NewDelivery>[] {
  return entries
    .flatMap(({ event, deliveries }) =>
      deliveries.map((delivery, index) => ({ ...event, idx: first + index, delivery })),
    )
    .filter(({ subject, delivery }) => subject !== null && delivery.gather !== undefined);
}

/** The first one of a gathering may be removed between two statements; then one of the new ones is the first. More often in a row is not to be expected. */
const mostRounds = 3;

/** Places new deliveries, in the transaction that has added them. */
export async function gather(
  connection: Connection,
  sql: Statements,
  added: readonly Placed<NewDelivery>[],
  nowMs: number,
): Promise<void> {
  if (added.length === 0) return;
  const values = gatheringValues(added, ({ delivery }) => delivery.gather?.ends === true);
  const late = added.map(({ delivery }) => storable(delivery.gather?.late ?? null));
  for (let round = 1, left = added.length; left > 0 && round <= mostRounds; round += 1) {
    left -= (await connection.run(sql.addFirst, values)).length;
    if (left === 0) break;
    await connection.run(sql.lockFirst, [values[2]]);
    left -= (await connection.run(sql.addOthers, [...values, late, nowMs])).length;
  }
  const large = added.filter(({ bytes }) => bytes >= mostBytes).map(gatheringOf);
  if (large.length > 0) await connection.run(sql.hurryLarge, [large, nowMs]);
}

/** Columns of `gathered`: id of the event, index, gathering, ends. */
export function gatheringValues<T extends Pick<NewDelivery, 'route' | 'destination'>>(
  rows: readonly Placed<T>[],
  ends: (row: Placed<T>) => boolean,
): readonly unknown[] {
  return [rows.map(({ id }) => id), rows.map(({ idx }) => idx), rows.map(gatheringOf), rows.map(ends)];
}

function gatheringOf({ delivery, subject }: Placed<Pick<NewDelivery, 'route' | 'destination'>>): string {
  return digestOf(delivery.destination, delivery.route, subject ?? '');
}

/** By gathering, what a delivery that gathers is taken over with. */
export async function gatheredEvents(
  connection: Pick<Connection, 'run'>,
  sql: Statements,
  gatherings: readonly string[],
) {
  type Row = Omit<EventRow, 'seq'> & { readonly gathering: string; readonly ends: boolean };
  const rows = gatherings.length === 0 ? [] : await connection.run<Row>(sql.events, [gatherings]);
  const found = gatherings.map((gathering) => {
    const own = rows.filter((row) => row.gathering === gathering);
    const main = own.find(({ ends }) => ends) ?? own.at(-1);
    const taken: Partial<Pick<ClaimedDelivery, 'event' | 'events'>> =
      main === undefined ? {} : { event: eventRecord(main), events: own.map(eventRecord) };
    return [gathering, taken] as const;
  });
  return new Map(found);
}

/** From the text of the statement `gatheredOf`. */
export function gatheredFrom(text: string | null): { readonly gathered?: Gathered } {
  if (text === null) return {};
  const [by = '', events, ends] = text.split(' ');
  return { gathered: { by, events: Number(events), ends: ends === '1' } };
}
