/** Refusing a request: the exception that carries a code for the sender and a reason for the log. */
import { type RefusalCode, statusOf } from './codes.js';

const brand = Symbol.for('switchhook.refusal');

/** A refused request. Recognised by its mark, not its class, so that a plugin with its own copy of this package is understood. */
export interface Refusal extends Error {
  readonly code: RefusalCode;
  readonly status: number;
}

/**
 * Makes a refusal to be thrown. The sender sees the status and the code, the log also the reason: one line, without
 * secrets and without parts of the body.
 */
export function refuse(code: RefusalCode, reason: string): Refusal {
  const error = new Error(reason);
  return Object.assign(error, { name: 'Refusal', code, status: statusOf(code), [brand]: true });
}

/** Whether something thrown is a refusal. */
export function isRefusal(thrown: unknown): thrown is Refusal {
  return typeof thrown === 'object' && thrown !== null && brand in thrown;
}
