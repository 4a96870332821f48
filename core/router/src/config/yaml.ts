/** From YAML to a tree. The only file that uses the YAML library. */

import { didYouMean } from '@switchhook/sdk/internal';
import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type ParsedNode,
  Parser,
  type Range,
  type Scalar,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { interpolate, type Variables } from './interpolate.js';
import type { Path } from './problem.js';
import { type Diagnostic, type Entry, type ScalarNode, sourceOffset, type TreeNode } from './tree.js';

/** Levels of nesting. The library composes by recursion, and the regular expressions it then runs can end the process when the stack is short. */
const deepest = 100;

/** Nodes with all aliases followed. A file of a megabyte without aliases cannot have more. */
const mostNodes = 600_000;

/** A tree, or why there is none; with a tree, what is wrong with it. */
export interface ParsedYaml {
  readonly root: TreeNode | null;
  readonly diagnostics: readonly Diagnostic[];
}

export function parseYaml(source: string, variables: Variables): ParsedYaml {
  const documents = compose(source);
  if ('code' in documents) return { root: null, diagnostics: [documents] };
  const [first, second] = documents.filter((each, index) => index === 0 || each.contents !== null);
  const errors = syntaxDiagnostics(first, source);
  if (first === undefined || errors.length > 0) return { root: null, diagnostics: errors };
  const isEmpty = first.contents === null || (isScalar(first.contents) && first.contents.value === null);
  if (isEmpty) return { root: null, diagnostics: [{ ...nowhere, code: 'CONFIG_EMPTY', message: 'the file is empty' }] };
  const builder = new TreeBuilder(source, variables);
  if (second !== undefined)
    builder.report('YAML_SYNTAX', second.range[0], [], 'the file holds several documents; keep one');
  const root = builder.build(first.contents, [], 0);
  const endless = builder.diagnostics.find(({ code }) => code === 'YAML_ALIASES');
  return endless === undefined ? { root, diagnostics: builder.diagnostics } : { root: null, diagnostics: [endless] };
}

const nowhere = { offset: null, path: [] } as const;

function compose(source: string): readonly Document.Parsed[] | Diagnostic {
  const parser = new Parser();
  const composer = new Composer({
    merge: true,
    intAsBigInt: true,
    prettyErrors: false,
    resolveKnownTags: false,
    // Compares each key with all others: 40 s for 60,000 of them. The tree finds them by a map.
    uniqueKeys: false,
  });
  const tokens = [];
  for (const lexeme of new Lexer().lex(source)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > deepest)
      return { code: 'YAML_SYNTAX', message: `nested deeper than ${deepest} levels`, offset: parser.offset, path: [] };
  }
  for (const token of parser.end()) tokens.push(token);
  return [...composer.compose(tokens, true, source.length)];
}

/** Longer lines are not searched for suggestions: no person has written them. */
const longestLine = 1_000;

/** One complaint per line: what follows on a broken line is broken by it. None from where a broken line has ended the document on. */
function syntaxDiagnostics(document: Document.Parsed | undefined, source: string): readonly Diagnostic[] {
  const byLine = new Map<number, Diagnostic>();
  const tags = document?.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED') ?? [];
  const errors = document?.errors ?? [];
  const lost = errors.findIndex(({ message }) => / in YAML stream/.test(message));
  for (const error of [...(lost < 0 ? errors : errors.slice(0, Math.max(1, lost))), ...tags]) {
    const start = source.lastIndexOf('\n', error.pos[0] - 1) + 1;
    const end = source.indexOf('\n', error.pos[0]);
    const line = source.slice(start, end < 0 ? undefined : end).slice(0, longestLine);
    if (!byLine.has(start)) byLine.set(start, syntaxDiagnostic(error, line, source.slice(start, error.pos[0])));
  }
  return [...byLine.values()];
}

