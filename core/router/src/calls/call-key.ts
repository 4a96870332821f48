/** What makes two requests the same call, and two calls the same caller. */
import type { Call } from '@switchhook/sdk';

/** Whether the call says who calls. Two callers who withhold their numbers look the same. */
export function isKnownCaller({ from }: Pick<Call, 'from'>): boolean {
  return from !== '';
}

/**
 * The same for every request about one call, as far as can be told. Null where two requests may be about different calls:
 * no call id, and a caller who is not known.
 */
export function callKey(source: string, call: Call): string | null {
  if (call.id === null && !isKnownCaller(call)) return null;
  // With an id, too: one that is not the call's own, but an account's, must not tell a caller what another one was told.
  return JSON.stringify([source, call.id, call.from, call.to, call.agent]);
}

/** The same for every call to which an answer would tell the same of the same caller; null where it is not known who calls. */
export function callerKey(answer: string, call: Call): string | null {
  return isKnownCaller(call) ? JSON.stringify([answer, call.from, call.to, call.agent]) : null;
}
