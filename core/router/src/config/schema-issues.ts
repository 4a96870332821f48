/** From zod's issues to problems with a clear message and a place in the file. */

import { didYouMean, ERRORS, type ErrorCode, expectedText, nearest, typeName } from '@switchhook/sdk/internal';
import type { z } from 'zod';
import type { ConfigDocument } from './diagnostics.js';
import { inputSchema, type JsonSchema, schemasAt } from './json-schema.js';
import type { Path } from './problem.js';
import { nodeAt, type TreeNode } from './tree.js';

/** An issue that stands for itself. `expected` are types, where the type is what is wrong. */
export interface Leaf {
  readonly issue: z.core.$ZodIssue;
  /** From the value that was checked. */
  readonly path: Path;
  readonly expected: readonly string[];
}

/** Takes issues of unions apart: those of the choice that was meant, else what all choices expect. */
export function leavesOf(issues: readonly z.core.$ZodIssue[], base: Path = []): readonly Leaf[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
    if (issue.code === 'invalid_type') return [{ issue, path, expected: [issue.expected] }];
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [{ issue, path, expected: [] }];
    const choices = issue.errors.map((errors) => leavesOf(errors, path));
    const hasOtherType = (leaves: readonly Leaf[]) =>
      leaves.some((leaf) => leaf.expected.length > 0 && leaf.path.length === path.length);
    const [meant] = choices.filter((leaves) => !hasOtherType(leaves)).sort((a, b) => a.length - b.length);
    return (
      meant ?? [
        { issue, path, expected: [...new Set(choices.flatMap((leaves) => leaves.flatMap((leaf) => leaf.expected)))] },
      ]
    );
  });
}

/** The context of a wrong value. */
export interface Context {
  readonly document: ConfigDocument;
  readonly schema: z.ZodType;
  /** Where the value stands. */
  readonly path: Path;
  /** Keys that belong there beside the schema's own. */
  readonly otherKeys: readonly string[];
  /** Takes secrets out of a message. */
  readonly mask: (message: string) => string;
}

export function reportLeaves(leaves: readonly Leaf[], context: Context): void {
  const root = inputSchema(context.schema);
  const meant = new Set<string>();
  for (const leaf of leaves)
    if (leaf.issue.code === 'unrecognized_keys') reportUnknownKeys(leaf.issue.keys, leaf.path, root, context, meant);
  for (const leaf of leaves)
    if (leaf.issue.code !== 'unrecognized_keys' && !meant.has(leaf.path.join('\0'))) reportLeaf(leaf, root, context);
}

function reportUnknownKeys(
  keys: readonly string[],
  path: Path,
  root: JsonSchema,
  context: Context,
  meant: Set<string>,
): void {
  const known = schemasAt(root, path).flatMap((schema) => Object.keys(schema.properties ?? {}));
  if (path.length === 0) known.push(...context.otherKeys);
  for (const key of keys) {
    const near = nearest(key, known);
    // A misspelled key is reported as unknown, not also as missing.
    if (near !== null) meant.add([...path, near].join('\0'));
    const hint = near === null && known.length > 0 ? `Keys here: ${[...new Set(known)].join(', ')}.` : undefined;
    const at = [...context.path, ...path, key];
    context.document.report('UNKNOWN_KEY', at, `unknown key "${key}"${didYouMean(key, known)}`, { at: 'key', hint });
  }
}

function reportLeaf({ issue, path, expected }: Leaf, root: JsonSchema, { document, path: base, mask }: Context): void {
  const at = [...base, ...path];
  const node = nodeAt(document.root, at);
  const schemas = schemasAt(root, path);
  const secret = JSON.stringify(schemas).includes('"secret":true');
  const description = descriptionAt(root, path);
  if (node === null) {
    document.report('MISSING_KEY', at, `missing key "${at.at(-1)}"`, { hint: description });
    return;
  }
  const found = secret ? '' : foundValue(node);
  if (expected.length > 0) {
    const hint = expected.includes('string') && isPlain(node) ? quotesHint(schemas) : description;
    document.report('WRONG_TYPE', at, `expected ${orList(expected.map(typeName))}, found ${typeOf(node)}`, {
      secret,
      hint,
    });
    return;
  }
  if (issue.code === 'custom') {
    const { problem, offset } = issue.params ?? {};
    const code: ErrorCode = typeof problem === 'string' && problem in ERRORS ? (problem as ErrorCode) : 'INVALID_VALUE';
    const message = mask(issue.message) + (problem === 'INVALID_VALUE' ? found : '');
    const hint = code === 'INVALID_VALUE' ? description : undefined;
    document.report(code, at, message, { secret, hint, ...(typeof offset === 'number' && { offset }) });
    return;
  }
  document.report('INVALID_VALUE', at, mask(errorMessage(issue, node)) + found, {
    secret,
    hint: secret && issue.code === 'too_small' ? secretHint : description,
    at: issue.code === 'invalid_key' ? 'key' : 'value',
  });
}

/** What an option is for, or the innermost map or list around it that has a description. */
function descriptionAt(root: JsonSchema, path: Path): string | undefined {
  if (path.length === 0) return undefined;
  const described = schemasAt(root, path).find(({ description = '' }) => description !== '');
  return described?.description ?? descriptionAt(root, path.slice(0, -1));
}

const secretHint =
  'A shorter one is guessed by trying, and cannot be masked in logs. `openssl rand -hex 32` makes one.';

/** A text with a pattern has a unit: `3` in quotes would be no better. */
function quotesHint(schemas: readonly JsonSchema[]): string {
  const patterned = schemas.find(({ pattern }) => pattern?.startsWith('^(') === true);
  return patterned === undefined ? 'Put it into quotes.' : 'Write it with its unit, such as 3s, 1mb or 10/s.';
}

function errorMessage(issue: z.core.$ZodIssue, node: TreeNode | null): string {
  switch (issue.code) {
    case 'invalid_value': {
      const written = node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : '';
      const values = issue.values.map(String);
      const near = nearest(written, values);
      return `expected ${orList(values)}${near === null ? '' : `, perhaps "${near}"`}`;
    }
    case 'invalid_key':
      return issue.issues.map(({ message }) => lowerFirst(message)).join('; ');
    default:
      return expectedText(issue) ?? lowerFirst(issue.message);
  }
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/** Only what stands in the file: a value that came out of a variable may be a secret. */
function foundValue(node: TreeNode | null): string {
  if (node?.kind !== 'scalar' || node.segments !== null || node.value === null) return '';
  const text = JSON.stringify(node.value);
  return `, found ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}

function isPlain(node: TreeNode | null): boolean {
  return node?.kind === 'scalar' && (typeof node.value === 'number' || typeof node.value === 'boolean');
}

function typeOf(node: TreeNode | null): string {
  if (node === null) return 'nothing';
  if (node.kind !== 'scalar') return typeName(node.kind === 'list' ? 'array' : 'object');
  return typeName(node.value === null ? 'null' : typeof node.value);
}

function orList(words: readonly string[]): string {
  const unique = [...new Set(words)];
  return unique.length < 2 ? unique.join('') : `${unique.slice(0, -1).join(', ')} or ${unique.at(-1)}`;
}
