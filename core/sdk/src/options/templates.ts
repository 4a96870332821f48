/** Option types that hold expressions: `expression`, `template` and `text`. */
import { z } from 'zod';
import type { Expression, Scope, Template, TextTemplate } from '../contract/expression.js';
import type { JsonValue } from '../contract/json.js';
import { ExpressionError, isExpressionError } from '../errors/typed-errors.js';
import { stringifyJson } from '../http/json-body.js';
import { type ExpressionProblem, reader } from './context.js';
import { piecesOf } from './placeholders.js';

/** What each kind's expressions may use by default. */
export const scopes = {
  destination: ['event', 'events', 'delivery'],
  resolver: ['call', 'known'],
} as const;

/** A CEL expression without `${{ }}`; `variables` are the names it may use. With `'bool'` it must be a condition. */
export function expression(description: string, variables: readonly string[], result?: 'bool') {
  return z
    .string()
    .transform((text, ctx): Expression => compiled({ text, offset: 0 }, variables, ctx, [], result) ?? z.NEVER)
    .meta({ description, expression: [...variables] });
}

/**
 * Fits the value of one expression to the place it is put in: percent-encoding in a URL, entities in a markup language.
 * `before` is what has been rendered before it. Text written in the file stays as it is. A throw is the render's.
 */
export type Fit = (value: string, before: string) => string;

/** A text with `${{ … }}` in it; renders to a string. Other values are written as JSON, null as nothing; `$${{` is a literal `${{`. */
export function text(description: string, variables: readonly string[] = scopes.destination, fit: Fit = asItIs) {
  return z
    .string()
    .transform((value, ctx): TextTemplate => {
      const pieces = compiledPieces(value, variables, ctx, []);
      const first = pieces.findIndex((piece) => !isText(piece));
      const prefix = pieces.slice(0, first < 0 ? pieces.length : first).join('');
      const made: TextTemplate = {
        ...{ constant: first < 0, prefix },
        render: (scope) => filledIn(made, [], () => joined(pieces, scope, fit)),
      };
      return made;
    })
    .meta({ description, template: [...variables] });
}

/**
 * A JSON value with `${{ … }}` in any of its strings. A string that is exactly one expression keeps the value's type;
 * with `fit`, every string in that value is fitted.
 */
export function template(description: string, variables: readonly string[] = scopes.destination, fit: Fit = asItIs) {
  return z
    .json()
    .transform((value, ctx): Template => {
      const whole: { made?: Template } = {};
      whole.made = templateOf(value as JsonValue, { variables, fit, whole }, ctx, []);
      return whole.made;
    })
    .meta({ description, template: [...variables] });
}

/** Names of the options that are templates: a schema does not know where it is used. */
const options = new WeakMap<object, string>();

/** From now on, an error of a template in these options says in which of them it is: `text`, `values.name`. */
export function nameTemplates(value: unknown, path: readonly string[] = []): void {
  if (typeof value !== 'object' || value === null) return;
  if ('render' in value) options.set(value, path.join('.'));
  else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
    for (const [key, inner] of Object.entries(value)) nameTemplates(inner, [...path, key]);
}

function filledIn<T extends JsonValue>(template: Template | undefined, path: IssuePath, fill: () => T): T {
  try {
    return fill();
  } catch (error) {
    const option = template === undefined ? undefined : options.get(template);
    if (option === undefined || !isExpressionError(error)) throw error;
    throw new ExpressionError(error.message, error.missing, error.place, [option, ...path].join('.'));
  }
}

interface TemplateRules {
  readonly variables: readonly string[];
  readonly fit: Fit;
  /** The template that the texts are in. */
  readonly whole: { readonly made?: Template };
}

type Piece = string | Expression;

type IssuePath = readonly (string | number)[];

function templateOf(value: JsonValue, rules: TemplateRules, ctx: z.RefinementCtx, path: IssuePath): Template {
  if (typeof value === 'string') return textTemplate(value, rules, ctx, path);
  if (typeof value !== 'object' || value === null) return { constant: true, render: () => value };
  const parts = Object.entries(value).map(
    ([key, inner]) =>
      [key, templateOf(inner, rules, ctx, [...path, Array.isArray(value) ? Number(key) : key])] as const,
  );
  return {
    constant: parts.every(([, part]) => part.constant),
    render: (scope) =>
      Array.isArray(value)
        ? parts.map(([, part]) => part.render(scope))
        : Object.fromEntries(parts.map(([key, part]) => [key, part.render(scope)])),
  };
}

function textTemplate(
  value: string,
  { variables, fit, whole }: TemplateRules,
  ctx: z.RefinementCtx,
  path: IssuePath,
): Template {
  const pieces = compiledPieces(value, variables, ctx, path);
  const only = pieces.length === 1 ? pieces[0] : undefined;
  if (only !== undefined && !isText(only))
    return {
      constant: false,
      render: (scope) => filledIn(whole.made, path, () => fittedIn(only.evaluate(scope), fit)),
    };
  return {
    constant: pieces.every(isText),
    render: (scope) => filledIn(whole.made, path, () => joined(pieces, scope, fit)),
  };
}

function compiledPieces(
  value: string,
  variables: readonly string[],
  ctx: z.RefinementCtx,
  path: IssuePath,
): readonly Piece[] {
  return piecesOf(value).flatMap((piece): readonly Piece[] => {
    if (typeof piece === 'string') return [piece];
    if (piece.text !== null) {
      const expression = compiled({ ...piece, text: piece.text }, variables, ctx, path);
      return expression === undefined ? [] : [expression];
    }
    issue(ctx, { code: 'EXPRESSION_SYNTAX', message: 'the expression has no closing }}', offset: piece.offset }, path);
    return [];
  });
}

function joined(pieces: readonly Piece[], scope: Scope, fit: Fit): string {
  let done = '';
  for (const piece of pieces) done += isText(piece) ? piece : fit(asText(piece.evaluate(scope)), done);
  return done;
}

function fittedIn(value: JsonValue, fit: Fit): JsonValue {
  if (fit === asItIs) return value;
  if (typeof value === 'string') return fit(value, '');
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((inner) => fittedIn(inner, fit));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fittedIn(inner, fit)]));
}

function isText(piece: string | object): piece is string {
  return typeof piece === 'string';
}

function asItIs(value: string): string {
  return value;
}

function compiled(
  source: { readonly text: string; readonly offset: number },
  variables: readonly string[],
  ctx: z.RefinementCtx,
  path: IssuePath,
  result?: 'bool',
): Expression | undefined {
  try {
    return reader().compile(source.text, variables, result);
  } catch (error) {
    if (typeof error !== 'object' || error === null || !('offset' in error)) throw error;
    const { code, message, offset } = error as ExpressionProblem;
    issue(ctx, { code, message, offset: source.offset + offset }, path);
    return undefined;
  }
}

function issue(ctx: z.RefinementCtx, { code, message, offset }: ExpressionProblem, path: IssuePath): void {
  ctx.addIssue({ code: 'custom', message, path: [...path], params: { problem: code, offset } });
}

function asText(value: JsonValue): string {
  if (typeof value === 'string') return value;
  return value === null ? '' : stringifyJson(value);
}
