/** What passes between a source and the router: requests, calls, answers. */
import type { EventDraft } from './event.js';
import type { JsonObject } from './json.js';

/** A request as it came over the wire. Nothing is decoded besides the URL and the transfer encoding. */
export interface RawRequest {
  readonly method: string;
  /** What follows `/hooks/{source}` in the path, percent-decoded, without a leading slash; `''` where nothing follows. */
  readonly rest: string;
  /** First value of each query parameter. */
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names; repeated headers are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The exact bytes. */
  readonly body: Uint8Array;
  /** IP address of the peer, or what `server.trustProxy` makes of `X-Forwarded-For`. */
  readonly remoteAddress: string;
  /** The URL the sender used: `server.publicUrl` + path + query. Some senders sign it. */
  readonly url: string;
  /** Milliseconds since the epoch, by the router's clock, when the body was complete. */
  readonly receivedAtMs: number;
}

/** A reply to be sent as it is. */
export interface HttpReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. Undefined = no body. */
  readonly body?: JsonObject;
  /** Sent as `text/plain` in place of `body`, so that no browser takes it for markup: at most 1,024 characters, no control characters. */
  readonly text?: string;
}

/** A ringing phone: who calls whom. What expressions see as `call`. */
export interface Call {
  /** The platform's id of the call, the same in all its tries; null where it sends none. */
  readonly id: string | null;
  /** The caller's number as sent; `''` = withheld. From the router on it is E.164 where it is a number, and `''` for `anonymous` and the like. */
  readonly from: string;
  /** The called number as sent. From the router on it is E.164 where it is a number. */
  readonly to: string;
  /** The agent the number belongs to; null where the platform names none. */
  readonly agent: string | null;
  /** The request's body, parsed. */
  readonly data: JsonObject;
}

/** The reply to a call request. */
export interface Answer {
  /** Flat: names to strings. */
  readonly variables: Readonly<Record<string, string>>;
  /** Another agent that shall take the call; null = the number's own. */
  readonly overrideAgent: string | null;
}

/** Which of the secrets, tokens or keys of a source a request has. */
export interface VerifiedBy {
  /** Its position in the list of the configuration, from 1. */
  readonly secret: number;
  /** How many there are in this list. */
  readonly of: number;
}

/** What a request turned out to be, once verified. */
export type Reception =
  | {
      readonly kind: 'events';
      readonly events: readonly EventDraft[];
      /** The secret that the request has, e.g. by `secretAt`; null = it needs none. Default: not known. */
      readonly verifiedBy?: VerifiedBy | null;
    }
  | {
      readonly kind: 'call';
      /** As that of events. */
      readonly verifiedBy?: VerifiedBy | null;
      /** The call as an event; routes can log it. It is recorded beside the answer, never before it. */
      readonly event: EventDraft;
      readonly call: Call;
      /** How long the platform waits for the reply, in milliseconds from `receivedAtMs`. */
      readonly deadlineMs: number;
      /**
       * For how long after its first request the platform may repeat its request about the same call. Default: `deadlineMs`. With
       * `answerBy: 'call'` the call is answered once in this time, also over restarts.
       */
      readonly retryMs?: number;
      /**
       * Writes the answer in the platform's format. Where it throws, `fallback` is sent. With `answerBy: 'call'`: acknowledges the request,
       * and is given an answer without variables.
       */
      reply(answer: Answer): HttpReply;
      /** The least the platform accepts. Must not throw. */
      fallback(): HttpReply;
    }
  /** The sender verifies the URL: nothing is recorded. For handshakes by GET, see `Source.handshake`. */
  | { readonly kind: 'handshake'; readonly reply: HttpReply };

/** Headers and the rest of the path that make a body acceptable to a source. */
export interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** To be appended to `/hooks/{source}`: a path with its leading slash, a query, or both; `''` = nothing. */
  readonly rest: string;
}
