/** Checks an answer before any call: whether its variables are flat, and whether every caller gets them. */
import {
  durationText,
  isExpressionError,
  type JsonValue,
  type PhoneNormalizer,
  type Scope,
  type Template,
} from '@switchhook/sdk';
import { agentIdProblem, didYouMean, expressionsIn, nearest } from '@switchhook/sdk/internal';
import type { AnswerRow } from '../calls/answer.js';
import { treeIn } from '../expressions/compile.js';
import { unmatchableNumbers } from '../expressions/lint.js';
import type { CheckedRow } from './component-rows.js';
import type { ConfigDocument } from './diagnostics.js';
import type { Path } from './problem.js';
import { nodeAt } from './tree.js';

/** What an answer is checked with. */
export interface AnswerRules {
  /** The resolvers it may use. */
  readonly known: readonly string[];
  /** The variables the agent cannot do without. */
  readonly expects: readonly string[];
  /** As the router reads the numbers of a call. */
  readonly numbers: PhoneNormalizer;
  /** Those of its calls, as far as they are known. */
  readonly sources: readonly (CheckedRow | undefined)[];
}

/** Checks an answer that can be read. */
export function checkAnswer(
  document: ConfigDocument,
  path: Path,
  row: AnswerRow,
  { known, expects, numbers, sources }: AnswerRules,
): void {
  const unknown = unknownCaller(known);
  for (const [name, template] of Object.entries(row.variables)) {
    const value = attempted(template, unknown);
    if (typeof value === 'object' && value !== null) reportNotFlat(document, [...path, 'variables', name]);
    else if (value === null && !Object.hasOwn(row.defaults, name))
      document.warn(
        'UNSUPPLIED_VARIABLE',
        [...path, 'variables', name],
        `"${name}" has no default: where it cannot be filled, the agent does not get it`,
      );
  }
  checkAgent(document, [...path, 'overrideAgent'], row.overrideAgent, unknown);
  checkWhere(document, path, row, unknown);
  checkNumbers(document, path, row, numbers);
  checkWithin(document, [...path, 'within'], row, sources);
  const supplied = suppliedBy(row);
  const isList = nodeAt(document.root, [...path, 'expects'])?.kind === 'list';
  for (const [index, name] of expects.entries()) {
    if (supplied.includes(name)) continue;
    const at = [...path, 'expects', ...(isList ? [index] : [])];
    document.report('UNSUPPLIED_VARIABLE', at, `nothing supplies "${name}"${didYouMean(name, supplied)}`);
  }
}

/** Warns of answers whose calls are all taken by others before them. `rows` are all answers; null are those that cannot be read. */
export function checkReach(document: ConfigDocument, rows: readonly (AnswerRow | null)[]): void {
  /** Sources whose calls get no further, and the answers that take them. */
  const taken = new Map<string, string>();
  for (const [index, row] of rows.entries()) {
    if (row === null) continue;
    if (row.from.every((source) => taken.has(source))) {
      const takers = row.from
        .map((source) => `every call from "${source}" goes to "${taken.get(source)}" before`)
        .join(', ');
      document.warn('NEVER_MATCHES', ['answers', index], `it is never given: ${takers}`, {
        hint: 'The first answer that matches is given: move this one up, or give the other one a `where`.',
      });
    }
    if (row.where === null) for (const source of row.from) if (!taken.has(source)) taken.set(source, row.name);
  }
}

/** Names of the variables an answer gives, at least to some callers. */
export function suppliedBy({ variables, defaults }: Pick<AnswerRow, 'variables' | 'defaults'>): readonly string[] {
  return [...new Set([...Object.keys(variables), ...Object.keys(defaults)])];
}

/** The caller about whom the least is known: no number, no agent, found by no resolver. */
function unknownCaller(resolvers: readonly string[]): Scope {
  const facts = Object.fromEntries(resolvers.map((name) => [name, {}]));
  const call = { id: null, from: '', to: '', agent: null, data: {} };
  return { ...facts, known: facts, call, now: new Date(0) };
}

/** What a template gives them; null where it gives nothing. */
function attempted(template: Template, scope: Scope): JsonValue {
  try {
    return template.render(scope);
  } catch (error) {
    if (isExpressionError(error)) return null;
    throw error;
  }
}

