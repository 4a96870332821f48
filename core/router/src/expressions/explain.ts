/** Splits an expression at `&&`, `||` and `!`, and evaluates each part, to explain its result. */
import { type ASTNode, serialize } from '@marcbachmann/cel-js';
import { type ExplainedPart, type ExplainedValue, type JsonValue, type Scope, stringifyJson } from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import { nodesIn, withWrittenNames } from './tree.js';

/** What an expression is explained with. */
export interface Reading {
  /** Names the expression may use: what uses others is inside of a macro, and has no value by itself. */
  readonly variables: readonly string[];
  parse(text: string): ASTNode;
  /** Throws where it cannot be evaluated. */
  evaluate(text: string, scope: Scope): JsonValue;
}

/** Longer values are cut: a transcript explains nothing. */
const longestValue = 200;

/** The parts of an expression, and which of them made it what it is. */
export function explainedParts(whole: ASTNode, reading: Reading, scope: Scope): readonly ExplainedPart[] {
  const explained = (node: ASTNode): ExplainedValue => explainedValue(textOf(node, reading), reading, scope);
  const visit = (node: ASTNode, decides: boolean): readonly ExplainedPart[] => {
    if (isJoined(node)) {
      const joined = explained(node);
      return node.args.flatMap((side) => visit(side, decides && cameTo(explained(side), joined)));
    }
    if (node.op === '!_' && (isJoined(node.args) || node.args.op === '!_')) return visit(node.args, decides);
    const operands = operandsOf(node).filter((operand) => isReadable(operand, reading.variables));
    return [{ ...explained(node), decides, operands: operands.map(explained) }];
  };
  return visit(whole, true);
}

function isJoined(node: ASTNode): node is Extract<ASTNode, { op: '&&' | '||' }> {
  return node.op === '&&' || node.op === '||';
}

/** Whether a side has the value of the whole, or fails like it: then the whole has it from this side. */
function cameTo(side: ExplainedValue, whole: ExplainedValue): boolean {
  return whole.failure === null ? side.failure === null && side.value === whole.value : side.failure !== null;
}

function explainedValue(text: string, reading: Reading, scope: Scope): ExplainedValue {
  try {
    return { text, value: cut(reading.evaluate(text, scope)), failure: null };
  } catch (error) {
    return { text, value: null, failure: errorMessage(error) };
  }
}

/** As it is written, where that can stand by itself: a node's range may hold one of two parentheses. */
function textOf(node: ASTNode, { parse }: Reading): string {
  const canonical = serialize(node);
  const written = node.input.slice(node.start, node.end);
  try {
    if (serialize(parse(written)) === canonical) return written;
  } catch {
    // Half of a pair of parentheses does not parse.
  }
  return withWrittenNames(canonical);
}

function operandsOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
    case '.':
    case '.?':
    case '[]':
    case '[?]':
    case 'map':
      return [];
    case 'list':
      return node.args;
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

function isReadable(node: ASTNode, variables: readonly string[]): boolean {
  const names = namesIn(node);
  return names.length > 0 && names.every((name) => variables.includes(name));
}

function namesIn(whole: ASTNode): readonly string[] {
  return [...nodesIn(whole)].flatMap(({ op, args }) => (op === 'id' ? [args] : []));
}

function cut(value: JsonValue): JsonValue {
  const text = typeof value === 'string' ? value : stringifyJson(value);
  return text.length <= longestValue ? value : `${text.slice(0, longestValue)}…`;
}
