/** Why there is no HTTP response. */

const brand = Symbol.for('switchhook.fetch-error');

/** No response: refused connection, unknown host, TLS trouble, a forbidden address, a timeout of the connection. */
export class FetchError extends Error {
  readonly [brand] = true;
  override readonly name = 'FetchError';

  constructor(
    /** Short and stable: `ECONNREFUSED`, `ENOTFOUND`, `ADDRESS_FORBIDDEN`, … */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Whether something thrown is a `FetchError`, also one of another copy of this package. */
export function isFetchError(thrown: unknown): thrown is FetchError {
  return typeof thrown === 'object' && thrown !== null && brand in thrown;
}
