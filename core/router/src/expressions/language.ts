/** The additions of our expressions to CEL: variables with fields, functions for texts and numbers, arithmetic on JSON's numbers. */
import { Environment, EvaluationError, Optional } from '@marcbachmann/cel-js';
import { UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { durationText, type JsonValue, stringifyJson } from '@switchhook/sdk';
import { isMatch } from './patterns.js';
import { renamed } from './tree.js';

/** Fields of the variables we make ourselves, so that a wrong one is found when the file is read. Nullable fields are dyn. */
export const knownFields = {
  event: {
    id: 'string',
    key: 'string',
    source: 'string',
    type: 'string',
    subject: 'dyn',
    agent: 'dyn',
    occurredAt: 'string',
    receivedAt: 'string',
    data: 'dyn',
  },
  call: { id: 'dyn', from: 'string', to: 'string', agent: 'dyn', data: 'dyn' },
  delivery: { id: 'string', route: 'string', destination: 'string', attempt: 'double' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

/** An environment with all functions, to be cloned for each list of variables. */
export function environmentWithFunctions(): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
    // Far above what a person writes, far below what exhausts the stack.
    limits: { maxAstNodes: 5_000, maxDepth: 100 },
  });
  const define = (signature: string, call: (...values: never[]) => unknown) =>
    environment.registerFunction(signature, call, { async: false });
  environment.registerFunction('default(ast, ast): dyn', defaultMacro, { async: false });
  define('truncate(string, int): string', truncated);
  define('mask(string): string', masked);
  define('phone(string): string', phoneText);
  // Platforms send null for unknown values: its text is empty, as in a template.
  define('truncate(null, int): string', () => '');
  define('mask(null): string', () => '');
  define('phone(null): string', () => '');
  define('json(dyn): string', (value: unknown) => stringifyJson(jsonOf(value)));
  define(`${renamed.duration}(dyn): dyn`, durationOf);
  define(`string.${renamed.matches}(string): bool`, isMatch);
  for (const [left, right] of [
    ['double', 'int'],
    ['int', 'double'],
  ] as const) {
    environment.registerOperator(`${left} + ${right}: double`, (a, b) => Number(a) + Number(b));
    environment.registerOperator(`${left} - ${right}: double`, (a, b) => Number(a) - Number(b));
    environment.registerOperator(`${left} * ${right}: double`, (a, b) => Number(a) * Number(b));
    environment.registerOperator(`${left} / ${right}: double`, (a, b) => Number(a) / Number(b));
    environment.registerOperator(`${left} % ${right}: double`, (a, b) => Number(a) % Number(b));
  }
  environment.registerOperator('double % double: double', (a, b) => Number(a) % Number(b));
  environment.registerOperator('int == double: bool', (a, b) => Number(a) === b);
  return environment;
}

/** Whether CEL complained that something is not there. */
export function isMissing(error: unknown): error is EvaluationError {
  return error instanceof EvaluationError && missingCodes.has(error.code);
}

/** A CEL value as JSON: integers as numbers, times as ISO 8601, bytes as base64. What is JSON already is not copied. */
export function jsonOf(value: unknown): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      throw new EvaluationError('the result is not a finite number');
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    case 'object':
      return value === null ? null : jsonOfObject(value);
    default:
      return null;
  }
}

const missingCodes: ReadonlySet<string> = new Set([
  'no_such_key',
  'unknown_variable',
  'index_out_of_bounds',
  'optional_value_missing',
]);

function jsonOfObject(value: object): JsonValue {
  if (Array.isArray(value)) {
    const items = value.map(jsonOf);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (value instanceof Optional) return value.hasValue() ? jsonOf(value.value()) : null;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof UnsignedInt) return jsonOf(value.value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [String(key), jsonOf(inner)]));
  const prototype: unknown = Object.getPrototypeOf(value);
  // What is left has its own way to be written: a duration is `73s`.
  if (prototype !== null && prototype !== Object.prototype) return String(value);
  const entries = Object.entries(value);
  const changed = entries.map(([key, inner]) => [key, jsonOf(inner)] as const);
  const same = changed.every(([, inner], index) => inner === entries[index]?.[1]);
  return same ? (value as JsonValue) : Object.fromEntries(changed);
}