/** Where one caller's id would be refused, the expression is wrong. */
function checkAgent(document: ConfigDocument, path: Path, template: Template | null, unknown: Scope): void {
  const value = template === null ? null : attempted(template, unknown);
  if (value === null) return;
  if (typeof value === 'object') {
    reportNotFlat(document, path, 'the id of an agent');
    return;
  }
  const problem = agentIdProblem(value);
  if (problem !== null) document.report('INVALID_VALUE', path, problem);
}

function reportNotFlat(document: ConfigDocument, path: Path, expected = 'a text, a number, or true or false'): void {
  document.report('INVALID_VALUE', path, `expected ${expected}; this is a map or a list`, {
    hint: 'Name one of its fields, or write it as text with json(…).',
  });
}

/** A condition that fails for an unknown caller may hold for known ones; unknown callers are not answered by this row. */
function checkWhere(document: ConfigDocument, path: Path, { where }: AnswerRow, unknown: Scope): void {
  try {
    where?.evaluate(unknown);
  } catch (error) {
    if (!isExpressionError(error)) throw error;
    if (error.missing) return;
    const message = `it cannot be evaluated for a call without numbers and agent, which it does not match: ${error.message}`;
    document.warn('EXPRESSION_TYPE', [...path, 'where'], message);
  }
}

/** The router replies before the deadline of the platform, whatever is written. */
function checkWithin(
  document: ConfigDocument,
  path: Path,
  { withinMs }: AnswerRow,
  sources: AnswerRules['sources'],
): void {
  const within = nodeAt(document.root, path);
  if (within?.kind !== 'scalar') return;
  for (const source of sources) {
    const { deadlineMs = withinMs } = source?.component ?? {};
    if (withinMs <= deadlineMs) continue;
    const message = `${within.value}, but the platform of "${source?.name}" waits ${durationText(deadlineMs)} for the reply`;
    document.report('INVALID_VALUE', path, message, {
      hint: 'Write less: the router replies half a second before the platform stops waiting, with what it has by then.',
    });
  }
}

/** Numbers that are compared with a call's, and are written as none of them is. */
function checkNumbers(document: ConfigDocument, path: Path, row: AnswerRow, read: PhoneNormalizer): void {
  const places = [['where'], ['overrideAgent'], ...Object.keys(row.variables).map((name) => ['variables', name])];
  for (const place of places) {
    const node = nodeAt(document.root, [...path, ...place]);
    if (node?.kind !== 'scalar' || typeof node.value !== 'string') continue;
    const expressions = place[0] === 'where' ? [{ text: node.value, offset: 0 }] : expressionsIn(node.value);
    for (const { text, offset } of expressions)
      for (const failedLookups of unmatchableNumbers(treeIn(text), read))
        document.warn('NEVER_MATCHES', [...path, ...place], failedLookups.message, {
          offset: offset + failedLookups.offset,
        });
  }
}

/** A `{{ placeholder }}` of a prompt. */
export interface Placeholder {
  readonly name: string;
  /** From 1. */
  readonly line: number;
}

/** How a prompt and an answer fit together. */
export interface PromptFit {
  readonly answer: string;
  /** Placeholders that nothing of the answer fills, each once. */
  readonly unfilled: readonly (Placeholder & { readonly suggestion: string | null })[];
  /** Variables of the answer that the prompt does not use. */
  readonly unused: readonly string[];
}

/** The placeholders of a prompt, each once. */
export function placeholdersIn(prompt: string): readonly Placeholder[] {
  const found = new Map<string, Placeholder>();
  for (const [index, text] of prompt.split('\n').entries())
    for (const [, name = ''] of text.matchAll(/\{\{\s*([^{}]*?)\s*\}\}/g))
      if (!found.has(name)) found.set(name, { name, line: index + 1 });
  return [...found.values()];
}

/** How a prompt fits an answer. */
export function promptFit(prompt: string, row: AnswerRow): PromptFit {
  const placeholders = placeholdersIn(prompt);
  const supplied = suppliedBy(row);
  return {
    answer: row.name,
    unfilled: placeholders
      .filter(({ name }) => !supplied.includes(name))
      .map((placeholder) => ({ ...placeholder, suggestion: nearest(placeholder.name, supplied) })),
    unused: supplied.filter((name) => !placeholders.some((placeholder) => placeholder.name === name)),
  };
}
