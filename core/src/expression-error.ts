/** Why an expression has no value. */

const brand = Symbol.for('switchhook.expression-error');

/** An expression that cannot be evaluated. The message is one line and holds names and types, never values. */
export class ExpressionError extends Error {
  readonly [brand] = true;
  override readonly name = 'ExpressionError';

  constructor(
    message: string,
    /** True where a field or variable is not there; false where the values do not fit together. */
    readonly missing: boolean,
    /** What is not there, as it is written, e.g. `customer.first_name`; empty where that is not known. */
    readonly place: string = '',
  ) {
    super(message);
  }
}

/** Whether something thrown is an `ExpressionError`, also one of another copy of this package. */
export function isExpressionError(thrown: unknown): thrown is ExpressionError {
  return typeof thrown === 'object' && thrown !== null && brand in thrown;
}
