/** Finds conversations of which an event has not come in time: read from the events of the store, so that a restart misses none. */
import { Clock, type EventRecord, Log, type Page, Store, stringifyJson, token } from '@switchhook/sdk';
import { withTimeout } from '@switchhook/sdk/internal';
import { Ingest } from '../ingest/ingest.js';
import type { Routes } from '../routing/routes.js';
import type { ErasedThings, Removed } from '../system/erasing.js';
import { type Current, inject, injectable } from '../system/injection.js';
import { type Part, pagesOf, textsOf } from '../system/lists.js';
import { emit } from './emission.js';

/** Which event of a subject follows which, and within what time. */
export interface Expectation {
  readonly source: string;
  readonly first: string;
  /** One of these types is enough. */
  readonly following: readonly string[];
  readonly withinMs: number;
}

/** What is taken from the configuration. */
export interface IncompletePlan {
  readonly expectations: readonly Expectation[];
  /** Destinations that emit events: what they have fetched counts as if it had come from the source. */
  readonly emitters: ReadonlySet<string>;
  readonly routeTable: Routes;
  /** How long settled events are kept. */
  readonly keepMs: number;
}

export const IncompletePlan = token<Current<IncompletePlan>>('switchhook.IncompletePlan');

/** A conversation, and what is missing of it. Times are milliseconds since the epoch. */
export interface IncompleteConversation {
  readonly source: string;
  readonly subject: string;
  readonly agent: string | null;
  /** Type and id of the event that has come, and when. */
  readonly after: string;
  readonly eventId: string;
  readonly receivedAtMs: number;
  /** Types, one of which should have come. */
  readonly missing: readonly string[];
  readonly dueMs: number;
}

/** Which of them; undefined = any. */
export interface IncompleteQuery extends Part {
  readonly source?: string | undefined;
  readonly subject?: string | undefined;
}

const prefix = 'switchhook.incomplete:';
/** Under this key: until when the events have been read. */
const readUntilKey = 'switchhook.incomplete.read';
/** Between two looks. */
const betweenLooksMs = 15_000;
/** A store takes no longer, unless it hangs. */
const longestLookMs = 60_000;
/** An event is committed some seconds after it was received; the clocks of several routers differ. */
const overlapMs = 60_000;
/** How far back events are read after a time without a router, beyond the longest time of an expectation. */
const longestGapMs = 86_400_000;
const pageSize = 1_000;
const all: Part = { limit: Number.POSITIVE_INFINITY };
const lastLookMs = 5_000;

@injectable()
export class Incomplete {
  /** What may still come, and what has not come, by source, subject and type. */
  readonly #waiting = new Map<string, IncompleteConversation>();
  readonly #missing = new Map<string, Pick<IncompleteConversation, 'eventId' | 'dueMs'>>();
  #expectations: readonly Expectation[] = [];
  #readUntilMs: number | null = null;
  #isClosed = false;
  #look: Promise<void> | null = null;
  #cancel = (): void => {};

  constructor(
    @inject(IncompletePlan) private readonly plan: Current<IncompletePlan>,
    @inject(Store) private readonly store: Store,
    @inject(Ingest) private readonly ingest: Ingest,
    @inject(Clock) private readonly clock: Clock,
    @inject(Log) private readonly log: Log,
  ) {}

  /** The store is open: perhaps only while the router ends. */
  open(): void {
    this.#next();
  }

  /** Resolves when the look under way, if any, has ended, or takes too long. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    await withTimeout(this.clock, lastLookMs, Promise.resolve(this.#look)).catch((error: unknown) =>
      this.log.warn('incomplete.failed', { error }),
    );
  }

  /** Conversations of which an event is missing; the one whose event was received last comes first. */
  list({ source, subject, ...part }: IncompleteQuery): Promise<Page<IncompleteConversation>> {
    const fits = (one: IncompleteConversation): boolean =>
      (source ?? one.source) === one.source && (subject ?? one.subject) === one.subject;
    return textsOf<IncompleteConversation>(this.store, prefix, part, fits);
  }

