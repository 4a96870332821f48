/** Events: verified messages of a sender. */
import type { JsonObject } from './json.js';

/**
 * One verified fact, as routes, expressions and destinations see it.
 * Immutable; the same object is handed to every destination.
 */
export interface Event {
  /** Ours: a UUIDv7, made when the event was received. */
  readonly id: string;
  /** What makes it the same event when the sender repeats it. Unique per source. */
  readonly key: string;
  /** Name of the source that received it, as in the configuration file. */
  readonly source: string;
  /** What happened, e.g. `conversation_ended`. Unknown types are kept as they came. */
  readonly type: string;
  /** Conversation or call id; null where the sender names none. Order is kept within a subject. */
  readonly subject: string | null;
  /** Id of the agent; null where the sender names none. */
  readonly agent: string | null;
  /** When it happened by the sender's clock; `receivedAt` if the sender sends no time. ISO 8601, UTC, milliseconds. */
  readonly occurredAt: string;
  /** When we received it, by our clock. ISO 8601, UTC, milliseconds. */
  readonly receivedAt: string;
  /** The body as it was sent, parsed. Unknown fields are kept. */
  readonly data: JsonObject;
}

/** What a source makes of a request: an event without the parts the router adds. */
export interface EventDraft {
  /** At most 512 characters. Two drafts of one source with the same key are the same event. */
  readonly key: string;
  /** At most 128 characters. */
  readonly type: string;
  /** At most 512 characters. */
  readonly subject: string | null;
  /** At most 256 characters. */
  readonly agent: string | null;
  /**
   * The other person's phone number or address, as sent; at most 256 characters. The router keeps it as E.164 where it is
   * a number: by it `recent` finds the history of a caller. Not part of `event`. Default: null, the sender does not send it.
   */
  readonly party?: string | null;
  /** Milliseconds since the epoch; null = the sender sends no time. */
  readonly occurredAtMs: number | null;
  /** Becomes `event.data`. */
  readonly data: JsonObject;
  /**
   * `data` as UTF-8 JSON, where the source has it already (usually the request's own body). It is stored as it is,
   * which spares writing the JSON again. Must parse to `data`.
   */
  readonly body?: Uint8Array;
}
