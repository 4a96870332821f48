/** The reader of the configuration in progress: options compile expressions through it. */
import type { Expression } from '../contract/expression.js';

/** Who reads a configuration: compiles its expressions and learns its secrets. */
export interface Reader {
  /** Compiles CEL. Throws an `ExpressionProblem`. `variables` are the names it may use; with `result` the value must be able to be of that type. */
  compile(text: string, variables: readonly string[], result?: 'bool'): Expression;
  /** Called with each secret that is read, so that it can be masked. */
  secret(value: string): void;
}

/** A mistake in an expression, with its place in the text. */
export interface ExpressionProblem {
  readonly code: 'EXPRESSION_SYNTAX' | 'EXPRESSION_UNKNOWN_NAME' | 'EXPRESSION_TYPE';
  readonly message: string;
  /** Characters from the start of the expression. */
  readonly offset: number;
}

const slot = Symbol.for('switchhook.reader');

const holder = globalThis as { [slot]?: Reader };

/** Runs a zod parse on behalf of a reader. The reader is held globally by symbol: plugins may come with their own copy of this package. */
export function reading<T>(reader: Reader, parse: () => T): T {
  const outer = holder[slot];
  holder[slot] = reader;
  try {
    return parse();
  } finally {
    if (outer === undefined) delete holder[slot];
    else holder[slot] = outer;
  }
}

export function reader(): Reader {
  const current = holder[slot];
  if (current === undefined)
    throw new Error(
      'options with secrets or expressions are parsed by the router, or by createComponent of the testkit',
    );
  return current;
}
