/** The store: where events and deliveries are kept, so that nothing acknowledged is lost. */

import type { Coordination, RouterBeat, SeenBeat } from './coordination.js';
import type { Attempt, Settlement } from './delivery.js';
import type { Lifecycle } from './lifecycle.js';
import { type NamedToken, token } from './services.js';
import type {
  Backlog,
  Changes,
  DeadGroup,
  DeadGroupQuery,
  DeliveryQuery,
  DeliveryRecord,
  EraseRequest,
  EventQuery,
  EventRecord,
  Page,
  PruneRequest,
  Snapshot,
  StoredEvent,
  StoredOthers,
  StoreSize,
} from './store-records.js';

export type * from './coordination.js';
export type * from './store-records.js';

/** A delivery to be made together with its event. Its id is `deliveryId(event.id, index)`, see `ids.ts`. */
export interface NewDelivery {
  readonly route: string;
  readonly destination: string;
  /** Names of the transforms to apply before each attempt, in order. */
  readonly transforms: readonly string[];
  /** `running` = handed over in memory: attempt 1 is counted and lease 1 is held until `dueMs`. `waiting` = to be claimed from `dueMs` on. */
  readonly state: 'waiting' | 'running';
  readonly dueMs: number;
  /** Only of a route with `wait`, with the state `waiting`, for an event with a subject. */
  readonly gather?: Gather;
}

/**
 * Of the deliveries with `gather` of one route, destination and subject, the first gathers the others, until its event is removed.
 * As long as it is waiting and no attempt of it has begun, each further one ends as `gathered`, and makes it due by its own `dueMs`,
 * if that is earlier. With 1,000 events, or 2^24 bytes of bodies (16 MB), it is due at once. After that, each further one ends as `skipped`, with one attempt of that
 * outcome. Of several that are committed at the same moment, also by several routers, one is the first.
 */
export interface Gather {
  /** Whether the event ends the wait: the first one that does is the event of the delivery that gathers; without one, the latest. */
  readonly ends: boolean;
  /** Reason of the attempt, if it is skipped. */
  readonly late: string;
}

/** An event with all its deliveries: at most 1,000, committed together or not at all. */
export interface Entry {
  readonly event: EventRecord;
  readonly deliveries: readonly NewDelivery[];
}

/** What became of an entry. */
export interface Appended {
  /** Id of the event that is kept: the entry's own, or that of the earlier one with the same source and key. */
  readonly eventId: string;
  /** True where the event was there already; none of the entry's deliveries was made. */
  readonly duplicate: boolean;
  /** True where that event was erased: nothing but its id is known. */
  readonly erased?: boolean;
}

/** Which deliveries to take over. */
export interface ClaimRequest {
  readonly destination: string;
  readonly nowMs: number;
  /** The lease: after this time another claim may take the delivery. */
  readonly leaseUntilMs: number;
  /** At most this many are looked at: taken over, or ended as `exhausted`. */
  readonly limit: number;
  /** Deliveries that have used up this many attempts end as `dead`, `exhausted`, instead of being claimed. */
  readonly maxAttempts: number;
  /**
   * True: of each subject only the oldest open delivery of this destination can be claimed, and only while none of them
   * is running under a lease that holds. Events without a subject are independent of each other.
   */
  readonly ordered: boolean;
}

/** A delivery taken over: attempt counted, lease held. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly route: string;
  readonly destination: string;
  readonly transforms: readonly string[];
  /** Attempts since it was made or replayed, this one included. */
  readonly attempt: number;
  /** Fences the settlement. Grows with each claim, never goes back. */
  readonly lease: number;
  /** Of a delivery that gathers: see `Gather`. */
  readonly event: EventRecord;
  /** Only of a delivery that gathers: all its events that are kept, in order of arrival. */
  readonly events?: readonly EventRecord[];
}

/** What a claim brought. */
export interface Claim {
  /** Oldest due first. */
  readonly deliveries: readonly ClaimedDelivery[];
  /** Ids that this claim ended as `exhausted`: their last attempt never came back. */
  readonly exhausted: readonly string[];
  /**
   * When the next open delivery of this destination is due (or its lease runs out), after this claim; null where there is
   * none. May be in the past where `limit` cut the claim short. Where `ordered`, what cannot be claimed because it is
   * behind another of its subject does not count.
   */
  readonly nextDueMs: number | null;
}

