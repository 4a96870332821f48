/** Phone numbers in expressions: a call's are E.164 by then, so that one which is written otherwise is nobody's. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { isWithheld, type NumberReader } from '../phone-number.js';
import { nodesIn } from './expression-parts.js';

/** A text that no number of a call is ever equal to. */
export interface VainNumber {
  readonly message: string;
  /** Characters from the start of the expression. */
  readonly offset: number;
}

type Literal = Extract<ASTNode, { op: 'value' }>;

/** The texts that `call.from` and `call.to` are compared with, or looked up by, in vain. */
export function vainNumbers(whole: ASTNode, read: NumberReader): readonly VainNumber[] {
  return [...nodesIn(whole)].flatMap((node) => {
    if (!isComparison(node)) return [];
    const [left, right] = node.args;
    return [...vainIn(left, right, read), ...vainIn(right, left, read)];
  });
}

function isComparison(node: ASTNode): node is Extract<ASTNode, { op: '==' | '!=' | 'in' | '[]' | '[?]' }> {
  return ['==', '!=', 'in', '[]', '[?]'].includes(node.op);
}

function vainIn(number: ASTNode, others: ASTNode, read: NumberReader): readonly VainNumber[] {
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
