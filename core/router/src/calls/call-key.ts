/** What makes two requests the same call, and two calls the same caller. */
import { type Call, isKnownCaller } from '@switchhook/sdk';

/**
 * The same for every request about one call, as far as that can be determined. Null if two requests may be about different calls:
 * no call id, and a caller who is not known.
 */
export function callKey(source: string, call: Call): string | null {
  if (call.id === null && !isKnownCaller(call)) return null;
  // Also with an id: if a platform sends an account's id as the call's, a caller must not get another caller's answer.
  return JSON.stringify([source, call.id, call.from, call.to, call.agent]);
}

/** The same for all calls of one caller that an answer treats alike; null if the caller is unknown. */
export function callerKey(answer: string, call: Call): string | null {
  return isKnownCaller(call) ? JSON.stringify([answer, call.from, call.to, call.agent]) : null;
}

/** The parts of a key: source, id, from, to and agent of the call. */
export function callOfKey(key: string): readonly [string, string, string, string, string] {
  // What `callKey` wrote; null has no place in any set of texts.
  return JSON.parse(key);
}

/** The parts of a key of `callerKey`: answer, from, to and agent. */
export function callerOfKey(key: string): readonly [string, string, string, string] {
  return JSON.parse(key);
}