/** An attempt's end. Ignored where the lease is no longer the delivery's. */
export interface Settled {
  readonly deliveryId: string;
  readonly lease: number;
  readonly settlement: Settlement;
  /** What is kept about the attempt; null where the destination was never called. */
  readonly attempt: Omit<Attempt, 'number'> | null;
}

/** Which other processes use a store at a moment. */
export interface StoreUsers {
  /** Routers that send heartbeats, each with its last one. */
  readonly routers: readonly SeenBeat[];
  /** How many others have the store open: routers that are starting or hang, restores, copies. */
  readonly others: number;
}

/**
 * Keeps events and deliveries.
 *
 * Every method that changes something resolves only when the change is durable (it survives `kill -9` and power failures),
 * and rejects with nothing changed. Calls may overlap; a store groups what arrives together into one transaction.
 * A rejection never closes the store: later calls work again once the cause is gone.
 *
 * If `open` finds that no other router has the store open, the leases it finds end: their owner is gone. What was begun twice or
 * more without coming back may be what ends the process: such deliveries can be claimed one after the other, those that were
 * lost least often first, two seconds apart (closer where there are more than sixty), so that the one that does it takes none
 * of the others with it.
 */
export interface Store extends Lifecycle {
  /**
   * One result per entry, in order. An event twice in one call is a duplicate the second time. `append([])` keeps nothing,
   * but goes through a commit all the same: it proves that the store can. It rejects, too, where the store knows that what it
   * keeps is damaged, although other appends may still succeed.
   */
  append(entries: readonly Entry[]): Promise<readonly Appended[]>;
  /** Takes over due deliveries of one destination: counts the attempt and sets the lease, in the same transaction. */
  claim(request: ClaimRequest): Promise<Claim>;
  /** Applies settlements; late ones (wrong lease) change nothing. */
  settle(settled: readonly Settled[]): Promise<void>;

  /** One event; null where it is not kept. */
  event(id: string): Promise<EventRecord | null>;
  events(query: EventQuery): Promise<Page<EventRecord>>;
  /**
   * Which of the conditions that not every store knows `events` takes. The router refuses a list with one that is missing here, instead of
   * returning events that do not fit. None of them may make a list read every event where few have a delivery in an open state, or a dead one.
   */
  readonly eventConditions?: readonly ('state' | 'ids')[];
  /** One delivery; null where it is not kept. */
  delivery(id: string): Promise<DeliveryRecord | null>;
  deliveries(query: DeliveryQuery): Promise<Page<DeliveryRecord>>;
  /**
   * Only of stores that can count: what is dead, in groups; discarded deliveries only where `reason` asks for them. A page has the groups of about
   * `limit` deliveries, the newest first, and may be empty before the last one. A group may come on several pages, each time with the count of
   * that page. Without it, the router reads the deliveries themselves, and fewer of them.
   */
  deadGroups?(query: DeadGroupQuery): Promise<Page<DeadGroup>>;
  /** Oldest first. */
  attempts(deliveryId: string): Promise<readonly Attempt[]>;

