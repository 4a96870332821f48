/** Deliveries that gather the events of a subject: see `Gather` of the contract. */

import type { EventRecord, Gather, Gathered } from '@switchhook/sdk';
import { type DeliveryRow, end } from './rows.js';

/** The deliveries of one route, destination and subject. */
export interface Gathering {
  /** The one that gathers; null while a copy has not brought it. */
  first: DeliveryRow | null;
  /** That one included. */
  readonly rows: Set<DeliveryRow>;
}

/** What `Gather` allows. */
const mostEvents = 1_000;
const mostBytes = 2 ** 24;

export class Gatherings {
  readonly #bySubject = new Map<string, Gathering>();

  /** A new delivery gathers, is gathered, or is skipped. Returns a function that undoes it. */
  add(row: DeliveryRow, { ends, late }: Gather, nowMs: number): () => void {
    const { first = null, rows } = this.#bySubject.get(subjectOf(row)) ?? {};
    if (first !== null && (first.state !== 'waiting' || first.tries > 0 || isFull(rows))) {
      const ended = { durationMs: 0, outcome: 'skipped', reason: late, response: null } as const;
      row.log.push({ number: 1, startedAtMs: nowMs, ...ended });
      Object.assign(row, { attempts: 1, tries: 1 });
      end(row, 'skipped', null, nowMs);
      return () => {};
    }
    // The first one of these was erased before a copy brought them.
    if (first === null) for (const each of [...(rows ?? [])]) this.replace(each);
    this.keep(row, ends, first === null);
    const { dueMs } = first ?? row;
    (first ?? row).dueMs = Math.min(dueMs, row.dueMs, isFull(row.gathered?.gathering.rows) ? nowMs : dueMs);
    if (first === null) return () => this.remove(row);
    end(row, 'gathered', null, nowMs);
    return () => {
      first.dueMs = dueMs;
    };
  }

  /** Also of a delivery that another store has kept. */
  keep(row: DeliveryRow, ends: boolean, isFirst: boolean): void {
    const gathering = this.#bySubject.get(subjectOf(row)) ?? { first: null, rows: new Set() };
    if (isFirst && gathering.first !== null) return;
    this.#bySubject.set(subjectOf(row), gathering);
    gathering.rows.add(row);
    if (isFirst) gathering.first = row;
    row.gathered = { gathering, ends };
  }

  /** With the delivery that gathers, the whole gathering is removed. */
  remove(row: DeliveryRow): void {
    const gathering = row.gathered?.gathering;
    const isFirst = gathering?.first === row;
    for (const each of isFirst ? [...gathering.rows] : [row]) this.replace(each);
    if (isFirst) this.#bySubject.delete(subjectOf(row));
  }

  /** Removes it alone: a copy brings it again. */
  replace(row: DeliveryRow): void {
    const gathering = row.gathered?.gathering;
    gathering?.rows.delete(row);
    if (gathering?.first === row) gathering.first = null;
    row.gathered = null;
  }
}

function isFull(rows: ReadonlySet<DeliveryRow> = new Set()): boolean {
  const bytes = [...rows].reduce((sum, { event }) => sum + event.body.length, 0);
  return rows.size >= mostEvents || bytes >= mostBytes;
}

/** What the record of a delivery says of it. */
export function gatheredOf({ gathered }: DeliveryRow): { readonly gathered?: Gathered } {
  const first = gathered?.gathering.first ?? null;
  if (gathered === null || first === null) return {};
  return { gathered: { by: first.id, events: gathered.gathering.rows.size, ends: gathered.ends } };
}

/** The events of a delivery that is taken over. */
export function eventsOf(row: DeliveryRow): { readonly event: EventRecord; readonly events?: readonly EventRecord[] } {
  if (row.gathered?.gathering.first !== row) return { event: row.event };
  const rows = [...row.gathered.gathering.rows].sort((a, b) => a.order - b.order);
  const main = rows.find(({ gathered }) => gathered?.ends) ?? rows.at(-1) ?? row;
  return { event: main.event, events: rows.map(({ event }) => event) };
}

/** Whether no body of what it would deliver was removed. */
export function hasBodies(row: DeliveryRow): boolean {
  const { event, events = [event] } = eventsOf(row);
  return [row.event, ...events].every(({ body }) => body.length > 0);
}

function subjectOf({ route, destination, event }: DeliveryRow): string {
  return JSON.stringify([route, destination, event.subject]);
}
