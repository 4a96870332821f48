/** What is wrong with an expression, in one line for its author. */
import {
  type ASTNode,
  TypeError as CelTypeError,
  type Environment,
  EvaluationError,
  ParseError,
} from '@marcbachmann/cel-js';
import { didYouMean, type ExpressionProblem, nearest } from '@switchhook/sdk/internal';
import { knownFields } from './language.js';
import { renamed, withWrittenNames } from './tree.js';

/** Names that the author may have meant. */
export interface Names {
  /** Those it may use. */
  readonly variables: readonly string[];
  /** Of these, the ones that do not exist. They are reported elsewhere, and are never suggested. */
  readonly broken?: readonly string[];
  /** Resolvers it could use if they were in `resolve`. */
  readonly unasked?: readonly string[];
}

/** Makes a problem to be thrown. */
export function problemOf(code: ExpressionProblem['code'], message: string, offset = 0): ExpressionProblem & Error {
  return Object.assign(new Error(message), { name: 'ExpressionProblem', code, offset });
}

/** What CEL complained about when it read an expression. */
export function expressionProblem(
  error: unknown,
  text: string,
  names: Names,
  environment: Environment,
): ExpressionProblem {
  if (!(error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError))
    return problemOf('EXPRESSION_SYNTAX', 'the expression is too large or cannot be read');
  const offset = (error.node as ASTNode | undefined)?.pos ?? error.range?.start ?? 0;
  if (error instanceof ParseError) return problemOf('EXPRESSION_SYNTAX', syntaxMessage(error, text, offset), offset);
  const unknown = unknownName(error, text, offset, names, environment);
  return unknown ?? problemOf('EXPRESSION_TYPE', plainTypes(error.summary), offset);
}

/** CEL's names of types, without what only its type checker needs. */
export function plainTypes(message: string): string {
  return withWrittenNames(message)
    .replace(/dyn<([\w.<>, ]+?)>/g, '$1')
    .replaceAll('google.protobuf.', '')
    .replace(/\$(\w+)/g, '$1')
    .replace(/^found no matching overload for/, 'no way to call')
    .replace(/^no such overload:/, 'cannot compute');
}

/** The tokens that CEL expects, beside names. */
const tokens: Readonly<Record<string, string>> = {
  RPAREN: '")"',
  RBRACKET: '"]"',
  RBRACE: '"}"',
  COLON: '":"',
};

/** Syntax of other languages. */
const slips: ReadonlyMap<string, string> = new Map([
  ['=', 'compare with =='],
  ['&', 'write &&'],
  ['|', 'write ||'],
  ['and', 'write &&'],
  ['or', 'write ||'],
  ['not', 'write !'],
  ['is', 'write =='],
  ['${{', 'write it without ${{ }}'],
]);

/** What to write instead of a word of another language, as the end of a sentence. */
function instead(...words: readonly string[]): string {
  const slip = words.map((word) => slips.get(word.toLowerCase())).find((each) => each !== undefined);
  return slip === undefined ? '' : `; ${slip}`;
}

/** A word, an operator or a single character. */
const symbol = String.raw`\w+|\$\{\{|&&|\|\||[=!<>]=|.`;

function syntaxMessage(error: ParseError, text: string, offset: number): string {
  if (text.trim() === '') return 'the expression is empty';
  const rest = text.slice(offset);
  const word = new RegExp(`^(?:${symbol})`, 's').exec(rest)?.[0] ?? '';
  const before = /\w*$/.exec(text.slice(Math.max(0, offset - 100), offset).trimEnd())?.[0] ?? '';
  const found = /^["']/.test(word) ? 'a text' : JSON.stringify(word);
  switch (error.code) {
    case 'unexpected_character':
      return `unexpected ${found}${instead(word, before)}`;
    case 'unexpected_token':
      if (word !== '') return `unexpected ${found}: a value is missing before it${instead(word, before)}`;
      return `the expression ends too early: a value is missing after ${lastSymbol(text)}`;
    case 'expected_token': {
      const expected = tokens[/^Expected (\w+)/.exec(error.summary)?.[1] ?? ''] ?? 'a name';
      if (word !== '') return `expected ${expected}, found ${found}${instead(word, before)}`;
      const place = expected === 'a name' ? ` after ${lastSymbol(text)}` : '';
      return `the expression ends too early: ${expected} is missing${place}`;
    }
    case 'unterminated_string':
    case 'unterminated_triple_quoted_string':
      return `the text that begins here is not closed: ${/"""|'''|["']/.exec(rest)?.[0]} is missing`;
    case 'newline_in_string':
      return 'the line ends before the text is closed: close its quotes, or write \\n for a new line';
    case 'reserved_identifier':
      return `"${word}" cannot be a name: CEL reserves it`;
    default:
      return error.summary;
  }
}

/** In quotes, what an expression ends in. */
function lastSymbol(text: string): string {
  const symbols = text.trimEnd().match(new RegExp(symbol, 'gs')) ?? [];
  return JSON.stringify(symbols.at(-1) ?? '');
}

function unknownName(
  error: CelTypeError | EvaluationError,
  text: string,
  offset: number,
  { variables, broken = [], unasked = [] }: Names,
  environment: Environment,
): ExpressionProblem | null {
  const make = (message: string, written: string, names: readonly string[], at = offset) =>
    problemOf('EXPRESSION_UNKNOWN_NAME', `${message}${didYouMean(written, names)}`, at);
  const node = error.node as ASTNode | undefined;
  if (node === undefined) return null;
  if (error.code === 'unknown_variable') {
    const name = String(node.args);
    const missing = `there is no variable "${name}" here`;
    if (unasked.includes(name)) return make(`${missing}: add it to \`resolve\``, name, []);
    const usable = variables.filter((variable) => !broken.includes(variable));
    const message = `${missing}, only ${usable.join(', ') || 'none'}`;
    const isText = nearest(name, usable) === null && standsForText(text, offset, name);
    return make(isText ? `${message}; did you mean the text "${name}", in quotes?` : message, name, usable);
  }
  if (error.code === 'no_such_key' && node.op === '.') {
    const [owner, field] = node.args;
    const fields = owner.op === 'id' ? Object.keys(knownFields[owner.args as keyof typeof knownFields] ?? {}) : [];
    return make(`${owner.op === 'id' ? owner.args : 'it'} has no field "${field}"`, field, fields);
  }
  if (error.code !== 'no_matching_overload' || (node.op !== 'call' && node.op !== 'rcall')) return null;
  const isMethod = node.op === 'rcall';
  const name = node.args[0];
  const functions = environment.getDefinitions().functions.filter((each) => (each.receiverType !== null) === isMethod);
  if (name === renamed.duration || functions.some((each) => each.name === name)) return null;
  const at = node.op === 'rcall' ? text.indexOf(name, node.args[1].end) : offset;
  return make(
    `there is no ${isMethod ? 'method' : 'function'} "${name}"${isMethod ? '' : instead(name)}`,
    name,
    functions.map((each) => each.name),
    at,
  );
}

/** Whether a name stands where a text often does: compared, in a list, passed on or chosen. */
function standsForText(text: string, offset: number, name: string): boolean {
  const [before, after] = [text.slice(0, offset), text.slice(offset + name.length)];
  if (/^\s*[.([]/.test(after)) return false;
  return /(?:[=!]=|[?:,[{+]|\w\()\s*$/.test(before) || /^\s*[=!]=/.test(after);
}
