/** What a store keeps and lists: its records, and the queries that find them. */

import type { Attempt, DeliveryState, EndReason } from './delivery.js';

/** An event as it is kept. Times are milliseconds since the epoch. */
export interface EventRecord {
  /** UUIDv7. */
  readonly id: string;
  readonly key: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  readonly agent: string | null;
  /** The other person's phone number or address, as sent; null if the sender does not send it. */
  readonly party: string | null;
  readonly occurredAtMs: number;
  readonly receivedAtMs: number;
  /** `event.data` as UTF-8 JSON, byte for byte as it was appended. Empty where retention has removed it, or it was not read. */
  readonly body: Uint8Array;
  /** `traceparent` of W3C Trace Context: the span that brought it. Null or missing where nothing is traced. */
  readonly trace?: string | null;
  /**
   * Which secret of its source has verified it, as a text of at most 20 characters, to be kept as it is: `2/3` = the second of three, `0/0` =
   * it needs none. Null or missing where that is not known.
   */
  readonly verified?: string | null;
}

/** A delivery as the operator sees it. Times are milliseconds since the epoch. */
export interface DeliveryRecord {
  readonly id: string;
  readonly eventId: string;
  /** Type of the event. */
  readonly type: string;
  /** Subject of the event. */
  readonly subject: string | null;
  readonly route: string;
  readonly destination: string;
  readonly transforms: readonly string[];
  readonly state: DeliveryState;
  /** Why it is dead; null otherwise. */
  readonly reason: EndReason | null;
  /** Attempts since it was made or replayed. */
  readonly attempts: number;
  /** All attempts, those before a replay included, so never fewer. Missing where the store does not know. */
  readonly attemptsInAll?: number;
  /** Of waiting: when it may be tried; of running: when its lease ends; of settled: null. */
  readonly dueMs: number | null;
  readonly createdAtMs: number;
  readonly settledAtMs: number | null;
  /** Why its last attempt was no success; null where there was none, or it was one. */
  readonly failure: string | null;
  /** Null or missing where it neither gathers nor is gathered. */
  readonly gathered?: Gathered | null;
}

/** What a delivery is part of, whose route has `wait`. */
export interface Gathered {
  /** Id of the delivery that gathers; its own where it is that one. */
  readonly by: string;
  /** How many events that one has, its own included. */
  readonly events: number;
  /** Whether the event of this delivery ends the wait. */
  readonly ends: boolean;
}

/** An event with all that a store keeps of it: to be kept by another store as it is. */
export interface StoredEvent {
  readonly event: EventRecord;
  /** All of them, in the order of their indexes. */
  readonly deliveries: readonly StoredDelivery[];
}

/** A delivery with its attempts, oldest first. */
export interface StoredDelivery {
  readonly record: DeliveryRecord;
  readonly attempts: readonly Attempt[];
}

/** A text of `setState`. */
export interface StoredText {
  readonly key: string;
  readonly value: string;
  /** From when on nothing is kept under the key, in milliseconds since the epoch; null = it does not end. */
  readonly expiresAtMs: number | null;
}

/** What a store knows of an event that it has removed, so that a repetition of it is a duplicate all the same. */
export interface StoredKey {
  /** The first 128 bits of the SHA-256 of source, U+0000, key and U+0000, as 32 hexadecimal digits. */
  readonly digest: string;
  readonly eventId: string;
  /** Start of the day (UTC) of which the event was, in milliseconds since the epoch. Of an erased event: of the day on which its key ends. */
  readonly dayMs: number;
  /** Of an event that was erased: until when its key is kept, in milliseconds since the epoch. Null of others. */
  readonly untilMs: number | null;
}

/** What a store may be given to keep beside events. */
export interface StoredOthers {
  readonly texts?: readonly StoredText[];
  readonly keys?: readonly StoredKey[];
}

/** How much is in a snapshot. */
export interface SnapshotCounts {
  readonly events: number;
  readonly deliveries: number;
  readonly attempts: number;
  readonly texts: number;
  readonly keys: number;
}

/**
 * All that a store keeps at one moment, whatever is written meanwhile. Its methods are called one after the other; each reads a
 * page from where the last one ended (null = from the start), of at most `limit` items and of a few megabytes, so a page may
 * be empty although its `cursor` is not null.
 */
export interface Snapshot {
  readonly counts: SnapshotCounts;
  /** When the first and the last of its events were received, in milliseconds since the epoch; null where there are none. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
  /** In the order in which they were kept. */
  events(after: string | null, limit: number): Promise<Page<StoredEvent>>;
  /** Those that have not ended, by key. */
  texts(after: string | null, limit: number): Promise<Page<StoredText>>;
  /** Of events that were removed. */
  keys(after: string | null, limit: number): Promise<Page<StoredKey>>;
  /** Ends it: a store may have to keep what was replaced or removed until then. */
  close(): Promise<void>;
}

