/** The expressions of the configuration: CEL, compiled and checked when the file is read, evaluated as often as needed. */
import { type ASTNode, type Environment, EvaluationError, type ParseResult } from '@marcbachmann/cel-js';
import { type Expression, ExpressionError, type JsonValue, type Scope } from '@switchhook/sdk';
import { expressionProblem, type Names, plainTypes, problemOf } from './diagnose.js';
import { explainedParts } from './explain.js';
import { environmentWithFunctions, isMissing, jsonOf, knownFields } from './language.js';
import { checkPatterns, checkTimeZones } from './lint.js';
import { isTooMuch, makeCount, withAllSteps } from './steps.js';
import { renameCalls } from './tree.js';

/**
 * Compiles CEL. Throws an `ExpressionProblem` where it is wrong. `variables` are the names it may use; with `result`
 * the value must be able to be of that type. `others` are names for the words of a problem.
 */
export function compileExpression(
  text: string,
  variables: readonly string[],
  result?: 'bool',
  others: Omit<Names, 'variables'> = {},
): Expression {
  const { checking, evaluating } = environmentsFor(variables);
  const checked = checkedTree(text, checking);
  if (!checked.valid) throw expressionProblem(checked.error, text, { variables, ...others }, checking);
  if (result === 'bool' && checked.type !== 'bool' && !checked.type?.startsWith('dyn'))
    throw problemOf('EXPRESSION_TYPE', `a condition must be true or false, this is ${plainTypes(checked.type ?? '')}`);
  const plain = treeOf(text, evaluating).ast;
  checkTimeZones(plain);
  checkPatterns(plain);
  const tree = countingTreeOf(text, evaluating);
  const evaluate = (part: string, scope: Scope) => evaluated(countingTreeOf(part, evaluating), part, scope);
  const reading = { variables, parse: (part: string) => treeOf(part, evaluating).ast, evaluate };
  return {
    text,
    evaluate: (scope) => evaluated(tree, text, scope),
    explain: (scope) => explainedParts(plain, reading, scope),
  };
}

/** The tree of an expression that has been compiled before. */
export function treeIn(text: string): ASTNode {
  return treeOf(text, parent).ast;
}

/** Whether a name can be a variable: CEL and its types keep some for themselves. */
export function isVariableName(name: string): boolean {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name in {}) return false;
  const environment = parent.clone();
  if (environment.hasVariable(name)) return false;
  try {
    return environment.registerVariable(name, 'dyn').parse(name).ast.op === 'id';
  } catch {
    // Reserved words are refused by throwing.
    return false;
  }
}

interface Environments {
  /** With the fields of our own variables. */
  readonly checking: Environment;
  /** Takes every variable as it is: declared fields would wrap each value in a map of its own, 0.07 µs per evaluation. */
  readonly evaluating: Environment;
}

const parent = environmentWithFunctions();
const environments = new Map<string, Environments>();

function environmentsFor(variables: readonly string[]): Environments {
  const key = variables.join(' ');
  const known = environments.get(key);
  if (known !== undefined) return known;
  const checking = parent.clone();
  const evaluating = parent.clone();
  for (const name of new Set(variables)) {
    const schema = Object.hasOwn(knownFields, name) ? knownFields[name as keyof typeof knownFields] : undefined;
    if (schema === undefined) checking.registerVariable(name, 'dyn');
    else checking.registerVariable({ name, schema });
    evaluating.registerVariable(name, 'dyn');
  }
  const made = { checking, evaluating };
  environments.set(key, made);
  return made;
}

function checkedTree(text: string, environment: Environment) {
  try {
    return treeOf(text, environment).check();
  } catch (error) {
    return { valid: false, error, type: undefined } as const;
  }
}

/** Parses; calls of functions that we replace become calls of ours. */
function treeOf(text: string, environment: Environment): ParseResult {
  const tree = environment.parse(text);
  renameCalls(tree.ast);
  return tree;
}

/** A tree to be evaluated. */
function countingTreeOf(text: string, environment: Environment): ParseResult {
  const tree = treeOf(text, environment);
  makeCount(tree.ast);
  return tree;
}

function evaluated(tree: ParseResult, text: string, scope: Scope): JsonValue {
  // A missing field is an everyday result of `where`, and its stack is useless: capturing two of them takes 7 of 10 µs.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return jsonOf(rawValueOf(tree, scope));
  } catch (error) {
    const place = placeOf(error, text);
    throw new ExpressionError(reasonFor(error, place), isMissing(error), place);
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The library takes a key `constructor` for the class of its object: where evaluation fails, such objects become maps. */
function rawValueOf(tree: ParseResult, scope: Scope): unknown {
  try {
    return withAllSteps(() => tree(scope));
  } catch (error) {
    if (isMissing(error) || isTooMuch(error)) throw error;
    const names = Object.keys(scope);
    // One by one, when they are read: a scope may note which of its values are used.
    const mapped = names.map((name) => [name, { enumerable: true, get: () => withMaps(scope[name]) }] as const);
    return withAllSteps(() => tree(Object.defineProperties({}, Object.fromEntries(mapped))));
  }
}

function withMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMaps);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, withMaps(inner)] as const);
  return Object.hasOwn(value, 'constructor') ? new Map(entries) : Object.fromEntries(entries);
}

/** Messages that end in a value of the event. */
const revealing = new Set([
  'bool_conversion_error',
  'invalid_duration',
  'invalid_regular_expression',
  'numeric_overflow',
]);

/** What an expression failed at, as it is written. */
function placeOf(error: unknown, text: string): string {
  if (!(error instanceof EvaluationError) || error.node === undefined) return '';
  // The range starts at the field's name, the node at the name of the variable.
  return text.slice(error.node.start, error.node.end).replace(/\s+/g, ' ');
}

function reasonFor(error: unknown, place: string): string {
  if (!(error instanceof EvaluationError))
    return error instanceof RangeError ? error.message : 'the expression cannot be evaluated with these values';
  if (isMissing(error) && place !== '') return `${place} is missing`;
  const summary = revealing.has(error.code) ? error.summary.replace(/:.*/s, '') : error.summary;
  return `${plainTypes(summary)}${place === '' ? '' : ` in ${place}`}`;
}