/** The parts of CEL's macro interface that are used here; the library leaves them untyped. */
interface MacroCall {
  readonly args: readonly unknown[];
}
interface Checker {
  readonly dynType: unknown;
  check(node: unknown, scope: unknown): unknown;
}
interface Evaluator {
  run(node: unknown, scope: unknown): unknown;
}

/** A macro and not a function, because CEL evaluates the arguments of functions first, and that is where a missing field throws. */
function defaultMacro({ args: [wanted, otherwise] }: MacroCall) {
  return {
    async: false,
    typeCheck(checker: Checker, _macro: unknown, scope: unknown): unknown {
      checker.check(wanted, scope);
      checker.check(otherwise, scope);
      return checker.dynType;
    },
    evaluate(evaluator: Evaluator, _macro: unknown, scope: unknown): unknown {
      const found = orNull(() => evaluator.run(wanted, scope));
      const value = found instanceof Optional && found.hasValue() ? found.value() : found;
      return value === null || value instanceof Optional ? evaluator.run(otherwise, scope) : value;
    },
  };
}

function orNull(evaluate: () => unknown): unknown {
  try {
    return evaluate();
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Counts characters as people do, not halves of UTF-16, and makes the ellipsis one of them. */
function truncated(text: string, length: bigint): string {
  const limit = Number(length);
  if (limit <= 0) return '';
  if (text.length <= limit) return text;
  const characters = [...text.slice(0, 2 * (limit + 1))];
  if (characters.length <= limit) return text;
  return `${characters
    .slice(0, limit - 1)
    .join('')
    .trimEnd()}…`;
}

/** Keeps enough to recognise a number or an address that one knows. The length of the rest is not shown. */
function masked(text: string): string {
  const address = /^([^@\s])[^@\s]*(@[^@\s]+)$/.exec(text);
  if (address !== null) return `${address[1]}***${address[2]}`;
  return text.length >= 8 ? `***${text.slice(-4)}` : '***';
}

/** The country codes of two digits; `1` and `7` have one, all others three. */
const twoDigitCountries = new Set(
  `20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58
   60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98`.split(/\s+/),
);

/** Groups an E.164 number by country code and threes, in a microsecond. How each country groups its own takes 10 µs and a library of 8 MB. */
function phoneText(text: string): string {
  if (!/^\+[1-9]\d{6,14}$/.test(text)) return text;
  const digits = text.slice(1);
  const codeLength = /^[17]/.test(digits) ? 1 : twoDigitCountries.has(digits.slice(0, 2)) ? 2 : 3;
  return `+${digits.slice(0, codeLength)} ${digits.slice(codeLength).replace(/\d{3}(?=\d{2})/g, '$& ')}`;
}

const celDuration = new Environment().registerVariable('text', 'string').parse('duration(text)');

/** Seconds become a text for people, `1m 13s`; a text becomes a duration of CEL. */
function durationOf(value: unknown): unknown {
  if (value === null) return '';
  if (typeof value === 'string') return celDurationOf(value);
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new EvaluationError('duration() takes seconds, or a text such as "90s"');
  const seconds = Number(value);
  if (!Number.isFinite(seconds)) throw new EvaluationError('duration() takes a finite number of seconds');
  if (seconds === 0) return '0s';
  return `${seconds < 0 ? '-' : ''}${durationText(Math.abs(seconds) * 1_000)}`;
}

/** An error of our own expression has its places: without one, the library adds that of the call. */
function celDurationOf(text: string): unknown {
  try {
    return celDuration({ text });
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    throw new EvaluationError({ code: error.code, message: error.summary });
  }
}
