/** What routers that share a store exchange: which of them run, and the limits that hold for all of them together. */

/** A heartbeat of a router. */
export interface RouterBeat {
  readonly id: string;
  /** Grows with each sign: a router whose number does not grow any more is gone. */
  readonly beat: number;
  /** What it reports about itself. */
  readonly report: string;
}

/** A heartbeat as a store returns it. */
export interface SeenBeat extends RouterBeat {
  /**
   * How many milliseconds ago the store kept it, by the one clock that it uses for all routers. Missing or null = unknown, e.g. of a router of an
   * earlier version: one that starts then takes it for just sent, and notices after a while only that no further one follows.
   */
  readonly ageMs?: number | null;
}

/** Tokens of a bucket that all routers share. */
export interface TokenRequest {
  /** Which bucket: the name of a destination. */
  readonly key: string;
  /** At least 1. */
  readonly tokens: number;
  /** In how many milliseconds the bucket gets a token; not always a whole number. */
  readonly tokenMs: number;
  /** How many it holds at most: one that was not used for a while, or never, holds them. */
  readonly capacity: number;
}

/** A text that is kept for a while. */
export interface SharedText {
  readonly key: string;
  readonly text: string;
  /** Until when, in milliseconds since the epoch by the clock of this router. The store keeps the text for the time that is left until then. */
  readonly untilMs: number;
}

/**
 * Of stores that several routers share. Nothing of it has to be durable, in contrast to what the `Store` keeps: a store may lose all of it
 * in a crash. Methods may be called while the store is not open, and reject then; a rejection changes nothing else. They
 * never wait for what the methods of the `Store` wait for, such as a connection that commits use. The times of buckets and
 * texts are those of one clock: of the server that the routers share, if there is one.
 */
export interface Coordination {
  /**
   * After how many milliseconds without a heartbeat of this router its leases are ended: at least 5,000, at most 300,000. Each router
   * reports its own to the others. Default: 30,000.
   */
  readonly leaseMs?: number;
  /** Keeps the heartbeat of a router in place of its last one, and returns those of all routers, its own included, in one step. */
  beat(beat: RouterBeat): Promise<readonly SeenBeat[]>;
  /** Removes routers, each only where its last heartbeat is still this one. */
  remove(gone: readonly Pick<RouterBeat, 'id' | 'beat'>[]): Promise<void>;
  /**
   * Takes tokens, in the order of the requests, and returns in how many milliseconds they may be used: 0 where the bucket holds
   * them. Otherwise they are promised from then on, and further requests get later ones.
   */
  take(request: TokenRequest): Promise<number>;
  /**
   * The texts that are kept under these keys. Read while a phone rings: without connecting first, if possible. Look-ups
   * do not wait longer than 50 ms, and replies not longer than 250 ms.
   */
  texts(keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Keeps texts, each in place of one with the same key. Keys have at most 2,000 bytes, texts 64 kB; they contain no U+0000. */
  keepTexts(texts: readonly SharedText[]): Promise<void>;
  /** Keys of texts after a key (null = from the first one), in the store's order, at most `limit`; also of some that have ended. */
  textKeys(after: string | null, limit: number): Promise<readonly string[]>;
  /** Removes texts. */
  dropTexts(keys: readonly string[]): Promise<void>;
}
