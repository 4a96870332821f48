/** A configuration file that has been read, and the list of what is wrong with it. */
import { resolve } from 'node:path';
import { ERRORS, type ErrorCode } from '@switchhook/sdk/internal';
import { inOrder, type Path, type Problem, pathText } from './problem.js';
import {
  childrenOf,
  type Diagnostic,
  nodeAt,
  type ScalarNode,
  scalarsIn,
  sourceOffset,
  type TreeNode,
} from './tree.js';

/** What a document is made of. */
export interface DocumentParts {
  /** As it was named. */
  readonly file: string;
  /** Absolute. */
  readonly directory: string;
  readonly source: string;
  /** Absolute paths of the files that were read for it, or looked for. Default: `file`. */
  readonly files?: readonly string[];
  /** Null where the file could not be read. */
  readonly root: TreeNode | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly warnings?: readonly Diagnostic[];
  /** The hint, in place of the one in the table of errors, which is about a configuration. */
  readonly hints?: Hints | undefined;
  /** False where the source is not what the file contains: then problems have a path, and no line. Default true. */
  readonly isPlaced?: boolean;
  /** Values that a program has put into the source as they are, and that no text may show. Default none. */
  readonly literals?: readonly string[];
}

/** Hints by code. */
export type Hints = Readonly<Partial<Record<ErrorCode, string>>>;

/** Where exactly a problem is, and what to do about it. */
export interface Mark {
  /** Default `value`. */
  readonly at?: 'key' | 'value';
  /** Characters into the scalar's value. */
  readonly offset?: number;
  readonly hint?: string | undefined;
  /** True where the excerpt must not show the value. */
  readonly secret?: boolean;
}

/** Excerpts of these sections show whole lines. In others a line may contain a secret: only names of variables are shown. */
const openSections: readonly string[] = ['version', 'log', 'routes', 'answers'];

/** Longer lists are not useful, and a broken file of a megabyte could have a hundred thousand problems. */
const mostProblems = 1_000;

const longestMessage = 400;

/** Long lines are shown around the mark. */
const excerptWidth = 120;

export class ConfigDocument {
  readonly file: string;
  readonly directory: string;
  readonly files: readonly string[];
  readonly root: TreeNode | null;
  readonly source: string;
  /** False where the source is what a program exports, as JSON. */
  readonly isFile: boolean;
  /** Values of the environment that the program has read itself. */
  readonly literals: readonly string[];
  readonly #lineStarts: readonly number[];
  readonly #private: readonly ScalarNode[];
  readonly #hints: Hints;
  readonly #problems: Problem[] = [];
  readonly #warnings: Problem[] = [];

  constructor(parts: DocumentParts) {
    const { file, directory, source, root, diagnostics, files = [resolve(file)] } = parts;
    const { warnings = [], hints = {}, isPlaced = true, literals = [] } = parts;
    this.file = file;
    this.files = files;
    this.directory = directory;
    this.root = root;
    this.source = source;
    this.isFile = isPlaced;
    this.literals = literals;
    this.#lineStarts = [0, ...[...source.matchAll(/\n/g)].map(({ index }) => index + 1)];
    this.#private = privateScalars(root);
    this.#hints = hints;
    for (const { code, message, offset, path, hint } of diagnostics)
      this.#add(this.#problems, code, path, message, offset, hint);
    for (const { code, message, offset, path } of warnings) this.#add(this.#warnings, code, path, message, offset);
  }

