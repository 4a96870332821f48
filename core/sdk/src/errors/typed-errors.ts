/** Errors with a meaning to the router. Each is recognised by a symbol, so that two copies of this package agree. */
const expressionBrand = Symbol.for('switchhook.expression-error');

/** An expression that cannot be evaluated. The message is one line and holds names and types, never values. */
export class ExpressionError extends Error {
  readonly [expressionBrand] = true;
  override readonly name = 'ExpressionError';

  constructor(
    message: string,
    /** True where a field or variable is not there; false where the values do not fit together. */
    readonly missing: boolean,
    /** What is not there, as it is written, e.g. `customer.first_name`; empty where that is not known. */
    readonly place: string = '',
    /** The option whose template it is in, e.g. `values.name`; empty where that is not known. */
    readonly option: string = '',
  ) {
    super(message);
  }
}

/** Whether something thrown is an `ExpressionError`, also one of another copy of this package. */
export function isExpressionError(thrown: unknown): thrown is ExpressionError {
  return typeof thrown === 'object' && thrown !== null && expressionBrand in thrown;
}

const busyBrand = Symbol.for('switchhook.busy');

/** To be thrown by `resolve` if, for example, all connections are in use: the look-up is `busy`, and the breaker does not count it. */
export function busy(reason: string): Error {
  return Object.assign(new Error(reason), { [busyBrand]: true });
}

/** Whether something thrown is made by `busy`, also by that of another copy of this package. */
export function isBusy(thrown: unknown): thrown is Error {
  return thrown instanceof Error && busyBrand in thrown;
}

const fetchBrand = Symbol.for('switchhook.fetch-error');

/** No response: refused connection, unknown host, TLS trouble, a forbidden address, a timeout of the connection. */
export class FetchError extends Error {
  readonly [fetchBrand] = true;
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
  return typeof thrown === 'object' && thrown !== null && fetchBrand in thrown;
}

/** The message of an error, or the text of anything else. Throws nothing. */
export function errorMessage(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown);
  } catch {
    // It cannot even be made a text.
    return 'it threw something that is no error';
  }
}

const notReadyBrand = Symbol.for('switchhook.not-ready');

/**
 * To be thrown by `resolve` if its data was never read or reached, and it will become available by itself: the
 * look-up is `failed`, and the breaker does not count it, because an open breaker would skip it when it is ready.
 */
export function notReady(reason: string): Error {
  return Object.assign(new Error(reason), { [notReadyBrand]: true });
}

/** Whether something thrown is made by `notReady`, also by that of another copy of this package. */
export function isNotReady(thrown: unknown): thrown is Error {
  return thrown instanceof Error && notReadyBrand in thrown;
}
