/** Expressions and templates, as a component is handed them. */
import type { JsonValue } from './json.js';

/** The variables an expression may use, by name. */
export type Scope = Readonly<Record<string, unknown>>;

/** A compiled CEL expression. Compiled when the configuration is read, evaluated as often as needed, without side effects. */
export interface Expression {
  /** As written in the file. */
  readonly text: string;
  /** Throws an `ExpressionError` where it cannot be evaluated, e.g. a missing field. Integers come back as numbers. */
  evaluate(scope: Scope): JsonValue;
}

/** An option with `${{ … }}` in it, compiled. */
export interface Template<T extends JsonValue = JsonValue> {
  /** True where no expression is in it: every `render` gives the same. */
  readonly constant: boolean;
  /** Fills the expressions in. Throws an `ExpressionError` where one cannot be evaluated. */
  render(scope: Scope): T;
}
