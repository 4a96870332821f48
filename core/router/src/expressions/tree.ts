/** The tree of an expression: its nodes, and the functions whose calls are renamed in it. */
import type { ASTNode } from '@marcbachmann/cel-js';

/**
 * Functions of CEL's library that are replaced by ours, and how ours are called: the library does not let one be overridden. Its
 * `duration(string)` would be assumed wherever a value's type is not known; its `matches` takes exponential time.
 */
export const renamed = { duration: 'durationOf', matches: 'matchesPattern' } as const;

/** Renames the calls in a tree. */
export function renameCalls(whole: ASTNode): void {
  for (const { op, args } of nodesIn(whole)) {
    if (op === 'call' && args[0] === 'duration') args[0] = renamed.duration;
    if (op === 'rcall' && args[0] === 'matches') args[0] = renamed.matches;
  }
}

/** A text about a tree, or its serialized form, with the names that the author has written. */
export function withWrittenNames(text: string): string {
  return text.replaceAll(renamed.duration, 'duration').replaceAll(renamed.matches, 'matches');
}

/** A node and all that stand in it. */
export function* nodesIn(part: unknown): Generator<ASTNode> {
  if (Array.isArray(part)) for (const inner of part) yield* nodesIn(inner);
  if (!isNode(part)) return;
  yield part;
  yield* nodesIn(part.args);
}

/** The nodes that stand directly in one. */
export function directlyIn({ args }: ASTNode): readonly ASTNode[] {
  const found = (part: unknown): readonly ASTNode[] =>
    isNode(part) ? [part] : Array.isArray(part) ? part.flatMap(found) : [];
  return found(args);
}

function isNode(part: unknown): part is ASTNode {
  return typeof part === 'object' && part !== null && 'op' in part;
}
