/** What makes two requests the same call, and two calls the same caller. */
import { type Call, isKnownCaller } from '@switchhook/sdk';
import type { ErasedThings } from '../system/erasing.js';

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

/** Whether the call under this key of `callKey` is of an erased conversation, person or agent. */
export function isErasedCall(key: string, erased: ErasedThings): boolean {
  // What `callKey` wrote; null has no place in any set of texts.
  const [, id, ...caller]: readonly [string, string, string, string, string] = JSON.parse(key);
  return erased.subjects.has(id) || isErased(caller, erased);
}

/** Whether facts under this key of `callerKey` are about an erased person, or the callers of an erased agent. */
export function isOfErasedCaller(key: string, erased: ErasedThings): boolean {
  const [, ...caller]: readonly [string, string, string, string] = JSON.parse(key);
  return isErased(caller, erased);
}

/** An unknown agent is no erased one. */
function isErased([from, to, agent]: readonly [string, string, string | null], erased: ErasedThings): boolean {
  return [from, to].some((number) => erased.numbers.has(number)) || (agent !== null && agent === erased.agent);
}
