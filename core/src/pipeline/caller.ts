/** Who calls, as far as that can be known: the keys under which calls and what is known of callers are remembered. */
import type { Call } from '../contract/source.js';

/** Instead of a number; `''` is one of them. */
const withheld = /^(anonymous|blocked|no ?caller ?id|private|restricted|unavailable|unknown|withheld)?$/i;

/** Whether the call says who calls: a number or a SIP user. Two callers who withhold their numbers look the same. */
export function isKnownCaller({ from }: Pick<Call, 'from'>): boolean {
  const address = (/<([^>]*)>/.exec(from)?.[1] ?? from).trim();
  const user = address.replace(/^(sips?|tel):/i, '').replace(/[@;].*$/s, '');
  return !withheld.test(user.trim());
}

/**
 * The same for every request about one call, as far as can be told. Null where two requests may be about different calls:
 * no call id, and a caller who is not known.
 */
export function callKey(source: string, call: Call): string | null {
  if (call.id !== null) return JSON.stringify([source, call.id]);
  return isKnownCaller(call) ? JSON.stringify([source, call.from, call.to, call.agent]) : null;
}

/** The same for every call to which an answer would tell the same of the same caller; null where it is not known who calls. */
export function callerKey(answer: string, call: Call): string | null {
  return isKnownCaller(call) ? JSON.stringify([answer, call.from, call.to, call.agent]) : null;
}
