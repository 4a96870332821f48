/** What can be known of an answer before anybody calls: whether its variables are flat, and whether every caller gets them. */
import type { JsonValue } from '../contract/json.js';
import type { Scope, Template } from '../contract/template.js';
import { isExpressionError } from '../expression-error.js';
import { agentIdProblem } from '../ids.js';
import type { AnswerRow } from './config.js';
import type { ConfigDocument } from './document.js';
import { didYouMean } from './nearest.js';
import type { Path } from './problem.js';
import { nodeAt } from './tree.js';

/** Checks an answer that can be read. `known` are the resolvers it may use, `expects` the variables an agent cannot do without. */
export function checkAnswer(
  document: ConfigDocument,
  path: Path,
  row: AnswerRow,
  { known, expects }: { readonly known: readonly string[]; readonly expects: readonly string[] },
): void {
  const stranger = strangerTo(known);
  for (const [name, template] of Object.entries(row.variables)) {
    const value = attempted(template, stranger);
    if (typeof value === 'object' && value !== null) reportNotFlat(document, [...path, 'variables', name]);
    else if (value === null && !Object.hasOwn(row.defaults, name))
      document.warn(
        'UNSUPPLIED_VARIABLE',
        [...path, 'variables', name],
        `"${name}" has no default: where it cannot be filled, the agent does not get it`,
      );
  }
  checkAgent(document, [...path, 'overrideAgent'], row.overrideAgent, stranger);
  checkWhere(document, path, row, stranger);
  const supplied = suppliedBy(row);
  const isList = nodeAt(document.root, [...path, 'expects'])?.kind === 'list';
  for (const [index, name] of expects.entries()) {
    if (supplied.includes(name)) continue;
    const at = [...path, 'expects', ...(isList ? [index] : [])];
    document.report('UNSUPPLIED_VARIABLE', at, `nothing supplies "${name}"${didYouMean(name, supplied)}`);
  }
}

/** Names of the variables an answer gives, at least to some callers. */
export function suppliedBy({ variables, defaults }: Pick<AnswerRow, 'variables' | 'defaults'>): readonly string[] {
  return [...new Set([...Object.keys(variables), ...Object.keys(defaults)])];
}

/** The caller about whom the least is known: no number, no agent, found by no resolver. */
function strangerTo(resolvers: readonly string[]): Scope {
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
function checkAgent(document: ConfigDocument, path: Path, template: Template | null, stranger: Scope): void {
  const value = template === null ? null : attempted(template, stranger);
  if (value === null) return;
  if (typeof value === 'object') {
    reportNotFlat(document, path);
    return;
  }
  const problem = agentIdProblem(String(value).trim());
  if (problem !== null) document.report('INVALID_VALUE', path, problem);
}

function reportNotFlat(document: ConfigDocument, path: Path): void {
  document.report('INVALID_VALUE', path, 'expected a text, a number, or true or false; this is a map or a list', {
    hint: 'Name one of its fields, or write it as text with json(…).',
  });
}

/** A condition that fails for a stranger says nothing about callers one knows, but a stranger is not answered by this row. */
function checkWhere(document: ConfigDocument, path: Path, { where }: AnswerRow, stranger: Scope): void {
  try {
    where?.evaluate(stranger);
  } catch (error) {
    if (!isExpressionError(error)) throw error;
    if (error.missing) return;
    const message = `it cannot be evaluated for a call without numbers and agent, which it does not match: ${error.message}`;
    document.warn('EXPRESSION_TYPE', [...path, 'where'], message);
  }
}
