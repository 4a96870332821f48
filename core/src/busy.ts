/** A resolver that has no room for one more look-up: a miss, and not its fault. */

const brand = Symbol.for('switchhook.busy');

/** To be thrown by `resolve` where all connections, say, are in use: the look-up is `busy`, and the breaker does not count it. */
export function busy(reason: string): Error {
  return Object.assign(new Error(reason), { [brand]: true });
}

/** Whether something thrown is made by `busy`, also by that of another copy of this package. */
export function isBusy(thrown: unknown): thrown is Error {
  return thrown instanceof Error && brand in thrown;
}
