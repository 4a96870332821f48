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
  /** Its parts, left to right, with the result of each: to explain its result to an operator. Never throws. */
  explain?(scope: Scope): readonly ExplainedPart[];
}

/** What a part of an expression came to. Long values are cut. */
export interface ExplainedValue {
  /** As written in the file. */
  readonly text: string;
  /** Null where it could not be evaluated. */
  readonly value: JsonValue;
  /** Why it could not be evaluated; null where it could. */
  readonly failure: string | null;
}

/** A part of an expression that is put together with `&&`, `||` and `!`. */
export interface ExplainedPart extends ExplainedValue {
  /** True where the whole came to what it did because of this part. */
  readonly decides: boolean;
  /** What the part was made from, e.g. the sides of a comparison; without constants. */
  readonly operands: readonly ExplainedValue[];
}

/** An option with `${{ … }}` in it, compiled. */
export interface Template<T extends JsonValue = JsonValue> {
  /** True where no expression is in it: every `render` gives the same. */
  readonly constant: boolean;
  /** Fills the expressions in. Throws an `ExpressionError` where one cannot be evaluated. */
  render(scope: Scope): T;
}

/** An option that is a text with `${{ … }}` in it, compiled. */
export interface TextTemplate extends Template<string> {
  /** What stands before the first expression, and so in every `render`: all of it where it is constant. */
  readonly prefix: string;
}
