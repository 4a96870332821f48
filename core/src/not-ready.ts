/** A resolver that cannot look for anybody yet: a miss, and no reason to leave it alone later. */

const brand = Symbol.for('switchhook.not-ready');

/**
 * To be thrown by `resolve` where what it looks in was never read or reached, and it will say so itself once it was: the
 * look-up is `failed`, and the breaker does not count it, which would only keep it from being asked when it is ready.
 */
export function notReady(reason: string): Error {
  return Object.assign(new Error(reason), { [brand]: true });
}

/** Whether something thrown is made by `notReady`, also by that of another copy of this package. */
export function isNotReady(thrown: unknown): thrown is Error {
  return thrown instanceof Error && brand in thrown;
}
