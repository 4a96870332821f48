/** Deliveries that gather the events of a subject: see `Gather` of the contract. */
import { createHash } from 'node:crypto';
import type { ClaimedDelivery, Gather, NewDelivery } from '@switchhook/sdk';
import { eventRecord } from './records.js';
import type { Database } from './sql-connection.js';
import { type FirstRow, gatheringStatements } from './sql-gatherings.js';
import { stateCodes } from './state-codes.js';

/** A delivery of an event with a subject. */
interface Place extends Pick<NewDelivery, 'route' | 'destination'> {
  readonly id: number;
  readonly subject: string;
}

/** What `Gather` allows. */
const mostEvents = 1_000;
const mostBytes = 2 ** 24;

export class Gatherings {
  readonly #sql: ReturnType<typeof gatheringStatements>;

  constructor(db: Database) {
    this.#sql = gatheringStatements(db);
  }

  /** A new delivery, which is waiting, gathers, is gathered, or is skipped. `bytes`: of its event's body. Returns whether it still waits. */
  add(place: Place, { ends }: Gather, bytes: number, dueMs: number, nowMs: number): 'waiting' | 'gathered' | 'skipped' {
    const first = this.#sql.first.get(lineOf(place));
    if (first === undefined) {
      // The first one of these was erased before a copy brought them.
      this.#sql.dropLine.run(lineOf(place));
      this.keep(place, true, ends);
      this.#hurry({ id: place.id, events: 1, bytes }, dueMs, nowMs);
      return 'waiting';
    }
    const waits = first.state === stateCodes.waiting || first.state === stateCodes.behind;
    const state = waits && first.tries === 0 && !isFull(first) ? 'gathered' : 'skipped';
    const attempts = state === 'skipped' ? 1 : 0;
    this.#sql.end.run(stateCodes[state], nowMs, attempts, attempts, place.id);
    if (state === 'skipped') return state;
    this.keep(place, false, ends);
    this.#hurry({ id: first.id, events: first.events + 1, bytes: first.bytes + bytes }, dueMs, nowMs);
    return state;
  }

  /** Makes the delivery that gathers due, at once where it is full. */
  #hurry(first: Omit<FirstRow, 'state' | 'tries'>, dueMs: number, nowMs: number): void {
    this.#sql.hurry.run(isFull(first) ? Math.min(dueMs, nowMs) : dueMs, first.id);
  }

  /** Also of a delivery that another store has kept. */
  keep(place: Place, isFirst: boolean, ends: boolean): void {
    this.#sql.keep.run(place.id, lineOf(place), isFirst ? 1 : 0, ends ? 1 : 0);
  }

  /** The events of a delivery that gathers; nothing where it does not. */
  eventsOf(id: number): Partial<Pick<ClaimedDelivery, 'event' | 'events'>> {
    const rows = this.#sql.events.all(id);
    const main = rows.find(({ ends }) => ends === 1) ?? rows.at(-1);
    return main === undefined ? {} : { event: eventRecord(main), events: rows.map(eventRecord) };
  }

  /** Removes those with these numbers; with a delivery that gathers, the whole gathering, unless a copy brings it again. */
  remove(firstId: number, lastId: number, isReplaced: boolean): void {
    if (!isReplaced) this.#sql.dropWhole.run(firstId, lastId);
    this.#sql.drop.run(firstId, lastId);
  }
}

function isFull({ events, bytes }: Pick<FirstRow, 'events' | 'bytes'>): boolean {
  return events >= mostEvents || bytes >= mostBytes;
}

function lineOf({ route, destination, subject }: Place): string {
  return createHash('sha256').update(`${destination}\0${route}\0${subject}`).digest('hex').slice(0, 32);
}