/** Which events to list, newest `receivedAtMs` first. All given conditions must hold. */
export interface EventQuery {
  readonly source?: string;
  readonly type?: string;
  readonly subject?: string;
  readonly agent?: string;
  /** Compared character by character. Must be found by an index: it is read while a phone rings. */
  readonly party?: string;
  /** `receivedAtMs` at or after. */
  readonly sinceMs?: number;
  /** `receivedAtMs` before. */
  readonly untilMs?: number;
  /** True: only events for which no delivery was made. */
  readonly unrouted?: boolean;
  /** Only events with a delivery in this state. Asked for only where `eventConditions` of the store names it. */
  readonly state?: DeliveryState;
  /** Only events with one of these ids, at most 1,000. Asked for only where `eventConditions` of the store names it. */
  readonly ids?: readonly string[];
  /** False: bodies are not read, and are empty in the result. Default true. */
  readonly bodies?: boolean;
  readonly limit: number;
  /** Where the last page ended. One that no page gave is refused as `MALFORMED`. */
  readonly cursor?: string;
}

/** Which deliveries to list, newest `createdAtMs` first. All given conditions must hold. */
export interface DeliveryQuery {
  readonly state?: DeliveryState;
  readonly reason?: EndReason;
  readonly destination?: string;
  readonly route?: string;
  readonly eventId?: string;
  /** `createdAtMs` at or after. */
  readonly sinceMs?: number;
  /** `createdAtMs` before. */
  readonly untilMs?: number;
  /** `settledAtMs` at or after: only what is settled. */
  readonly settledSinceMs?: number;
  /** `settledAtMs` before: only what is settled. */
  readonly settledUntilMs?: number;
  readonly limit: number;
  readonly cursor?: string;
}

/** Part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** To be passed on for the next page; null at the end. */
  readonly cursor: string | null;
}

/** What happened: an event was kept, or an attempt ended. Events are without their bodies; the delivery is as it stands now. */
export type Change =
  | { readonly kind: 'event'; readonly event: EventRecord }
  | {
      readonly kind: 'attempt';
      readonly event: EventRecord;
      readonly delivery: DeliveryRecord;
      readonly attempt: Attempt;
    };

/** Part of what happened. */
export interface Changes {
  /** Events in the order of their commits, then attempts likewise. */
  readonly changes: readonly Change[];
  /** How many followed and were counted only: `cursor` is behind them. Undefined: the store counts none. */
  readonly more?: number;
  /** Where this part ended: `after` of the next one, also after a restart. */
  readonly cursor: string;
}

/** Which dead deliveries to group. All given conditions must hold. */
export type DeadGroupQuery = Omit<DeliveryQuery, 'state' | 'eventId'>;

/** Dead deliveries of one destination that ended for the same reason, and whose last attempts failed alike. */
export interface DeadGroup {
  readonly destination: string;
  readonly reason: EndReason;
  /** Of their last attempt, as it is kept; null where none came back. */
  readonly failure: string | null;
  readonly count: number;
  /** When the first and the last of them died. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Id of the one that died last. */
  readonly latest: string;
}

/** How much a destination has before it. */
export interface Backlog {
  readonly destination: string;
  readonly waiting: number;
  readonly running: number;
  /** Those that need a decision: discarded ones are not counted. */
  readonly dead: number;
  /** Creation time of the oldest open delivery; null where none is open. */
  readonly oldestOpenMs: number | null;
}

/** How much a store takes. */
export interface StoreSize {
  /** Of everything it keeps, indexes included. */
  readonly bytes: number;
  /** How much more there is room for; null = unknown. */
  readonly freeBytes: number | null;
}

/** Which events a step of retention is about. All given conditions must hold; without any, it is about all events. */
export interface PruneScope {
  readonly sources?: readonly string[];
  readonly exceptSources?: readonly string[];
  readonly types?: readonly string[];
  readonly exceptTypes?: readonly string[];
}

/** What to remove. */
export interface PruneRequest {
  /** Events received before this time, all of whose deliveries are delivered, skipped, discarded, or gathered by such, oldest first. Open and dead ones are kept. */
  readonly beforeMs: number;
  /** At most this many events in one step, and at most this many texts of `setState` and digests of keys that have ended. */
  readonly limit: number;
  /**
   * `bodies`: of these events only the bodies are removed, which are empty from then on; `replay` and `extend` skip such events. Nothing
   * else is removed in this step. Default `events`.
   */
  readonly remove?: 'events' | 'bodies';
  /** Default: all events. */
  readonly scope?: PruneScope;
  /**
   * At least so long after its receipt, the source and key of a removed event stay known, as a digest: `append` takes a repetition for a
   * duplicate, with the id of the removed event. A store may keep whole days of keys. Default 0: a key is removed with its event.
   */
  readonly keysMs?: number;
}

/** Which events to erase. */
export interface EraseRequest {
  /** Ids of events, at most 1,000; what is not kept is passed over. */
  readonly eventIds: readonly string[];
  /** Until when their sources and keys stay known, as digests. From then on, `prune` removes the digests. */
  readonly keysUntilMs: number;
}