  /** Removes conversations that were erased, and those that wait for an event. */
  async forget({ eventIds, subjects }: ErasedThings, isDryRun: boolean): Promise<Removed> {
    const isErased = (id: string, subject: string): boolean => eventIds.has(id) || subjects.has(subject);
    const found = (await this.list(all)).items.filter((one) => isErased(one.eventId, one.subject));
    if (isDryRun) return { incomplete: found.length };
    for (const { source, subject, after, eventId } of found)
      await this.#arrived(keyOf(source, subject, after), eventId);
    for (const [key, { eventId, subject }] of this.#waiting) if (isErased(eventId, subject)) this.#waiting.delete(key);
    for (const [key, { eventId }] of this.#missing) if (eventIds.has(eventId)) this.#missing.delete(key);
    return { incomplete: found.length };
  }

  #next(): void {
    if (this.#isClosed) return;
    this.#cancel = this.clock.after(betweenLooksMs, async () => {
      // One that hangs must not be the last.
      this.#look = withTimeout(this.clock, longestLookMs, this.#once()).catch((error: unknown) =>
        this.log.warn('incomplete.failed', { error }),
      );
      await this.#look;
      this.#next();
    });
  }

  /** What has failed is done by the next look: nothing is noted as read before. */
  async #once(): Promise<void> {
    const { expectations } = this.plan.value;
    if (expectations !== this.#expectations) {
      this.#waiting.clear();
      this.#missing.clear();
      this.#readUntilMs = null;
      this.#expectations = expectations;
    }
    if (expectations.length === 0) return;
    const nowMs = this.clock.now();
    if (this.#readUntilMs === null) await this.#begin(nowMs);
    const sinceMs = (this.#readUntilMs ?? nowMs) - overlapMs;
    const seen = new Set<string>();
    for (const source of new Set([...this.plan.value.emitters, ...expectations.map((one) => one.source)]))
      await this.#read(source, sinceMs, seen);
    for (const [key, conversation] of this.#waiting)
      if (conversation.dueMs <= nowMs - betweenLooksMs) await this.#due(key, conversation);
    await this.#note(nowMs);
  }

  /** Goes back so far that what was due while no router was running is found, too. */
  async #begin(nowMs: number): Promise<void> {
    for (const { source, subject, after, ...one } of (await this.list(all)).items)
      this.#missing.set(keyOf(source, subject, after), one);
    const readUntil = Number((await this.store.state?.(readUntilKey)) ?? nowMs);
    const longestMs = Math.max(...this.#expectations.map(({ withinMs }) => withinMs));
    this.#readUntilMs = Math.max(Math.min(readUntil, nowMs), nowMs - longestGapMs) - longestMs;
  }

  /** Newest first, so that what follows an event has been seen before it. */
  async #read(source: string, sinceMs: number, seen: Set<string>): Promise<void> {
    const isEmitter = this.plan.value.emitters.has(source);
    const expectations = this.#expectations.filter((one) => isEmitter || one.source === source);
    const query = { source, sinceMs, bodies: false };
    for await (const { items } of pagesOf(pageSize, (part) => this.store.events({ ...query, ...part })))
      for (const event of items) for (const one of expectations) await this.#take(event, one, seen);
  }

  async #take(
    event: EventRecord,
    { source, first, following, withinMs }: Expectation,
    seen: Set<string>,
  ): Promise<void> {
    const { subject, agent, type, id: eventId, receivedAtMs } = event;
    if (subject === null) return;
    const key = keyOf(source, subject, first);
    if (following.includes(type)) {
      seen.add(key);
      this.#waiting.delete(key);
      const missing = this.#missing.get(key);
      if (missing !== undefined) await this.#arrived(key, missing.eventId);
    }
    if (event.source !== source || type !== first || seen.has(key) || this.#missing.has(key)) return;
    const times = { receivedAtMs, dueMs: receivedAtMs + withinMs };
    this.#waiting.set(key, { source, subject, agent, after: first, eventId, missing: following, ...times });
  }

  /** Once more by the store: events may have come in another order. */
  async #due(key: string, conversation: IncompleteConversation): Promise<void> {
    const { source, subject, agent, after, missing, receivedAtMs, dueMs, eventId } = conversation;
    const sinceMs = receivedAtMs - (dueMs - receivedAtMs);
    for (const type of missing)
      for (const from of [source, ...this.plan.value.emitters]) {
        const { items } = await this.store.events({ source: from, subject, type, sinceMs, bodies: false, limit: 1 });
        if (items.length === 0) continue;
        this.#waiting.delete(key);
        return;
      }
    const { routeTable, keepMs } = this.plan.value;
    const nowMs = this.clock.now();
    const about = { type: 'conversation.incomplete', key: `conversation.incomplete:${eventId}` } as const;
    const fields = {
      ...{ source, conversation: subject, after, missing, eventId },
      withinSeconds: Math.round((dueMs - receivedAtMs) / 1_000),
      since: new Date(receivedAtMs).toISOString(),
    };
    await emit({ ...about, subject, agent, atMs: dueMs, fields }, { routeTable, ingest: this.ingest, nowMs });
    const stateKey = prefix + eventId;
    const text = (await this.store.state?.(stateKey)) ?? null;
    await this.store.setState?.(stateKey, stringifyJson({ ...conversation }), text, nowMs + keepMs);
    this.#waiting.delete(key);
    this.#missing.set(key, { eventId, dueMs });
    this.log.warn('conversation.incomplete', { source, subject, after, missing });
  }

  /** What was missing has come late. */
  async #arrived(key: string, eventId: string): Promise<void> {
    const stateKey = prefix + eventId;
    const text = (await this.store.state?.(stateKey)) ?? null;
    // Another router may have removed it.
    if (text !== null) await this.store.setState?.(stateKey, null, text);
    this.#missing.delete(key);
  }

  async #note(nowMs: number): Promise<void> {
    const { keepMs } = this.plan.value;
    for (const [key, { dueMs }] of this.#missing) if (dueMs < nowMs - keepMs) this.#missing.delete(key);
    this.#readUntilMs = nowMs;
    const text = (await this.store.state?.(readUntilKey)) ?? null;
    if (nowMs - Number(text ?? 0) >= overlapMs) await this.store.setState?.(readUntilKey, String(nowMs), text);
  }
}

function keyOf(source: string, subject: string, first: string): string {
  return stringifyJson([source, subject, first]);
}
