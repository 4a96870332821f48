/** Literals that would fail for every call and event, unnoticed: time zones, patterns and phone numbers. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { PhoneNormalizer } from '@switchhook/sdk';
import { errorMessage, isWithheld, timeZoneProblem } from '@switchhook/sdk/internal';
import { problemOf } from './diagnose.js';
import { compilePattern } from './patterns.js';
import { nodesIn, renamed } from './tree.js';

/** CEL's methods of a time. Each takes a zone, or nothing for UTC. */
const methods = new Set([
  'getDate',
  'getDayOfMonth',
  'getDayOfWeek',
  'getDayOfYear',
  'getFullYear',
  'getHours',
  'getMilliseconds',
  'getMinutes',
  'getMonth',
  'getSeconds',
]);

/** Throws an `ExpressionProblem` for a zone that is written there and does not exist. */
export function checkTimeZones(whole: ASTNode): void {
  for (const { op, args } of nodesIn(whole)) {
    if (op !== 'rcall' || !methods.has(args[0])) continue;
    const [zone] = args[2];
    if (zone?.op !== 'value' || typeof zone.args !== 'string') continue;
    const message = timeZoneProblem(zone.args);
    if (message !== null) throw problemOf('EXPRESSION_UNKNOWN_NAME', message, zone.start);
  }
}

/** Throws an `ExpressionProblem` for a pattern that is written there and is not one of RE2. */
export function checkPatterns(whole: ASTNode): void {
  for (const { op, args } of nodesIn(whole)) {
    if (op !== 'rcall' || args[0] !== renamed.matches) continue;
    const [pattern] = args[2];
    if (pattern?.op !== 'value' || typeof pattern.args !== 'string') continue;
    try {
      compilePattern(pattern.args);
    } catch (error) {
      const reason = errorMessage(error).replace(/^error parsing regexp: /, '');
      throw problemOf('EXPRESSION_SYNTAX', `the pattern is not valid in RE2: ${reason}`, pattern.start);
    }
  }
}

/** A text that no number of a call is ever equal to. */
export interface UnmatchableNumber {
  readonly message: string;
  /** Characters from the start of the expression. */
  readonly offset: number;
}

type Literal = Extract<ASTNode, { op: 'value' }>;

/** The texts that `call.from` and `call.to` can never equal, or never be found by. */
export function unmatchableNumbers(whole: ASTNode, read: PhoneNormalizer): readonly UnmatchableNumber[] {
  return [...nodesIn(whole)].flatMap((node) => {
    if (!isComparison(node)) return [];
    const [left, right] = node.args;
    return [...unmatchableIn(left, right, read), ...unmatchableIn(right, left, read)];
  });
}

function isComparison(node: ASTNode): node is Extract<ASTNode, { op: '==' | '!=' | 'in' | '[]' | '[?]' }> {
  return ['==', '!=', 'in', '[]', '[?]'].includes(node.op);
}

function unmatchableIn(number: ASTNode, others: ASTNode, read: PhoneNormalizer): readonly UnmatchableNumber[] {
  const field = numberOfCall(number);
  if (field === null) return [];
  return literalsIn(others).flatMap(({ args: text, start: offset }) => {
    if (typeof text !== 'string') return [];
    const isNobody = field === 'from' && isWithheld(text);
    const meant = isNobody ? '' : read(text);
    const reason = isNobody ? 'a withheld number is empty here' : 'numbers are E.164 here';
    const message = `call.${field} is never ${JSON.stringify(text)}: ${reason}; did you mean ${JSON.stringify(meant)}?`;
    return meant === text ? [] : [{ message, offset }];
  });
}

function numberOfCall(node: ASTNode): 'from' | 'to' | null {
  if (node.op !== '.') return null;
  const [owner, field] = node.args;
  return owner.op === 'id' && owner.args === 'call' && (field === 'from' || field === 'to') ? field : null;
}

/** A literal, those of a list, or the keys of a map. */
function literalsIn(node: ASTNode): readonly Literal[] {
  if (node.op === 'value') return [node];
  const members = node.op === 'list' ? node.args : node.op === 'map' ? node.args.map(([key]) => key) : [];
  return members.filter((member) => member.op === 'value');
}
