/** The file as a tree: values, and where each of them stands. Aliases and merge keys have been followed. */
import type { ErrorCode } from '@switchhook/sdk/internal';
import type { Path } from './problem.js';

interface Place {
  /** Characters from the start of the file. */
  readonly start: number;
  readonly end: number;
  /** Nodes in it, aliases followed. */
  readonly size: number;
  /** Levels in it, aliases followed. */
  readonly depth: number;
}

export interface ScalarNode extends Place {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  readonly style: 'plain' | 'single' | 'double' | 'block';
  /** The text before variables were put in. */
  readonly written: string;
  /** Where the value came from, piece by piece, where variables were put in; null otherwise. */
  readonly segments: readonly Segment[] | null;
  /** True if a variable or an anchor is missing: the value is unknown. */
  readonly broken: boolean;
}

/** A piece of a value: copied from the written text, or put in at one place of it. */
export interface Segment {
  readonly written: number;
  readonly length: number;
  readonly copied: boolean;
  /** Whether it came out of the environment or a file: a default is written here. */
  readonly variable: boolean;
}

export interface MapNode extends Place {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
}

/** A key and its value. */
export interface Entry {
  readonly keyStart: number;
  readonly node: TreeNode;
}

export interface ListNode extends Place {
  readonly kind: 'list';
  readonly items: readonly TreeNode[];
}

export type TreeNode = ScalarNode | MapNode | ListNode;

/** Something wrong with the file itself, or at a character of it. */
export interface Diagnostic {
  readonly code: ErrorCode;
  readonly message: string;
  /** Null = the file itself. */
  readonly offset: number | null;
  readonly path: Path;
  readonly hint?: string;
}

/** The node a path leads to; null where it leads nowhere. */
export function nodeAt(root: TreeNode | null, path: Path): TreeNode | null {
  let node: TreeNode | null = root;
  for (const step of path) {
    if (node?.kind === 'map') node = node.entries.get(String(step))?.node ?? null;
    else node = node?.kind === 'list' ? (node.items[Number(step)] ?? null) : null;
  }
  return node;
}

/** The plain value of a node. `instead` replaces scalars by what they shall be. */
export function plainOf(node: TreeNode, instead: ReadonlyMap<TreeNode, unknown> = new Map()): unknown {
  switch (node.kind) {
    case 'scalar':
      return instead.has(node) ? instead.get(node) : node.value;
    case 'list':
      return node.items.map((item) => plainOf(item, instead));
    case 'map':
      return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainOf(entry.node, instead)]));
  }
}

/** Whether a key is written with nothing behind it. */
export function isNothing(node: TreeNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** All scalars in a node, each once however many aliases lead to it. */
export function scalarsIn(node: TreeNode, seen: Set<TreeNode> = new Set()): readonly ScalarNode[] {
  if (seen.has(node)) return [];
  seen.add(node);
  return node.kind === 'scalar' ? [node] : childrenOf(node).flatMap((child) => scalarsIn(child, seen));
}

/** All scalars in a node with their paths. */
export function* placedScalars(node: TreeNode, path: Path): Iterable<readonly [Path, ScalarNode]> {
  if (node.kind === 'scalar') yield [path, node];
  else if (node.kind === 'list')
    for (const [index, item] of node.items.entries()) yield* placedScalars(item, [...path, index]);
  else for (const [key, entry] of node.entries) yield* placedScalars(entry.node, [...path, key]);
}

/** What came out of the environment or a file. */
export function variablesIn({ value, segments }: ScalarNode): readonly string[] {
  let start = 0;
  return (segments ?? []).flatMap(({ length, variable }) => {
    const piece = String(value).slice(start, start + length);
    start += length;
    return variable ? [piece] : [];
  });
}

/** What stands directly in a node. */
export function childrenOf(node: TreeNode): readonly TreeNode[] {
  if (node.kind === 'map') return [...node.entries.values()].map((entry) => entry.node);
  return node.kind === 'list' ? node.items : [];
}

/** Where in the file the character at `offset` of the written text stands. Walks both side by side, as YAML read them. */
export function sourceOffset(source: string, node: ScalarNode, offset: number): number {
  const { written, style } = node;
  let at = contentStart(source, node);
  for (let done = 0; done < offset && at < node.end; ) {
    if (style === 'double' && source[at] === '\\') {
      const length = escapeLength(source, at);
      // An escaped end of line stands for nothing; \U00010000 and above for two characters.
      if (length > 0) done += length === 10 && (written.codePointAt(done) ?? 0) > 0xffff ? 2 : 1;
      at += Math.max(length, 2);
    } else if (style === 'single' && source.startsWith("''", at)) {
      at += 2;
      done++;
    } else if (source[at] === written[done] || (source[at] === '\n' && written[done] === ' ') || !isBlank(source[at])) {
      at++;
      done++;
    } else at++;
  }
  while (at < node.end && isBlank(source[at]) && source[at] !== written[offset]) at++;
  return at;
}

function contentStart(source: string, { style, start }: ScalarNode): number {
  if (style === 'plain') return start;
  return style === 'block' ? source.indexOf('\n', start) + 1 : start + 1;
}

function escapeLength(source: string, at: number): number {
  const kind = source[at + 1];
  if (kind === '\n' || kind === '\r') return 0;
  return kind === 'x' ? 4 : kind === 'u' ? 6 : kind === 'U' ? 10 : 2;
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\n' || character === '\r';
}
