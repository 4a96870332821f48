/**
 * How much an expression may compute: event data decide how long lists and texts are, and evaluation blocks every call. CEL's library limits
 * what is written, not what is computed, so that the tree is changed: what loops or reads whole values counts its steps.
 */
import { type ASTNode, EvaluationError } from '@marcbachmann/cel-js';
import { directlyIn, nodesIn } from './tree.js';

/** One is about the evaluation of one operator, 40 ns: with all of them, evaluation takes about 0.1 s. */
export const mostSteps = 1_000_000;

let left = mostSteps;
/** Set when no steps are left. One for all places: a loop that catches it goes on to its end, and meets it each time. */
let exceeded: EvaluationError | null = null;

/** Evaluates with all steps. Throws where they are not enough, also if the expression has caught that itself. */
export function withAllSteps<T>(evaluate: () => T): T {
  left = mostSteps;
  exceeded = null;
  const value = evaluate();
  count(0);
  return value;
}

/** Takes steps. Throws an `EvaluationError` where none are left. */
export function count(steps: number): void {
  left -= steps;
  if (left >= 0) return;
  exceeded ??= new EvaluationError(tooMany);
  throw exceeded;
}

/** Whether evaluation has ended for want of steps. */
export function isTooMuch(error: unknown): boolean {
  return error instanceof EvaluationError && error.code === tooMany.code;
}

const tooMany = {
  code: 'too_many_steps',
  message: `these values need more than ${mostSteps} steps; use shorter lists and texts, or fewer loops within loops`,
};

/** Macros over lists, and which of their arguments is evaluated for each item. */
const loops = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
/** Read nothing but what they are asked for. */
const spared = new Set(['has', 'default', 'size', ...loops]);
const comparing = new Set(['==', '!=', '<', '<=', '>', '>=', '+']);

/** Changes a tree, before it is evaluated for the first time, so that evaluation counts its steps. `isRepeated` within a loop. */
export function makeCount(node: ASTNode, isRepeated = false): void {
  const readWhole = (read: readonly ASTNode[]): void => {
    if (isRepeated) for (const each of read) countAt(each, valueSteps);
  };
  if (node.op === 'rcall') {
    const [name, receiver, given] = node.args;
    const isLoop = loops.has(name) && given.length > 1;
    const isBinding = name === 'bind' && given.length === 3;
    makeCount(receiver, isRepeated);
    for (const [index, each] of given.entries())
      makeCount(each, isRepeated || (index > 0 && isLoop) || (index === 2 && isBinding));
    if (isLoop) {
      const operators = [...nodesIn(given)].length;
      countAt(receiver, (value) => operators * lengthOf(value));
    } else if (!spared.has(name) && !isBinding) readWhole([receiver, ...given]);
    return;
  }
  for (const inner of directlyIn(node)) makeCount(inner, isRepeated);
  if (node.op === 'call' && !spared.has(node.args[0])) readWhole(node.args[1]);
  if (comparing.has(node.op)) readWhole(directlyIn(node));
  if (node.op === 'in' && isRepeated) countAt(node.args[1], (value) => (Array.isArray(value) ? valueSteps(value) : 0));
}

/** What the library evaluates a node by; it replaces the method by a faster one when it is first called. */
interface Evaluated {
  evaluate(...given: unknown[]): unknown;
}

/** Counts the steps that a node's value takes, each time the node is evaluated. */
function countAt(node: ASTNode, stepsFor: (value: unknown) => number): void {
  if (node.op === 'value') return;
  const evaluated = node as unknown as Evaluated;
  let { evaluate } = evaluated;
  let isReplacing = false;
  const counting = (...given: unknown[]): unknown => {
    count(0);
    try {
      const value = evaluate.apply(evaluated, given);
      count(stepsFor(value));
      return value;
    } finally {
      isReplacing = false;
    }
  };
  Object.defineProperty(node, 'evaluate', {
    get: () => (isReplacing ? evaluate : counting),
    set: (faster: Evaluated['evaluate']) => {
      evaluate = faster;
      isReplacing = true;
    },
  });
}

/** How often a loop over a value is run. */
function lengthOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return value instanceof Map ? value.size : Object.keys(value).length;
}

/** For a value that is read from end to end. */
function valueSteps(value: unknown): number {
  if (typeof value === 'string') return value.length / 32;
  if (typeof value !== 'object' || value === null) return 0;
  let steps = 1;
  for (const inner of value instanceof Map || Array.isArray(value) ? value.values() : Object.values(value)) {
    steps += 0.25 + valueSteps(inner);
    if (steps > left) break;
  }
  return steps;
}
