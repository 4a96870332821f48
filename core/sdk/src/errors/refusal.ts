/** Refusing a request: the exception that carries a code for the sender and a reason for the log. */
import { type RefusalCode, statusOf } from './codes.js';

const brand = Symbol.for('switchhook.refusal');

/** A refused request. Recognised by its mark, not its class, so that a plugin with its own copy of this package is understood. */
export interface Refusal extends Error {
  readonly code: RefusalCode;
  readonly status: number;
  /** What was caught, where the refusal is about that. Its stack is for the log. */
  readonly cause?: unknown;
  /** What else a source knows about the request. */
  readonly about?: RefusedRequest;
}

/** What a source knows about a request that it refuses, for the operator. Nothing has verified it, and it has no secrets. */
export interface RefusedRequest {
  /** The agent that the request names; null = none. Left out where the source does not know. */
  readonly agent?: string | null;
  /**
   * Of a source whose agents have their own secrets, so that the secret of `agent` was expected: the agents whose secret fits in its
   * place, at most a few. Left out where the secrets are those of the whole source.
   */
  readonly secretOf?: readonly string[];
}

/** What can go with a refusal. */
export interface RefusalOptions {
  readonly cause?: unknown;
  readonly about?: RefusedRequest;
}

/**
 * Makes a refusal to be thrown. The sender sees the status and the code, the log also the reason: one line, without
 * secrets and without parts of the body. A caught error is passed on as `cause`: its stack is logged once, where the request is answered.
 * `about` is kept with the refused request, which `switchhook refused` lists.
 */
export function refuse(code: RefusalCode, reason: string, { about, ...options }: RefusalOptions = {}): Refusal {
  const error = new Error(reason, options);
  const marks = { name: 'Refusal', code, status: statusOf(code), [brand]: true };
  return Object.assign(error, marks, about !== undefined && { about });
}

/** Whether something thrown is a refusal. */
export function isRefusal(thrown: unknown): thrown is Refusal {
  return typeof thrown === 'object' && thrown !== null && brand in thrown;
}