  /**
   * Makes deliveries waiting again from `dueMs` on, with their attempts at 0, whatever their state, a pending retry
   * included; running and gathered ones are skipped, and those of which an event, also a gathered one, has no body. Returns the
   * ids that changed.
   */
  replay(deliveryIds: readonly string[], dueMs: number): Promise<readonly string[]>;
  /** Adds deliveries to an event that is kept already. Returns their ids; `[]` where the event is not kept, or has no body any more. */
  extend(eventId: string, deliveries: readonly NewDelivery[]): Promise<readonly string[]>;
  /** Ends waiting or dead deliveries as `dead`, `discarded`. Returns the ids that changed. */
  discard(deliveryIds: readonly string[]): Promise<readonly string[]>;
  /** One small step; returns how many events or bodies, texts and digests were removed: from `limit` on, there may be more. */
  prune(request: PruneRequest): Promise<number>;
  /**
   * Only of stores that can erase, which have `purge`, too: removes events with their deliveries and attempts, whatever their state, in one
   * step, and returns the ids of those that were kept. Of each stays a digest of its source and key, with its id: `append` takes a repetition for a
   * duplicate until `keysUntilMs`, and `restore` passes over it. Settlements of its deliveries change nothing.
   */
  erase?(request: EraseRequest): Promise<readonly string[]>;
  /**
   * Only of stores that can erase: overwrites what the store has removed but its files still contain. Null = done; otherwise a sentence on
   * what may be left, and where.
   */
  purge?(): Promise<string | null>;
  /** One row per destination with open or dead (not discarded) deliveries. Cheap, however many there are. */
  backlog(): Promise<readonly Backlog[]>;
  /** Only of stores that know it: how much the store takes. Cheap, however much it keeps: it is read every two seconds. */
  size?(): Promise<StoreSize>;
  /**
   * The text that was set for a key; null where none is kept. With `setState` a small durable memory beside the events: without
   * both, the router refuses what it could not keep over a restart, such as a pause.
   */
  state?(key: string): Promise<string | null>;
  /**
   * Sets the text of a key, or removes it with null, if it is `expected` until then (null = none is kept); returns whether it
   * did. Of several that expect the same, one succeeds, also where several routers share the store. Keys, of at
   * most 512 characters, and texts are kept character by character; neither U+0000 nor halves of characters are in them, as in JSON.
   * From `expiresAtMs` on, in milliseconds since the epoch by the store's clock, nothing is kept under the key, and `prune` removes
   * the text. Null, the default, = it does not end. Each change sets the end anew.
   */
  setState?(key: string, value: string | null, expected: string | null, expiresAtMs?: number | null): Promise<boolean>;
  /**
   * At most `limit` of the keys that begin with `prefix` and under which a text is kept, in any order. With `state` and `setState`, sources
   * with `answerBy: 'call'` can be used: the calls that a crash has interrupted are found by it.
   */
  stateKeys?(prefix: string, limit: number): Promise<readonly string[]>;
  /**
   * Only of stores that several routers share: calls `wake` when a destination has something due that may have been left by
   * another router, until the returned function is called. May call it although nothing is left; may miss something for a while.
   */
  onDue?(wake: (destination: string) => void): () => void;
  /** Only of stores that several routers share: what these exchange. Without it, each router's limits are its own. */
  readonly coordination?: Coordination;
  /**
   * Only of stores with `coordination`: ends the leases of routers that are gone, each only where its last heartbeat is still this one,
   * and returns how many leases these were. A router's leases are those that were taken through the `Store` that sends its
   * heartbeats. Their deliveries become `waiting`, with their attempts counted, and can be claimed at once; those with two or more attempts
   * that were never settled are due as after `open`. Settlements of these leases change nothing. Each router's leases are ended once, also where several
   * routers call this at the same moment, and again after a further heartbeat of it.
   */
  endLeases?(gone: readonly Pick<RouterBeat, 'id' | 'beat'>[]): Promise<number>;
  /**
   * Only of stores whose changes can be followed: what happened after a cursor, at most `limit` events and `limit` attempts. Null:
   * nothing yet, and a cursor from which on all that is committed later is found, by whatever router. A change is found
   * once, and may be found late; what was removed is not found. A cursor of another store is refused as `MALFORMED`, or is like null.
   * `counted`: so many further events, and attempts, may be counted in `more` instead of being read; 0 by default.
   */
  changes?(after: string | null, limit: number, counted?: number): Promise<Changes>;
  /**
   * Only of stores that can be copied into: keeps events of another store in this order, with the states, times and attempts of
   * their deliveries. An event that is kept already, under the same id, gets these deliveries instead of its own, and loses its
   * body where this one has none. Rejects, with nothing changed, where an event of another id has the same source and key. Passes
   * over events that were erased here. No router uses the store meanwhile. Texts replace those of the same key. Keys of removed
   * events are kept where the store keeps such keys, else left out; those of erased events are kept by every store that can erase.
   */
  restore?(events: readonly StoredEvent[], others?: StoredOthers): Promise<void>;
  /**
   * Only of stores that a process can open while others use them; such a store with `restore` or `clear` has it, because the command asks it
   * before it calls these. Who uses the store, whether or not this one is open; its own lock does not count, heartbeats do that are sent through it meanwhile.
   * Changes nothing, also where the store was written by an earlier version. Takes a few seconds at most where a router has just been killed, and does not return that router.
   */
  users?(): Promise<StoreUsers>;
  /**
   * Only of stores that outlive their process: all that they keep, as it is at this moment. Works whether or not this store is
   * open, also while routers of other processes use it, which it neither stops nor delays. Changes nothing, and rejects where
   * the store was written by another version, or was never opened.
   */
  snapshot?(): Promise<Snapshot>;
  /**
   * Only of stores that can be copied into: removes everything and keeps these texts and keys, in one step. The store is open, and no
   * router uses it.
   */
  clear?(keep?: StoredOthers): Promise<void>;
}
export const Store: NamedToken<Store> = token('switchhook.Store');