function syntaxDiagnostic({ code, message, pos }: YAMLError, line: string, before: string): Diagnostic {
  const diagnostic = { code: 'YAML_SYNTAX', offset: pos[0], path: [] } as const;
  if (code === 'TAB_AS_INDENT')
    return {
      ...diagnostic,
      message: 'a tab is used for indentation',
      hint: 'YAML indents with spaces only: replace the tabs.',
    };
  if (code === 'TAG_RESOLVE_FAILED')
    return {
      ...diagnostic,
      message: 'a value that starts with ! is a tag in YAML',
      hint: 'Put the whole value into quotes.',
    };
  const [, alias] = / at node end$/.test(message) ? (/(?:^|[\s[{,])(\*[^\s[\]{},]+\s*)$/.exec(before) ?? []) : [];
  if (alias !== undefined)
    return {
      ...diagnostic,
      offset: pos[0] - alias.length,
      message: 'a value that starts with * is an alias in YAML',
      hint: aliasHint,
    };
  return { ...diagnostic, message: message.charAt(0).toLowerCase() + message.slice(1), hint: hintFor(line) };
}

const aliasHint = 'Put a text that starts with * into quotes: "*New call*". An alias needs its anchor before it.';

/** What is most often wrong with a line like this one. */
function hintFor(line: string): string {
  const unquoted = line.replace(/((?:^|[:,[{-])\s*)(?:"(?:\\.|[^"\\])*"|'(?:''|[^'])*')/g, '$1');
  if (/\$\{\{(?:(?!\}\}).)*:\s/.test(unquoted))
    return 'Put the whole value into quotes, single ones where it holds double ones: \'${{ a ? "b" : "c" }}\'.';
  if (/[{[,].*\$\{/.test(unquoted)) return 'Inside { } and [ ], put ${…} into quotes: { port: "${PORT}" }.';
  return 'Check indentation and brackets; a value with ": ", " #" or quotes in it must itself be quoted.';
}

const styles = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_FOLDED: 'block',
  BLOCK_LITERAL: 'block',
} as const;

/** Follows aliases and merge keys, puts variables in, and keeps places. */
class TreeBuilder {
  readonly diagnostics: Diagnostic[] = [];
  readonly #source: string;
  readonly #variables: Variables;
  /** Null while the anchored node is being built. */
  readonly #anchors = new Map<string, TreeNode | null>();
  #followed = 0;

  constructor(source: string, variables: Variables) {
    this.#source = source;
    this.#variables = variables;
  }

  report(code: Diagnostic['code'], offset: number, path: Path, message: string, hint?: string): void {
    this.diagnostics.push({ code, offset, path, message, ...(hint !== undefined && { hint }) });
  }

  /** `at` is where a value is expected that is not there. */
  build(node: ParsedNode | null, path: Path, at: number): TreeNode {
    if (node === null) return nothingAt(at);
    if (isAlias(node)) return this.#alias(node.source, node.range[0], path);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, null);
    const built = isMap(node)
      ? this.#map(node, path)
      : isSeq(node)
        ? this.#list(node.items, node.range, path)
        : this.#scalar(node, path);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, built);
    return built;
  }

  #list(items: readonly ParsedNode[], [start, end]: Range, path: Path): TreeNode {
    const built = items.map((item, index) => this.build(item, [...path, index], start));
    return { kind: 'list', items: built, start, end, ...measured(built) };
  }

  #map({ items, range: [start, end] }: YAMLMap.Parsed, path: Path): TreeNode {
    const entries = new Map<string, Entry>();
    const merged: Entry[] = [];
    for (const { key, value } of items) {
      const keyStart = key?.range[0] ?? start;
      if (isScalar(key) && typeof key.value === 'symbol') {
        merged.push({ keyStart, node: this.build(value, [...path, '<<'], keyStart) });
        continue;
      }
      if (key !== null && !isScalar(key)) this.report('YAML_SYNTAX', keyStart, path, 'a key must be a text');
      const name = isScalar(key) ? String(key.value) : '';
      // Objects lose it where they are built key by key.
      if (name === '__proto__') this.report('INVALID_VALUE', keyStart, [...path, name], '"__proto__" cannot be a key');
      const entry = { keyStart, node: this.build(value, [...path, name], keyStart) };
      const earlier = entries.get(name);
      if (earlier !== undefined)
        this.report('YAML_DUPLICATE_KEY', keyStart, [...path, name], `the key "${name}" is repeated in this map`);
      entries.set(name, entry);
    }
    for (const { keyStart, node } of merged) this.#merge(entries, node, keyStart, path);
    return { kind: 'map', entries, start, end, ...measured([...entries.values()].map((entry) => entry.node)) };
  }

  /** What is there already wins. */
  #merge(entries: Map<string, Entry>, node: TreeNode, offset: number, path: Path): void {
    if (node.kind === 'list') for (const item of node.items) this.#merge(entries, item, offset, path);
    else if (node.kind === 'scalar')
      this.report('YAML_SYNTAX', offset, path, 'a merge key takes a map, or a list of maps');
    else for (const [key, entry] of node.entries) if (!entries.has(key)) entries.set(key, entry);
  }

  #alias(name: string, offset: number, path: Path): TreeNode {
    const target = this.#anchors.get(name);
    if (target === undefined)
      this.report(
        'YAML_SYNTAX',
        offset,
        path,
        `there is no anchor &${name} before this${didYouMean(name, [...this.#anchors.keys()])}`,
        aliasHint,
      );
    else if (target === null) this.report('YAML_ALIASES', offset, path, `*${name} refers to itself`);
    else {
      this.#followed += target.size;
      if (this.#followed <= mostNodes && path.length + target.depth <= deepest) return target;
      this.report('YAML_ALIASES', offset, path, `*${name} expands to too much`);
    }
    return { ...nothingAt(offset), broken: true };
  }

  #scalar(node: Scalar.Parsed, path: Path): ScalarNode {
    const [start, end] = node.range;
    const style = styles[node.type ?? 'PLAIN'];
    const value = plainValue(node);
    const plain = {
      kind: 'scalar',
      value,
      style,
      written: String(value),
      segments: null,
      broken: false,
      start,
      end,
      size: 1,
      depth: 1,
    } as const;
    const interpolated = typeof value === 'string' ? interpolate(value, this.#variables) : null;
    if (interpolated === null) return plain;
    for (const { code, message, offset } of interpolated.missing)
      this.report(code, sourceOffset(this.#source, plain, offset), path, message);
    return {
      ...plain,
      value: interpolated.value,
      segments: interpolated.segments,
      broken: interpolated.missing.length > 0,
    };
  }
}

/** An integer beyond 2^53 is the text of its digits: an option takes it as an id, and none of them is lost. */
function plainValue({ value }: Scalar.Parsed): ScalarNode['value'] {
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
  return typeof value === 'number' || typeof value === 'boolean' || value === null ? value : String(value);
}

function nothingAt(offset: number): ScalarNode {
  return {
    kind: 'scalar',
    value: null,
    style: 'plain',
    written: '',
    segments: null,
    broken: false,
    start: offset,
    end: offset,
    size: 1,
    depth: 1,
  };
}

function measured(inner: readonly TreeNode[]): { readonly size: number; readonly depth: number } {
  let [size, depth] = [1, 1];
  for (const node of inner) {
    size += node.size;
    depth = Math.max(depth, node.depth + 1);
  }
  return { size, depth };
}