  /** What has been reported so far, in the order of the file. */
  get problems(): readonly Problem[] {
    return inOrder(this.#problems);
  }

  /** What is not wrong, but probably not meant, in the order of the file. */
  get warnings(): readonly Problem[] {
    return inOrder(this.#warnings);
  }

  /** `file:line:column` of a path, by default of its key; null where the file does not have it. */
  positionOf(path: Path, at: Mark['at'] = 'key'): string | null {
    if (!this.isFile || nodeAt(this.root, path) === null) return null;
    const offset = this.#start(path, at);
    const line = lastAtOrBefore(this.#lineStarts, offset);
    return `${this.file}:${line + 1}:${offset - (this.#lineStarts[line] ?? 0) + 1}`;
  }

  /**
   * Reports a problem; if the path does not exist, at its last existing key. Nothing is reported about a value with a
   * missing variable, or below an invalid key: that has its own problem already.
   */
  report(code: ErrorCode, path: Path, message: string, mark: Mark = {}): void {
    this.#say(this.#problems, code, path, message, mark);
  }

  /** Reports what is valid, but probably not intended. */
  warn(code: ErrorCode, path: Path, message: string, mark: Mark = {}): void {
    this.#say(this.#warnings, code, path, message, mark);
  }

  #say(list: Problem[], code: ErrorCode, path: Path, message: string, mark: Mark): void {
    if (path.includes('__proto__')) return;
    const node = nodeAt(this.root, path);
    if (node?.kind !== 'scalar' || mark.at === 'key') {
      this.#add(list, code, path, message, this.#start(path, mark.at), mark.hint);
      return;
    }
    if (node.broken) return;
    const offset = mark.offset === undefined ? this.#start(path, mark.at) : this.#inScalar(node, mark.offset);
    const shown = mark.secret === true ? null : node;
    this.#add(list, code, path, withoutVariables(message, node), offset, mark.hint, shown);
  }

  #add(
    list: Problem[],
    code: ErrorCode,
    path: Path,
    message: string,
    offset: number | null,
    hint: string = this.#hints[code] ?? ERRORS[code].hint,
    shown: TreeNode | null = null,
  ): void {
    if (list.length >= mostProblems) return;
    const about = { code, file: this.file, path: oneLine(pathText(path)), message: oneLine(message), hint };
    if (offset === null || !this.isFile) {
      list.push({ ...about, line: 0, column: 0, excerpt: null });
      return;
    }
    const line = lastAtOrBefore(this.#lineStarts, offset);
    const start = this.#lineStarts[line] ?? 0;
    const end = (this.#lineStarts[line + 1] ?? this.source.length + 1) - 1;
    const excerpt = this.#excerpt(start, end, offset, shown);
    const isUnmarked =
      ['YAML_SYNTAX', 'WRONG_TYPE'].includes(code) && /(?<!\$)\{\{/.test(this.source.slice(start, end));
    if (isUnmarked)
      about.hint = 'An expression is written with a dollar sign, and in quotes inside { }: "${{ call.from }}".';
    list.push({ ...about, line: line + 1, column: offset - start + 1, excerpt });
  }

  #start(path: Path, at: Mark['at']): number {
    const node = nodeAt(this.root, path);
    const last = path.at(-1);
    if (last === undefined) return node?.start ?? 0;
    const parentPath = path.slice(0, -1);
    const parent = nodeAt(this.root, parentPath);
    const entry = parent?.kind === 'map' ? parent.entries.get(String(last)) : undefined;
    if (node === null) return this.#start(parentPath, 'key');
    const isEmpty = node.start === node.end;
    return entry !== undefined && (at === 'key' || isEmpty) ? entry.keyStart : node.start;
  }

  #inScalar(node: ScalarNode, offset: number): number {
    if (node.segments === null) return sourceOffset(this.source, node, offset);
    let before = 0;
    for (const { written, length, copied } of node.segments) {
      if (offset < before + length) return sourceOffset(this.source, node, written + (copied ? offset - before : 0));
      before += length;
    }
    return sourceOffset(this.source, node, node.written.length);
  }

  #excerpt(start: number, end: number, offset: number, shown: TreeNode | null): Problem['excerpt'] {
    const hidden = this.#private.filter((node) => node !== shown && node.start < end && node.end > start);
    const visible = (to: number): string => {
      // Without a tree, values cannot be recognised: nothing is shown that could be one.
      if (this.root === null) return this.source.slice(start, to).replace(/([:-]\s+)\S.*/, '$1…');
      let text = '';
      let from = start;
      for (const node of hidden) {
        if (node.start >= to) break;
        text += this.source.slice(from, node.start);
        // The mark of something within a hidden value stands where the value begins.
        if (node.end > to) return text;
        text += '…';
        from = node.end;
      }
      return text + this.source.slice(from, to);
    };
    const column = visible(offset).length;
    const first = Math.max(0, column - excerptWidth / 2);
    return {
      text: visible(end)
        .slice(first, first + excerptWidth)
        .trimEnd(),
      column: column - first + 1,
    };
  }
}

function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return line.length > longestMessage ? `${line.slice(0, longestMessage)}…` : line;
}

/** What came out of a variable may be a secret: a message does not repeat it. */
function withoutVariables(message: string, { segments, value }: ScalarNode): string {
  let start = 0;
  let safe = message;
  for (const { length, copied } of segments ?? []) {
    if (!copied && length > 3) safe = safe.replaceAll(String(value).slice(start, start + length), '…');
    start += length;
  }
  return safe;
}

function privateScalars(root: TreeNode | null): readonly ScalarNode[] {
  if (root?.kind !== 'map') return [];
  const sections = [...root.entries].filter(([key]) => !openSections.includes(key)).map(([, entry]) => entry.node);
  const rows = [...sections, ...sections.flatMap(childrenOf)];
  const named = nodeAt(root, ['plugins']);
  // The type of a component is no secret, nor is the name of a plugin.
  const types = rows.flatMap((row) => nodeAt(row, ['use']) ?? []);
  const names = (named === null ? [] : childrenOf(named)).filter(({ kind }) => kind === 'scalar');
  const seen = new Set([...types, ...names]);
  return sections
    .flatMap((section) => scalarsIn(section, seen))
    .filter((node) => !/^\$\{(file:)?[^}:]*\}$/.test(node.written))
    .sort((a, b) => a.start - b.start);
}

/** The index of the last of these ascending numbers that is not above `limit`. */
function lastAtOrBefore(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= limit) low = middle;
    else high = middle;
  }
  return low;
}
