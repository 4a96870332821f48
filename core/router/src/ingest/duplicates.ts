/** Recent duplicates: events that were received again since the router started. */
import type { EventRecord, Page } from '@switchhook/sdk';
import { type ErasedThings, type Removed, removeFitting } from '../system/erasing.js';
import { type Part, pageOf, timeKey } from '../system/lists.js';

/** An event that is kept, and how often it came again since the router started. */
export interface RecentDuplicate extends Pick<EventRecord, 'source' | 'type' | 'subject'> {
  /** Id of the event that is kept. */
  readonly eventId: string;
  readonly times: number;
  /** When it came last. */
  readonly lastAtMs: number;
}

/** Most recent ones that are kept. */
const mostKept = 1_000;

/** Which repeated events; undefined = any. */
export interface DuplicateQuery extends Part {
  readonly source?: string | undefined;
  readonly type?: string | undefined;
  readonly subject?: string | undefined;
}

export class RecentDuplicates {
  /** By id, in order of the last repetition, which has a number: several may be of one millisecond. */
  readonly #kept = new Map<string, RecentDuplicate & { readonly order: number }>();
  #lastOrder = 0;

  note({ source, type, subject }: EventRecord, eventId: string, nowMs: number): void {
    const times = (this.#kept.get(eventId)?.times ?? 0) + 1;
    this.#kept.delete(eventId);
    this.#lastOrder += 1;
    this.#kept.set(eventId, { eventId, source, type, subject, times, lastAtMs: nowMs, order: this.#lastOrder });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** How often an event came again; null where it did not, or is not among the last 1,000 that did. */
  of(eventId: string): RecentDuplicate | null {
    return this.#kept.get(eventId) ?? null;
  }

  /** Ids of all of them, at most 1,000. */
  ids(): readonly string[] {
    return [...this.#kept.keys()];
  }

  /** Removes those of erased events and conversations. */
  forget({ eventIds, subjects }: ErasedThings, isDryRun: boolean): Removed {
    const fits = (id: string, { subject }: RecentDuplicate): boolean =>
      eventIds.has(id) || (subject !== null && subjects.has(subject));
    return { duplicates: removeFitting(this.#kept, fits, (id) => this.#kept.delete(id), isDryRun) };
  }

  /** The latest first. */
  list({ source, type, subject, ...part }: DuplicateQuery): Page<RecentDuplicate> {
    const fits = (wanted: string | undefined, found: string | null): boolean =>
      wanted === undefined || wanted === found;
    const found = [...this.#kept.values()].filter(
      (one) => fits(source, one.source) && fits(type, one.type) && fits(subject, one.subject),
    );
    const page = pageOf(found, ({ order, eventId }) => timeKey(order, eventId), part);
    return { ...page, items: page.items.map(({ order: _, ...one }) => one) };
  }
}
