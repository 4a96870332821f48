/** A configuration file that has been read: its values, and where in the file each of them stands. */
import type { ErrorCode } from '../errors.js';
import { hintOf, inOrder, type Path, type Problem, pathText } from './problem.js';
import { sourceOffset } from './scalar-source.js';

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
  /** How it is written, and the text before variables were put in. */
  readonly style: 'plain' | 'single' | 'double' | 'block';
  readonly written: string;
  /** Where the value came from, piece by piece, where variables were put in; null otherwise. */
  readonly stretches: readonly Stretch[] | null;
  /** True where a variable is missing: what the value is, nobody knows. */
  readonly broken: boolean;
}

/** A piece of a value: copied from the written text, or put in at one place of it. */
export interface Stretch {
  readonly written: number;
  readonly length: number;
  readonly copied: boolean;
}

export interface MapNode extends Place {
  readonly kind: 'map';
  /** Merged maps included. */
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface ListNode extends Place {
  readonly kind: 'list';
  readonly items: readonly TreeNode[];
}

export type TreeNode = ScalarNode | MapNode | ListNode;

/** A key and its value. */
export interface Entry {
  readonly keyStart: number;
  readonly node: TreeNode;
}

/** Where exactly a problem is, and what to do about it. */
export interface Mark {
  /** Default `value`. */
  readonly at?: 'key' | 'value';
  /** Characters into the scalar's value. */
  readonly offset?: number;
  readonly hint?: string | undefined;
  /** True where the value must not be shown. */
  readonly secret?: boolean;
}

/** What of a file a document is made of. */
export interface DocumentParts {
  readonly file: string;
  readonly directory: string;
  readonly source: string;
}

/** Long lines are shown around the mark. */
const excerptWidth = 120;

/** Sections whose values may be secrets somebody wrote into the file: an excerpt does not show them. */
const publicSections: ReadonlySet<string> = new Set(['version', 'log', 'plugins', 'routes', 'answers']);

export class ConfigDocument {
  readonly file: string;
  readonly directory: string;
  /** Null where the file cannot be read at all. */
  readonly root: TreeNode | null;
  readonly #source: string;
  readonly #lineStarts: readonly number[];
  readonly #problems: Problem[] = [];
  #hidden: ReadonlyMap<number, readonly ScalarNode[]> | null = null;

  /** `build` makes the tree and says what is wrong with it. */
  constructor(parts: DocumentParts, build: (document: ConfigDocument) => TreeNode | null) {
    this.file = parts.file;
    this.directory = parts.directory;
    this.#source = parts.source;
    this.#lineStarts = [0, ...[...parts.source.matchAll(/\n/g)].map(({ index }) => index + 1)];
    this.root = build(this);
  }

  /** What has been reported so far, in the order of the file. */
  get problems(): readonly Problem[] {
    return inOrder(this.#problems);
  }

  /** The node a path leads to; null where it leads nowhere. */
  node(path: Path): TreeNode | null {
    let node: TreeNode | null | undefined = this.root;
    for (const step of path) {
      if (node?.kind === 'map') node = node.entries.get(String(step))?.node;
      else node = node?.kind === 'list' ? node.items[Number(step)] : null;
    }
    return node ?? null;
  }

  /** Reports a problem; where the path leads nowhere, at the deepest key on the way. Says nothing about values that a missing variable left open. */
  report(code: ErrorCode, path: Path, message: string, mark: Mark = {}): void {
    const node = this.node(path);
    if (node?.kind === 'scalar' && node.broken) return;
    const scalar = node?.kind === 'scalar' && mark.at !== 'key' ? node : null;
    const offset = scalar !== null && mark.offset !== undefined ? this.#inScalar(scalar, mark.offset) : this.#start(path, mark.at);
    this.reportAt(code, offset, path, message, mark.hint, mark.secret === true ? null : scalar);
  }

  /** Reports a problem at a character of the file. `shown` may be seen in the excerpt. */
  reportAt(code: ErrorCode, offset: number, path: Path, message: string, hint = hintOf(code), shown: TreeNode | null = null): void {
    const line = this.#lineOf(offset);
    const start = this.#lineStarts[line - 1] ?? 0;
    const excerpt = this.#excerpt(line, offset, shown);
    this.#problems.push({ code, file: this.file, line, column: offset - start + 1, path: pathText(path), message, hint, excerpt });
  }

  /** Reports that the file itself is the problem. */
  reportFile(code: ErrorCode, message: string, hint = hintOf(code)): void {
    this.#problems.push({ code, file: this.file, line: 0, column: 0, path: '', message, hint, excerpt: null });
  }

  /** The line a character stands in, from 1. */
  lineAt(offset: number): number {
    return this.#lineOf(offset);
  }

  #start(path: Path, at: Mark['at']): number {
    const node = this.node(path);
    const last = path.at(-1);
    if (path.length === 0 || last === undefined) return node?.start ?? 0;
    const parent = this.node(path.slice(0, -1));
    const entry = parent?.kind === 'map' ? parent.entries.get(String(last)) : undefined;
    if (node === null) return this.#start(path.slice(0, -1), 'key');
    return entry !== undefined && (at === 'key' || node.start === node.end) ? entry.keyStart : node.start;
  }

  #inScalar(node: ScalarNode, offset: number): number {
    let before = 0;
    let written = node.stretches === null ? offset : node.written.length;
    for (const stretch of node.stretches ?? []) {
      if (offset < before + stretch.length) {
        written = stretch.written + (stretch.copied ? offset - before : 0);
        break;
      }
      before += stretch.length;
    }
    return sourceOffset(this.#source, node, written);
  }

  #lineOf(offset: number): number {
    let low = 0;
    let high = this.#lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  #excerpt(line: number, offset: number, shown: TreeNode | null): Problem['excerpt'] {
    const start = this.#lineStarts[line - 1] ?? 0;
    const end = (this.#lineStarts[line] ?? this.#source.length + 1) - 1;
    const visible = (to: number): string => {
      if (this.root === null) return this.#source.slice(start, to).replace(/([:-]\s+)\S.*/, '$1…');
      let text = '';
      let from = start;
      for (const hidden of this.#hiddenIn(line)) {
        if (hidden === shown || hidden.start >= to) continue;
        text += `${this.#source.slice(from, hidden.start)}…`;
        from = Math.min(hidden.end, to);
      }
      return text + this.#source.slice(Math.min(from, to), to);
    };
    const column = visible(offset).length;
    const first = Math.max(0, column - excerptWidth / 2);
    return { text: visible(end).slice(first, first + excerptWidth).trimEnd(), column: column - first + 1 };
  }

  #hiddenIn(line: number): readonly ScalarNode[] {
    if (this.#hidden === null) {
      const byLine = new Map<number, ScalarNode[]>();
      for (const node of hiddenScalars(this.root)) {
        const list = byLine.get(this.#lineOf(node.start));
        if (list === undefined) byLine.set(this.#lineOf(node.start), [node]);
        else if (!list.includes(node)) list.push(node);
      }
      for (const list of byLine.values()) list.sort((a, b) => a.start - b.start);
      this.#hidden = byLine;
    }
    return this.#hidden.get(line) ?? [];
  }
}
